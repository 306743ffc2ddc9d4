"""What `status` says of a ledger in which something waits, and of what was counted."""

from __future__ import annotations

from consumers.operate import as_text
from kernel.ledger.status import LedgerView, PartitionView
from kernel.ledger.units import RunView

DAY = 730_122  # the third of January 2000


def test_status_tells_who_waits_for_what_and_who_committed() -> None:
    """One line each for the ledger, the partitions, what stands still, the runs, the counters."""
    view = LedgerView(
        partitions=(
            PartitionView(0, "idle", 7, 7, "", None, ""),
            PartitionView(1, "parked", 3, 5, "", (DAY, 1_234), ""),
            PartitionView(2, "halted", 0, 9, "", None, "SealBroken"),
        ),
        next_seq=2_001,
        shifts=1,
        workers=2,
        runs={"monday": RunView(2_000, 1_990, 1_900, None, 0, {})},
        counters={"commits": 1_400, "commits:h-1": 1_300, "commits:h-2": 100, "parks": 1},
    )

    assert as_text("prod", view).splitlines() == [
        "ledger prod: 2,000 lines, 11 attempts wait, 2 workers known, 1 on a shift",
        "partitions: 1 halted, 1 idle, 1 parked",
        "  partition 1 at 3 of 5: waits until number 1234, of 2000-01-03, is decided",
        "  partition 2 at 0 of 9: halted, SealBroken",
        "run monday: 2,000 of an unknown number of lines appended, 1,990 answered, 1,900 written",
        "commits 1,400 (h-1 1,300, h-2 100)",
        "parks 1",
    ]
