"""Requests as a producer and a worker would make them, small enough to read: for the port tests.

Here: a chunk out of a few lines, the attempts back out of what a take returned, and a turn decided
by the chain rule alone. Payloads are JSON, because the ports never look inside a seal. It is a
second, slow reading of `scheduling.md`; the program's own sequencer and turn are tested elsewhere.

1. Every attempt adds one to its customer's window; that is enough to see one counted twice.
2. Whether an attempt is accepted is the caller's choice; the chain does not depend on it.
3. An attempt that an operator skipped is declined and touches no window.
4. Sequence numbers stand for the lines of a run: they grow with them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from kernel.ledger.units import (
    AppendRequest,
    BatchOut,
    CommitRequest,
    DeclinedOut,
    LoadRequest,
    Move,
    ReplyOut,
    SettledOut,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kernel.ledger.units import Held, LoadAnswer, StepKind

#: The day's first candidate of a chunk; the script tells its predecessor.
FIRST_OF_CHUNK = -1
DAYS_OF_WEEK = 7

Wish = Literal["auto", "keep", "release", "park", "none"]


class Line(NamedTuple):
    """One attempt to be appended; a candidate waits for its predecessor."""

    partition: int
    day: int = 1
    candidate: bool = False
    field: str = ""


class Seen(NamedTuple):
    """One attempt as a worker reads it; `pred` is None for a plain one, 0 for the day's first."""

    seq: int
    partition: int
    position: int
    entry: str
    run: str
    customer: str
    day: int
    pred: int | None


def append_request(
    lines: Sequence[Line | None],
    *,
    digest: str,
    token: int,
    run: str = "r",
    owner: str = "p",
    position: int = 0,
    owners: Mapping[str, str | None] | None = None,
) -> AppendRequest:
    """Return a chunk's request; None among the lines is one that failed to parse.

    `owners` is what the producer read from the registry for the fields of its lines.
    """
    owners = owners or {}
    fields = dict.fromkeys(line.field for line in lines if line is not None and line.field)
    new = [name for name in fields if owners.get(name) is None]
    batches, last = _batches(run, lines)
    bad = sum(line is None for line in lines)
    return AppendRequest(
        run=run,
        owner=owner,
        token=token,
        position=position,
        lines=len(lines),
        offset=10 * (position + len(lines)),
        sha=f"{position + len(lines):02x}",
        digest=digest,
        new_fields=new,
        new_prints=[f"{name}:{run}" for name in new],
        owned=[(name, owner) for name, owner in owners.items() if owner is not None],
        batches=batches,
        last_candidates=last,
        declined=DeclinedOut(bad, b"\x00bad lines\xff", {1: bad}) if bad else None,
    )


def _batches(run: str, lines: Sequence[Line | None]) -> tuple[list[BatchOut], dict[int, int]]:
    """Return a batch for each partition, and each day's last candidate."""
    last: dict[int, int] = {}
    bodies: dict[int, list[object]] = {}
    open_days: dict[int, list[int]] = {}
    for offset, line in enumerate(lines):
        if line is None:
            continue
        pred = None
        if line.candidate:
            pred = last.get(line.day, FIRST_OF_CHUNK)
            if pred == FIRST_OF_CHUNK:
                open_days.setdefault(line.partition, []).append(line.day)
            last[line.day] = offset
        body = [offset, f"c{line.partition}", line.day, pred]
        bodies.setdefault(line.partition, []).append(body)
    batches = [
        BatchOut(p, len(body), json.dumps([run, body]).encode(), tuple(open_days.get(p, ())))
        for p, body in sorted(bodies.items())
    ]
    return batches, last


def attempts_of(held: Held) -> list[Seen]:
    """Return the undecided attempts of a partition, as a worker reads them off its entries."""
    found = []
    for entry in held.entries:
        run, body = json.loads(entry.sealed)
        preds = iter(entry.preds.split(","))
        for index, (offset, customer, day, inside) in enumerate(body):
            pred: int | None = None
            if inside is not None:
                pred = int(next(preds)) if inside == FIRST_OF_CHUNK else entry.base + inside
            position = entry.end - len(body) + index + 1
            if position > held.cursor:
                place = (entry.base + offset, held.partition, position, entry.id)
                found.append(Seen(*place, run, customer, day, pred))
    return found


def week_of(day: int) -> int:
    """Return the first day of the week."""
    return day - day % DAYS_OF_WEEK


def reading_of(held: Sequence[Held]) -> LoadRequest:
    """Ask for the cursors, windows and gates that deciding all this needs."""
    seen = [attempt for part in held for attempt in attempts_of(part)]
    weeks: dict[int, list[str]] = {}
    for attempt in seen:
        customers = weeks.setdefault(week_of(attempt.day), [])
        if attempt.customer not in customers:
            customers.append(attempt.customer)
    days = sorted({attempt.day for attempt in seen if attempt.pred is not None})
    runs = list(dict.fromkeys(attempt.run for attempt in seen))
    return LoadRequest([part.partition for part in held], weeks, days, runs)


