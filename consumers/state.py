"""The `state` view of a turn: cursors, windows, gates and skips, read in one atomic step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consumers.notes import notes_on
from consumers.positions import FirstLines, behind
from kernel.adapters.codec import windows_of
from kernel.domain.batch import CANDIDATE, Batch
from kernel.domain.gate import Gate
from kernel.domain.windows import needs
from kernel.engine.sealing import Seals
from kernel.errors import IntegrityError
from kernel.ledger.payloads import State
from kernel.ledger.ports import PartitionPort
from kernel.ledger.units import Held, LoadRequest


class Unfit(Exception):
    """What was taken is not to be decided, which shows only beside what the store holds."""


class StaleTake(Unfit):
    """A cursor moved between take and load: what was taken is not what the windows belong to."""


class Untrusted(Unfit):
    """Partitions that are to halt; `found` says what is wrong, and at which position a note is."""

    def __init__(self, found: Mapping[int, tuple[IntegrityError, int | None]]) -> None:
        super().__init__()
        self.found = found


class RepeatedLines(Untrusted):
    """Partitions whose next lines are no new ones of their run."""


class ForgedNotes(Untrusted):
    """Partitions in which a note tells to skip an attempt, and no operator wrote it for that."""


class StateOfTurn:
    """The `state` view of one turn: reads once, in one atomic step, when decide asks for it."""

    def __init__(
        self,
        port: PartitionPort,
        held: Sequence[Held],
        firsts: FirstLines,
        week_start: int,
        seals: Seals,
    ) -> None:
        self._port = port
        self._held = held
        self._cursors = {part.partition: part.cursor for part in held}
        self._firsts = firsts
        self._week_start = week_start
        self._seals = seals

    def read(self, batch: Batch) -> State:
        """Load windows, gates and skips for a batch.

        Raises:
            StaleTake: the store has moved on.
            RepeatedLines: lines that were decided before wait for a decision.
            ForgedNotes: a note that no operator wrote for its attempt would skip it.
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
            raise RepeatedLines({partition: (why, None) for partition, why in repeated.items()})
        gates = {day: Gate(*gate) for day, gate in found.gates.items()}
        notes = notes_on(batch, self._held, found.notes, self._seals)
        if notes.broken:
            raise ForgedNotes(notes.broken)
        return State(windows_of(asked, found.packed), gates, notes.skipped)
