"""Rights that the server's access list (ACL) refuses, said so that somebody can give them.

The server says what it refused in words that differ by version, and does not always say whom or
which command. So the client adds both to the error. Neither key nor argument is ever shown.
"""

from __future__ import annotations

import re
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import NoPermissionError, ResponseError

from kernel.errors import RightMissing

#: How the refusal of a command within a script begins: Redis >= 7.2 and Valkey, Redis 7.0.
IN_SCRIPT = ("ACL failure in script", "The user executing the script can't")
_NAMED = re.compile(r"Command # \d+ \((\S+).*?\) of pipeline caused error: ", re.DOTALL)
_WHERE = re.compile(r",? script: (?:\w+, )?on @user_script.*", re.DOTALL)


class RightRefused(NoPermissionError):
    """What the server refused, with the user and the command."""

    def __init__(self, words: str, user: str, command: str) -> None:
        super().__init__(words)
        self.user = user
        self.command = command


def refusal(error: ResponseError, client: redis.Redis, command: str) -> ResponseError:
    """Return the error with user and command, if a right is missing; else as it is."""
    words = str(error)
    if not isinstance(error, NoPermissionError) and not words.startswith(IN_SCRIPT):
        return error
    user = client.connection_pool.connection_kwargs.get("username") or "default"
    return RightRefused(words, user, command)


def _read(untyped: Any, connection: Any, name: Any, options: dict[str, Any]) -> Any:  # noqa: ANN401 - redis-py's own
    return untyped.parse_response(connection, name, **options)


class NamingPipeline(Pipeline):
    """A pipeline that says whom the server refused what."""

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        """Read one answer."""
        try:
            return _read(super(), connection, command_name, options)
        except ResponseError as error:
            raise refusal(error, self, command_name) from error


class NamingClient(redis.Redis):
    """A client that says whom the server refused what."""

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own
        """Read one answer."""
        try:
            return _read(super(), connection, command_name, options)
        except ResponseError as error:
            raise refusal(error, self, command_name) from error

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Pipeline:  # noqa: ANN401, FBT001, FBT002 - redis-py's own
        """Make a pipeline."""
        return NamingPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )


def missing(error: NoPermissionError) -> RightMissing:
    """Return the sentence for the person who can give the right."""
    words = str(error)
    named = _NAMED.match(words)
    command = named[1] if named else getattr(error, "command", "")
    told = _WHERE.sub("", words[named.end() :] if named else words)
    user = getattr(error, "user", "default")
    return RightMissing(
        f"Redis refuses user {user!a} the command {command.upper()} ({told}); give it that right: "
        "deploy/users.acl has what each role needs, and ACL LOG at the server names the key"
    )
