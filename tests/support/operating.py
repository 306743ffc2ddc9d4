"""An operator at a fleet's ledger: commands typed and read, and a hand in the server's memory.

Lives here: what several tests of halted partitions do. Not here: the processes (`fleet.py`).
"""

from __future__ import annotations

from typing import Any

from kernel.adapters.redis.halts import fields_of
from tests.support.fleet import ENDS_S, Fleet
from tests.support.server import Server


def spoken(fleet: Fleet, *words: str) -> tuple[int, str]:
    """Run a command that an operator types; return its exit code and all that it said."""
    place = ("--redis-url", fleet.url, "--ledger", fleet.ledger)
    member = fleet.start(*words, *place)
    out, _ = member.popen.communicate(timeout=ENDS_S)
    return member.popen.returncode, out.decode() + member.said


def halted(fleet: Fleet) -> list[int]:
    """Return the partitions that are halted."""
    return [part.partition for part in fleet.view().partitions if part.state == "halted"]


def flip(server: Server, stream: str) -> None:
    """Change one bit of a stream's first entry, or change it back."""
    client: Any = server.client()
    entries = client.execute_command("XRANGE", stream, "-", "+")
    client.delete(stream)
    for index, (name, body) in enumerate(entries):
        fields = fields_of(body)
        if index == 0:
            sealed = bytearray(fields[b"b"])
            sealed[len(sealed) // 2] ^= 1
            fields[b"b"] = bytes(sealed)
        client.xadd(stream, fields, id=name)
    client.close()
