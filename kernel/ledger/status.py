"""What `status` shows of a ledger: plain reads, so nothing here is exact while the fleet works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kernel.ledger.units import RunView


class PartitionView(NamedTuple):
    """One partition: state, cursor, end, holder, what it waits for, why it is halted."""

    partition: int
    state: str
    cursor: int
    end: int
    shift: str
    wait: tuple[int, int] | None
    reason: str


class LedgerView(NamedTuple):
    """A ledger: partitions, how many shifts and workers live, the runs, the counters."""

    partitions: tuple[PartitionView, ...]
    next_seq: int
    shifts: int
    workers: int
    runs: Mapping[str, RunView]
    counters: Mapping[str, int]
