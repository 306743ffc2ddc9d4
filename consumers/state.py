"""The `state` view of a turn: cursors, windows, gates and skips, read in one atomic step."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from consumers.positions import FirstLines, behind
from kernel.adapters.codec import windows_of
from kernel.domain.batch import CANDIDATE, Batch
from kernel.domain.gate import Gate
from kernel.domain.windows import needs
from kernel.errors import WrongPosition
from kernel.ledger.payloads import State
from kernel.ledger.ports import PartitionPort
from kernel.ledger.units import LoadRequest


class Unfit(Exception):
    """What was taken is not to be decided, which shows only beside what the store holds."""


class StaleTake(Unfit):
    """A cursor moved between take and load: what was taken is not what the windows belong to."""


class RepeatedLines(Unfit):
    """Partitions whose next lines are no new ones of their run; `found` says what is wrong."""

    def __init__(self, found: Mapping[int, WrongPosition]) -> None:
        super().__init__()
        self.found = found


class StateOfTurn:
    """The `state` view of one turn: reads once, in one atomic step, when decide asks for it."""

    def __init__(
        self,
        port: PartitionPort,
        cursors: dict[int, int],
        firsts: FirstLines,
        week_start: int,
    ) -> None:
        self._port = port
        self._cursors = cursors
        self._firsts = firsts
        self._week_start = week_start

    def read(self, batch: Batch) -> State:
        """Load windows, gates and skips for a batch.

        Raises:
            StaleTake: the store has moved on.
            RepeatedLines: lines that were decided before wait for a decision.
        """
        weeks = needs(batch.days, batch.customers, self._week_start)
        asked = {week: list(customers) for week, customers in weeks.items()}
        days: list[int] = []
        if batch.preds:
            marked = zip(batch.days, batch.flags, strict=True)
            days = list({day for day, flag in marked if flag & CANDIDATE})
        runs = batch.run_names
        found = self._port.load(LoadRequest(list(self._cursors), asked, days, runs))
        if found.status == "GONE" or found.cursors != self._cursors:
            raise StaleTake
        repeated = behind(self._firsts, found.last_lines)
        if repeated:
            raise RepeatedLines(repeated)
        gates = {day: Gate(*gate) for day, gate in found.gates.items()}
        skipped = numbers_of(found.skipped, batch, self._cursors)
        return State(windows_of(asked, found.packed), gates, skipped)


def numbers_of(
    notes: AbstractSet[tuple[int, int]], batch: Batch, cursors: Mapping[int, int]
) -> frozenset[int]:
    """Return the sequence numbers of the attempts at these (partition, position)."""
    if not notes:
        return frozenset()
    position = dict(cursors)
    found = []
    for seq, partition in zip(batch.seqs, batch.partitions, strict=True):
        if (partition, position[partition]) in notes:
            found.append(seq)
        position[partition] += 1
    return frozenset(found)
