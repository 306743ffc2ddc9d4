"""The Lua scripts as callables: one script is one step of a port.

Each body in `lua/` gets `shared.lua` in front. All but the three that make a ledger grow may run
when Redis is full, so that what was appended can still be decided and drained.
"""

from __future__ import annotations

import functools
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

import redis

from kernel.adapters.redis.client import command, store_errors
from kernel.ledger.ports import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kernel.adapters.redis.client import Argument

#: Scripts and the flags in their first line.
FLAGS = {
    "create": "",
    "open": "",
    "append": "",
    "finish": "allow-oom",
    "leave": "allow-oom",
    "take": "allow-oom",
    "load": "allow-oom,no-writes",
    "commit": "allow-oom",
    "fail": "allow-oom",
    "end_shift": "allow-oom",
    "ack": "allow-oom",
    "tick": "allow-oom",
    "resume": "allow-oom",
    "drop": "allow-oom",
    "register": "allow-oom",
    "conclude": "allow-oom",
    "expire": "allow-oom",
}


@functools.cache
def source(name: str) -> bytes:
    """Return a script's whole text as it is sent to the server."""
    folder = resources.files(__package__) / "lua"
    shared = (folder / "shared.lua").read_text("utf-8")
    body = (folder / f"{name}.lua").read_text("utf-8")
    flags = f" flags={FLAGS[name]}" if FLAGS[name] else ""
    return f"#!lua{flags}\n{shared}\n{body}".encode()


@functools.cache
def digest(name: str) -> str:
    """Return the SHA-1 by which the server knows a script."""
    return hashlib.sha1(source(name), usedforsecurity=False).hexdigest()


class Scripts:
    """Runs the scripts of one ledger over one client."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def preload(self) -> None:
        """Send every script, so that the first step is as fast as the others.

        Raises:
            StoreUnavailable: the server does not answer.
        """
        with store_errors():
            for name in FLAGS:
                self._client.script_load(source(name))

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Any]:
        """Run one script; sends its text when the server does not know it (it was restarted).

        Raises:
            StoreUnavailable: nothing is known about the effect.
            StoreFull: the server refuses to grow; no effect.
        """
        with store_errors():
            try:
                answer: Any = command(
                    self._client, "EVALSHA", digest(name), len(keys), *keys, *arguments
                )
            except redis.exceptions.NoScriptError:
                answer = command(self._client, "EVAL", source(name), len(keys), *keys, *arguments)
        if not isinstance(answer, list):
            msg = f"{name}: the server answered {type(answer).__name__} where a list was due"
            raise StoreUnavailable(msg)
        return answer

    def run_with(
        self,
        name: str,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        reads: Sequence[Sequence[Argument]],
    ) -> list[Any]:
        """Run one script and plain reads in one atomic step; return its answer, then theirs.

        For reads of thousands of fields: Lua would make each a string of its own, twice, which
        costs three times what the read does.

        Raises:
            StoreUnavailable: nothing is known about the effect.
        """

        def once() -> list[Any]:
            pipe = self._client.pipeline(transaction=True)
            command(pipe, "EVALSHA", digest(name), len(keys), *keys, *arguments)
            for read in reads:
                command(pipe, *read)
            return pipe.execute()

        with store_errors():
            try:
                return once()
            except redis.exceptions.NoScriptError:
                self._client.script_load(source(name))
                return once()
