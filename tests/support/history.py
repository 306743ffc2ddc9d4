"""What a server has written, read back from its append-only file, and what it tells of commits.

A script's effects stand in that file one by one, in their order, whatever the counters say. So this
is a second witness of what the fleet did, and a complete one: no moment is missed, as it would be
by looking now and then.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kernel.adapters.redis import keys
from tests.support.server import Server


class Deeds(NamedTuple):
    """What happened to a ledger: appends, moves of a cursor, moves into the midst of an entry."""

    appends: int
    cursor_moves: int
    moves_into_an_entry: int


def written_commands(server: Server, *, since: int = 0) -> Iterator[tuple[bytes, ...]]:
    """Yield the commands in the append-only file, from a size on that `hold_tail` returned."""
    size = server.hold_tail()
    (tail,) = sorted((server.folder / "appendonlydir").glob("*.incr.aof"))
    yield from _commands(tail, since, size)


def cursor_moves(server: Server, ledger: str, *, since: int = 0) -> dict[bytes, list[int]]:
    """Return for each partition where its cursor was moved to, in the order of the moves."""
    parts = keys.beside(ledger, "parts").encode()
    moves: dict[bytes, list[int]] = {}
    for name, *words in written_commands(server, since=since):
        if name.upper() == b"HSET" and words[0] == parts:
            fields = dict(zip(words[1::2], words[2::2], strict=True))
            for field, value in fields.items():
                if field.endswith(b":c") and b":s" not in b" ".join(fields):
                    moves.setdefault(field.removesuffix(b":c"), []).append(int(value))
    return moves


class Appended(NamedTuple):
    """One append: whose, from which line on, how many lines, and their first sequence number."""

    run: str
    first_line: int
    lines: int
    base: int


def appended(server: Server, ledger: str, *, since: int = 0) -> list[Appended]:
    """Return the appends in the ledger's order."""
    head = keys.beside(ledger, "run:").encode()
    stands: dict[str, int] = {}
    appends = []
    for name, *words in written_commands(server, since=since):
        if name.upper() == b"HSET" and words[0].startswith(head) and b"base" in words:
            run = words[0].removeprefix(head).decode()
            fields = dict(zip(words[1::2], words[2::2], strict=True))
            position = int(fields[b"position"])
            before = stands.get(run, 0)
            appends.append(Appended(run, before + 1, position - before, int(fields[b"base"])))
            stands[run] = position
    assert [each.base for each in appends] == sorted({each.base for each in appends})
    return appends


def _commands(tail: Path, since: int, size: int) -> Iterator[tuple[bytes, ...]]:
    with tail.open("rb") as file:
        file.seek(since)
        while file.tell() < size:
            head = file.readline()
            assert head[:1] == b"*", f"not a command: {head!r}"
            words = []
            for _ in range(int(head[1:])):
                length = int(file.readline()[1:])
                words.append(file.read(length + 2)[:-2])
            yield tuple(words)


def deeds(server: Server, ledger: str, *, since: int = 0) -> Deeds:
    """Return what was done on a ledger."""
    parts, log = keys.beside(ledger, "parts").encode(), keys.beside(ledger, "log:").encode()
    record = keys.record(ledger).encode()
    ends: set[tuple[bytes, bytes]] = set()
    appends = moves = inside = 0
    for name, *words in written_commands(server, since=since):
        verb = name.upper()
        if verb == b"HSET" and words[:2] == [record, b"next_seq"]:
            appends += 1
        elif verb == b"XADD" and words[0].startswith(log):
            ends.add((words[0].removeprefix(log), words[1].partition(b"-")[0]))
        elif verb == b"HSET" and words[0] == parts and words[1].endswith(b":c"):
            moves += 1
            inside += (words[1].removesuffix(b":c"), words[2]) not in ends
    return Deeds(appends, moves, inside)
