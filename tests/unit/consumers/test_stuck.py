"""When a run counts as one that cannot be completed, and when it does not."""

from __future__ import annotations

import pytest

from consumers.stuck import STILL_MS, STUCK_MS, StuckWatch, Where, stands_still
from kernel.errors import Incomplete
from kernel.ledger.status import LedgerView, PartitionView
from kernel.ledger.units import RunView
from tests.support.workshop import HandClock

HALTED = PartitionView(0, "halted", 3, 9, "", None, "Poisoned", head=4)
IDLE = PartitionView(1, "idle", 7, 7, "", None, "")
READY = PartitionView(1, "ready", 5, 7, "", None, "")
PARKED = PartitionView(1, "parked", 5, 7, "", (730_122, 4), "", head=20)


def ledger(*parts: PartitionView) -> LedgerView:
    """Return a ledger of these partitions."""
    return LedgerView(parts, 100, 0, 1, {}, {})


def record(*, answers: int = 90, position: int = 100) -> RunView:
    """Return a run's record."""
    return RunView(position, answers, 0, None, 0, {})


class Watched:
    """A watch, and what it sees."""

    def __init__(self, *, url: str | None = "redis://there") -> None:
        self.clock = HandClock()
        self.view = ledger(HALTED, IDLE)
        self.looks = 0
        self.watch = StuckWatch(self._look, self.clock, Where("monday", "prod", url))
        self.watch.check(record(), 91)

    def _look(self) -> LedgerView:
        self.looks += 1
        return self.view

    def after(self, ms: int, run: RunView | None = None) -> None:
        """Let time pass and check."""
        self.clock.pause_ms(ms)
        self.watch.check(run or record(), 91)


def test_a_run_behind_a_halt_is_stuck_after_two_looks() -> None:
    """The first look remembers, the second, after a while without a change, says so."""
    watched = Watched()
    watched.after(STILL_MS - 1)
    assert watched.looks == 0
    watched.after(1)
    watched.after(STUCK_MS - 1)
    assert watched.looks == 1

    with pytest.raises(Incomplete, match="line 91 is the first without an answer") as ended:
        watched.after(1)

    said = str(ended.value)
    assert "partition 0 at 3 of 9 is halted, Poisoned" in said
    assert "`fundload partition skip 0 --redis-url redis://there --ledger prod --seq " in said


def test_nobody_is_sent_to_a_ledger_that_goes_with_the_run() -> None:
    """A throw-away ledger: no command is named."""
    watched = Watched(url=None)
    watched.after(STILL_MS)

    with pytest.raises(Incomplete, match="on a named --ledger") as ended:
        watched.after(STUCK_MS)

    assert "fundload partition" not in str(ended.value)


@pytest.mark.parametrize("change", [record(answers=91), record(position=101)])
def test_a_run_that_gets_on_is_not_stuck(change: RunView) -> None:
    """An answer, or a line appended, begins the while anew."""
    watched = Watched()
    watched.after(STILL_MS)
    watched.after(STUCK_MS - 1, change)

    watched.after(STUCK_MS, change)

    assert watched.looks == 2


def test_a_run_whose_lines_are_all_answered_is_never_looked_at() -> None:
    """It waits for its producer, and a halt elsewhere is not its business."""
    watched = Watched()

    for _ in range(10):
        watched.after(STUCK_MS, record(answers=100))

    assert watched.looks == 0


@pytest.mark.parametrize(
    ("before", "after", "is_still"),
    [
        ([HALTED, IDLE], [HALTED, IDLE], True),
        ([HALTED, PARKED], [HALTED, PARKED], True),
        ([HALTED, PARKED], [HALTED, PARKED._replace(cursor=6)], False),
        ([HALTED, READY], [HALTED, READY], False),
        ([HALTED, READY], [HALTED, READY._replace(state="leased", cursor=6)], False),
        ([HALTED, READY], [HALTED, READY._replace(cursor=7, end=30)], True),
        ([HALTED, IDLE], [HALTED, PARKED._replace(cursor=7)], True),
        ([HALTED, READY], [HALTED, PARKED], False),
        ([IDLE, PARKED], [IDLE, PARKED], False),
        ([READY, IDLE], [READY, IDLE], False),
    ],
)
def test_what_was_there_must_be_decided_halted_or_waiting(
    before: list[PartitionView], after: list[PartitionView], *, is_still: bool
) -> None:
    """Work that is left, by nobody or somebody, is no halt; newer work of others hides none."""
    assert stands_still(ledger(*before), ledger(*after)) is is_still


def test_who_holds_a_partition_up_is_whose_head_is_lowest_before_what_it_waits_for() -> None:
    """Not itself, not who is past it, not who has nothing left."""
    waits = PARKED._replace(wait=(730_122, 30))
    past = READY._replace(partition=2, head=31)
    other = READY._replace(partition=3, head=12)
    assert ledger(HALTED, waits, past, other).holding_up(waits) == HALTED
    assert ledger(waits, past, other).holding_up(waits) == other
    assert ledger(waits, past, IDLE).holding_up(waits) is None
    assert ledger(HALTED, waits).holding_up(HALTED) is None
