"""A server with the users of `deploy/users.acl`, as somebody who follows `deploy/README.md` has it.

Lives here: filling in the file, the server, and processes that log in as one of its users with the
address in their environment. Not here: what each user may do (the file), and the promises (tests).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import redis

from kernel.adapters.redis.client import connect
from tests.support.fleet import PROJECT, Fleet, Member
from tests.support.server import Server, free_port, server_binary

PASSWORD = "open-sesame"
NOBODY = "#" + "0" * 64
#: The ledger that the file as it is shipped speaks of.
SHIPPED = "prod"


def users_file(folder: Path, ledger: str = SHIPPED) -> Path:
    """Write the file with a password for everybody, for a ledger."""
    text = (PROJECT / "deploy" / "users.acl").read_text("utf-8")
    known = text.replace(NOBODY, "#" + hashlib.sha256(PASSWORD.encode()).hexdigest())
    path = folder / "users.acl"
    path.write_text(known.replace("{prod}", f"{{{ledger}}}").replace("fl-prod", f"fl-{ledger}"))
    return path


def binaries() -> dict[str, str]:
    """Return the servers there are to try: the suite's own, and Redis where it is installed."""
    found = {"the suite's own": server_binary()}
    installed = shutil.which("redis-server")
    if installed is not None and installed != server_binary():
        found["redis-server"] = installed
    return found


class GuardedServer(Server):
    """A server that knows the file's users alone."""

    def __init__(self, users: Path, *, settings: Sequence[str] = (), binary: str = "") -> None:
        super().__init__(
            port=free_port(), settings=["--aclfile", str(users), *settings], binary=binary
        )

    def url_of(self, user: str) -> str:
        """Address with which a user logs in."""
        return f"redis://{user}:{PASSWORD}@127.0.0.1:{self.port}"

    def client(self) -> redis.Redis:
        """Connect as the one who may do everything."""
        return connect(self.url_of("admin"))

    def as_user(self, user: str) -> redis.Redis:
        """Connect as a user."""
        return connect(self.url_of(user))


def start_as(fleet: Fleet, server: GuardedServer, user: str, *words: str) -> Member:
    """Start a command of a user, who gives the address as one should: not on the command line."""
    said = fleet.folder / f"{len(fleet.members)}-{words[0]}-{user}.said"
    member = Member(
        words,
        said,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        variables={"FUNDLOAD_REDIS_URL": server.url_of(user)},
    )
    fleet.members.append(member)
    return member
