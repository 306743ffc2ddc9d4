"""Runs that cannot be completed before an operator has acted: seen, and said.

Here: when a run counts as stuck, and the sentence. Not here: how halted partitions come to be and
what an operator does about them (`halted.py`).

1. A halted partition alone is no reason to end: others go on, and an operator may be at it. A run
   is stuck when for a while none of its appended lines was answered, and meanwhile everything that
   was there at the while's beginning was decided, but for what is halted or waits for it.
2. So a ledger that is busy with other runs does not hide it, and workers that are away are no halt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from consumers.operate import place, why_still
from kernel.errors import Incomplete
from kernel.ledger.status import LedgerView, PartitionView
from kernel.ledger.units import RunView
from kernel.runtime.patience import Clock

#: How long a run may be without an answer before it is looked whether it can have one.
STILL_MS = 2_500
#: How long nothing may change after that look.
STUCK_MS = 2_500
#: Halted partitions named at the most.
NAMED = 3


class Where(NamedTuple):
    """What the sentence names: run, ledger, and how to get there (None: nobody else can)."""

    run: str
    ledger: str
    redis_url: str | None
    keys_path: str = ""


class StuckWatch:
    """Watches one run's progress, and raises when it can have none."""

    def __init__(self, look: Callable[[], LedgerView | None], clock: Clock, where: Where) -> None:
        self._look = look
        self._clock = clock
        self._where = where
        self._seen = (-1, -1, -1)
        self._since = 0
        self._before: LedgerView | None = None

    def check(self, run: RunView, next_line: int) -> None:
        """Note where the run is.

        Args:
            run: Its record.
            next_line: The first line without an answer here.

        Raises:
            Incomplete: it cannot be completed before an operator has acted.
            StoreUnavailable: the ledger cannot be looked at now.
        """
        now, seen = self._clock.now_ms(), (run.answers, run.position, next_line)
        if seen != self._seen or run.answers >= run.position:
            self._seen, self._since, self._before = seen, now, None
            return
        if now - self._since < (STILL_MS if self._before is None else STUCK_MS):
            return
        view, self._since = self._look(), now
        if view is not None and self._before is not None and stands_still(self._before, view):
            raise Incomplete(sentence(self._where, view, next_line))
        self._before = view


def stands_still(before: LedgerView, after: LedgerView) -> bool:
    """Tell whether all that was there before is decided now, but for what is halted or waits."""
    halted = False
    for old, new in zip(before.partitions, after.partitions, strict=True):
        halted |= new.state == "halted"
        waits = new.state == "parked" and old.state == "parked" and new.cursor == old.cursor
        if not (new.state == "halted" or waits or new.cursor >= old.end):
            return False
    return halted


def sentence(where: Where, view: LedgerView, next_line: int) -> str:
    """Say which line waits for what, and what can be done about it."""
    halted = [part for part in view.partitions if part.state == "halted"]
    first = min(halted, key=lambda part: (part.head, part.partition))
    named = "; ".join(f"{place(part)} is {why_still(view, part)}" for part in halted[:NAMED])
    more = f" ({len(halted)} partitions in all)" if len(halted) > NAMED else ""
    return (
        f"run {where.run} cannot be completed now: line {next_line} is the first without an "
        f"answer, and {named}{more}; {_what_to_do(where, first)}"
    )


def _what_to_do(where: Where, part: PartitionView) -> str:
    if where.redis_url is None:
        return (
            "its ledger is this run's own and goes with it; on a named --ledger the partition can "
            "be resumed, or its head skipped"
        )
    place_of = f"{part.partition} --redis-url {where.redis_url} --ledger {where.ledger}"
    if where.keys_path:
        place_of += f" --keys {where.keys_path}"
    return (
        f"look at it with `fundload partition show {place_of}`, let it go on with `fundload "
        f"partition resume {place_of}` or `fundload partition skip {place_of} --seq NUMBER "
        "--reason TEXT`, and the same command goes on"
    )
