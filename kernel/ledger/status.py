"""What `status` shows of a ledger: plain reads, so nothing here is exact while the fleet works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kernel.ledger.units import RunView


class PartitionView(NamedTuple):
    """One partition: state, cursor, end, holder, what it waits for, why it is halted.

    `since_ms` is when it was parked or halted. `head` is the first number of the chunk that holds
    its first undecided attempt, 0 where nobody looked: it is read only if something stands still.
    """

    partition: int
    state: str
    cursor: int
    end: int
    shift: str
    wait: tuple[int, int] | None
    reason: str
    since_ms: int = 0
    head: int = 0


class LedgerView(NamedTuple):
    """A ledger: partitions, how many shifts and workers live, the runs, the counters."""

    partitions: tuple[PartitionView, ...]
    next_seq: int
    shifts: int
    workers: int
    runs: Mapping[str, RunView]
    counters: Mapping[str, int]

    def held(self) -> dict[str, tuple[int, ...]]:
        """Return the partitions that each worker holds; a shift's name begins with its worker's."""
        found: dict[str, tuple[int, ...]] = {}
        for part in self.partitions:
            if part.shift:
                worker = part.shift.partition("/")[0]
                found[worker] = (*found.get(worker, ()), part.partition)
        return found

    def holding_up(self, part: PartitionView) -> PartitionView | None:
        """Return which other partition a parked one waits for: whose head is the lowest below.

        The lowest undecided line of a ledger never waits for a gate. So of all that may be before
        what is waited for, this is the one that must get on; None where it cannot be told.
        """
        if part.wait is None:
            return None
        before = [
            other
            for other in self.partitions
            if other.partition != part.partition and 0 < other.head <= part.wait[1]
        ]
        return min(before, key=lambda other: (other.head, other.state != "halted"), default=None)