@dataclass
class Turn:
    """What a worker decides on what it holds and has read; `request` makes it a commit."""

    held: Sequence[Held]
    loaded: LoadAnswer
    quota: int
    accepts: Callable[[Seen], bool]
    limit: int = 10_000
    done: list[Seen] = field(default_factory=list)
    blocked: dict[int, Seen] = field(default_factory=dict)
    settled: dict[int, SettledOut] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Decide in the order of the sequence numbers; pass over a partition whose head waits."""
        gates = dict(self.loaded.gates)
        for attempt in sorted(s for part in self.held for s in attempts_of(part)):
            if attempt.partition in self.blocked or len(self.done) >= self.limit:
                continue
            if attempt.pred is not None:
                front, used = gates[attempt.day]
                if used < self.quota:
                    if front != attempt.pred:
                        self.blocked[attempt.partition] = attempt
                        continue
                    used += self._is_accepted(attempt)
                    gates[attempt.day] = (attempt.seq, used)
                    before = self.loaded.gates[attempt.day][0]
                    self.settled[attempt.day] = SettledOut(attempt.day, before, attempt.seq, used)
            self.done.append(attempt)

    def request(
        self,
        *,
        shift: str,
        worker: str,
        token: int,
        digest: str,
        wishes: Mapping[int, Wish] | None = None,
    ) -> CommitRequest:
        """Return the commit of this turn, with the next steps wished for or the due ones."""
        steps = [self._step(part, (wishes or {}).get(part.partition, "auto")) for part in self.held]
        return CommitRequest(
            shift=shift,
            worker=worker,
            token=token,
            digest=digest,
            moves=self._moves(),
            windows=self._windows(),
            settled=list(self.settled.values()),
            replies=self._replies(),
            steps=[step for step in steps if step is not None],
        )

    def _is_skipped(self, attempt: Seen) -> bool:
        return (attempt.partition, attempt.position - 1) in self.loaded.notes

    def _is_accepted(self, attempt: Seen) -> bool:
        return self.accepts(attempt) and not self._is_skipped(attempt)

    def _moves(self) -> list[Move]:
        last = {attempt.partition: attempt for attempt in self.done}
        return [
            Move(part.partition, part.cursor, at.position, at.entry, part.halt)
            for part in self.held
            if (at := last.get(part.partition)) is not None
        ]

    def _windows(self) -> dict[int, list[tuple[str, bytes]]]:
        counts: dict[tuple[int, str], int] = {}
        for attempt in self.done:
            if self._is_skipped(attempt):
                continue
            key = (week_of(attempt.day), attempt.customer)
            counts[key] = counts.get(key, 0) + 1
        windows: dict[int, list[tuple[str, bytes]]] = {}
        asked = reading_of(self.held).weeks
        for (week, customer), more in counts.items():
            packed = self.loaded.packed[week][list(asked[week]).index(customer)]
            windows.setdefault(week, []).append((customer, b"%d" % (int(packed or 0) + more)))
        return windows

    def _replies(self) -> list[ReplyOut]:
        replies = []
        for run in dict.fromkeys(attempt.run for attempt in self.done):
            seqs = [attempt.seq for attempt in self.done if attempt.run == run]
            accepted = sum(self._is_accepted(seen) for seen in self.done if seen.run == run)
            tally = {0: accepted, 10: len(seqs) - accepted}
            body = json.dumps(seqs).encode()
            last = {seen.partition: seen.seq for seen in self.done if seen.run == run}
            replies.append(ReplyOut(run, len(seqs), body, 100 * accepted, tally, last))
        return replies

    def _step(self, part: Held, wish: Wish) -> Step | None:
        waits = self.blocked.get(part.partition)
        kind: StepKind
        if wish == "none":
            return None
        if wish != "auto":
            kind = wish
        elif waits is not None:
            kind = "park"
        else:
            ahead = [s for s in attempts_of(part) if s not in self.done]
            kind = "keep" if ahead else "release"
        if kind != "park":
            return Step(part.partition, kind)
        decided = sum(attempt.partition == part.partition for attempt in self.done)
        cursor = part.cursor + decided
        if waits is not None and waits.pred is not None:
            return Step(part.partition, "park", waits.day, waits.pred, cursor, waits.entry)
        # nothing to wait for: the script must see that, by the entry or by the gate
        head = next((s for s in attempts_of(part) if s not in self.done), None)
        day, entry = (1, "1-1") if head is None else (head.day, head.entry)
        return Step(part.partition, "park", day, 0, cursor, entry)
