"""The memory profile's ledger: views and units of work in one process, nothing packed or sealed.

One group, one partition, one chunk at a time: the same nodes read through these views, and each
chunk's effects are applied here in the order append, commit. Nothing can be stale or lost, so there
is nothing to refuse. The fleet's output is compared with this one's.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel.domain.batch import Batch
from kernel.domain.decide import Decided
from kernel.domain.gate import Gate
from kernel.domain.windows import Windows
from kernel.ledger.payloads import ClassifiedChunk, State


class ProfileLedger:
    """Registry, gates and windows; implements the views `ids`, `order` and `state`."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._last: dict[int, int] = {}
        self._gates: dict[int, Gate] = {}
        self._windows: Windows = {}
        self._next_seq = 1

    # ------------------------------------------------------------------------------------- views

    def base(self) -> int:
        """Return the sequence number of the next line."""
        return self._next_seq

    def last_candidate(self, day: int) -> int:
        """Return a day's last candidate, 0 if it has none."""
        return self._last.get(day, 0)

    def read_ids(self, fields: Sequence[str]) -> Sequence[str | None]:
        """Return who owns the fields."""
        return list(map(self._ids.get, fields))

    def read_state(self) -> State:
        """Return windows and gates; decide changes the windows in place, they are its own."""
        return State(self._windows, self._gates, frozenset())

    # ------------------------------------------------------------------------------------- units

    def append(self, chunk: ClassifiedChunk, batches: Sequence[Batch], lines: int) -> None:
        """Register a chunk's ids, number its lines, remember its days' last candidates."""
        classified = chunk.classified
        self._ids.update(zip(classified.new_fields, classified.new_prints, strict=True))
        self._next_seq += lines
        for batch in batches:
            if batch.preds:
                for seq, day in zip(batch.seqs, batch.days, strict=True):
                    if seq in batch.preds:
                        self._last[day] = seq

    def commit(self, decided: Decided) -> None:
        """Keep what a chunk's decisions changed.

        Raises:
            AssertionError: something was left undecided, which one partition cannot bring about.
            BaseException: what an attempt raised; nothing after it was decided.
        """
        for error in decided.raised.values():
            raise error
        assert not decided.blocked, "a single partition never waits for another"
        for week, records in decided.windows.items():
            self._windows.setdefault(week, {}).update(records)
        for day, settled in decided.settled.items():
            self._gates[day] = Gate(settled.front, settled.used)


class IdsOfProfile:
    """The `ids` view."""

    def __init__(self, ledger: ProfileLedger) -> None:
        self._ledger = ledger

    def read(self, fields: Sequence[str]) -> Sequence[str | None]:
        """Return who owns the fields."""
        return self._ledger.read_ids(fields)


class StateOfProfile:
    """The `state` view."""

    def __init__(self, ledger: ProfileLedger) -> None:
        self._ledger = ledger

    def read(self, batch: Batch) -> State:
        """Return windows and gates, whatever the batch needs of them."""
        del batch
        return self._ledger.read_state()
