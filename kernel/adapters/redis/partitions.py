"""Partitions on Redis: typed wrappers over take, load, commit, fail, end_shift and tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel.adapters.redis.ingress import joined_tally
from kernel.adapters.redis.pairs import packed_pairs
from kernel.ledger.units import (
    CommitAnswer,
    EndAnswer,
    Entry,
    FailAnswer,
    Held,
    LoadAnswer,
    TakeAnswer,
    TickAnswer,
)

if TYPE_CHECKING:
    from kernel.adapters.redis.attached import Attached
    from kernel.adapters.redis.client import Argument
    from kernel.ledger.units import CommitRequest, FailRequest, LoadRequest, TakeRequest


def take(ledger: Attached, request: TakeRequest) -> TakeAnswer:
    """Run `take.lua`."""
    settings = ledger.settings
    answer = ledger.step(
        "take",
        request.shift,
        request.worker,
        request.limit,
        settings.lease_ms,
        settings.shift_deadline_ms,
        settings.worker_ttl_ms,
        settings.ring_ms,
        request.policy,
        ",".join(map(str, request.prefer)),
        ledger.record.partitions,
    )
    if answer[0] == b"GONE":
        return TakeAnswer("GONE")
    held = tuple(_held(row) for row in answer[3:])
    return TakeAnswer("TAKEN", held, int(answer[2]), ring=answer[1] == 1)


def _held(row: list[Any]) -> Held:
    entries = tuple(
        Entry(entry[0].decode(), int(entry[1]), entry[2].decode(), entry[3]) for entry in row[4:]
    )
    return Held(int(row[0]), int(row[1]), int(row[2]), row[3].decode(), entries)


def load(ledger: Attached, request: LoadRequest) -> LoadAnswer:
    """Run `load.lua`, and read the windows in the same atomic step."""
    counted = (request.partitions, request.days, request.runs)
    arguments: list[Argument] = [len(items) for items in counted]
    arguments.extend(request.partitions)
    arguments.extend(request.days)
    arguments.extend(request.runs)
    asked = {week: customers for week, customers in request.weeks.items() if customers}
    reads = [("HMGET", ledger.key(f"w:{week}"), *names) for week, names in asked.items()]
    answer, *weeks = ledger.step_with("load", arguments, reads)
    if answer[0] == b"GONE":
        return LoadAnswer("GONE", {}, {}, {}, {}, {})
    _, cursors, fronts, uses, notes, decided = answer
    return LoadAnswer(
        "LOADED",
        {p: int(cursor) for p, cursor in zip(request.partitions, cursors, strict=True)},
        {**{week: [] for week in request.weeks}, **dict(zip(asked, weeks, strict=True))},
        {
            day: (int(front or 0), int(used or 0))
            for day, front, used in zip(request.days, fronts, uses, strict=True)
        },
        {
            (run, p): int(line)
            for run, lines in zip(request.runs, decided, strict=True)
            for p, line in zip(request.partitions, lines, strict=True)
            if line is not None
        },
        {_place(at): note.decode() for at, note in zip(notes[::2], notes[1::2], strict=True)},
    )


def _place(field: bytes) -> tuple[int, int]:
    partition, position = field.split(b":")
    return int(partition), int(position)


def commit(ledger: Attached, quota: int, request: CommitRequest) -> CommitAnswer:
    """Run `commit.lua`."""
    settings = ledger.settings
    arguments: list[Argument] = [
        request.shift,
        request.worker,
        request.token,
        request.digest,
        quota,
        settings.lease_ms,
        settings.shift_deadline_ms,
        settings.worker_ttl_ms,
        settings.ring_ms,
        len(request.moves),
        len(request.settled),
        len(request.replies),
        len(request.steps),
        len(request.windows),
    ]
    for move in request.moves:
        arguments += move
    for gate in request.settled:
        arguments += gate
    for reply in request.replies:
        tally = joined_tally(reply.tally)
        arguments += (reply.run, reply.answers, reply.sealed, reply.cents_accepted, tally)
    for step in request.steps:
        arguments += step
    for week, records in request.windows.items():
        arguments += (week, packed_pairs(records))
    for reply in request.replies:
        arguments.append(2 * len(reply.last_lines))
        for last in reply.last_lines.items():
            arguments += last
    answer = ledger.step("commit", *arguments)
    if answer[0] != b"APPLIED":
        return CommitAnswer(answer[0].decode())
    outcomes: Any = tuple(outcome.decode() for outcome in answer[2:])
    return CommitAnswer("APPLIED", outcomes, ring=answer[1] == 1)


def fail(ledger: Attached, request: FailRequest) -> FailAnswer:
    """Run `fail.lua`."""
    answer = ledger.step(
        "fail",
        request.shift,
        request.token,
        request.partition,
        request.cursor,
        request.entry,
        request.reason,
        int(request.fatal),
        "" if request.note is None else request.note,
    )
    return FailAnswer(answer[0].decode())


def end_shift(ledger: Attached, *, shift: str, forced: bool) -> EndAnswer:
    """Run `end_shift.lua`."""
    settings = ledger.settings
    answer = ledger.step(
        "end_shift", shift, int(forced), settings.ring_ms, settings.shift_deadline_ms
    )
    status = answer[0].decode()
    return EndAnswer(status, ring=status == "ENDED" and answer[1] == 1)


def tick(ledger: Attached, *, worker: str) -> TickAnswer:
    """Run `tick.lua`."""
    settings = ledger.settings
    answer = ledger.step(
        "tick",
        worker,
        settings.tick_ms,
        settings.lease_ms,
        settings.shift_deadline_ms,
        settings.worker_ttl_ms,
        settings.ring_ms,
        ledger.record.partitions,
    )
    if answer[0] != b"TICKED":
        return TickAnswer(answer[0].decode())
    leases, listed, shifts, bells, ring = (int(n) for n in answer[1:])
    return TickAnswer("TICKED", leases, listed, shifts, bells, ring=ring == 1)
