"""The merge: what waits in several partitions, as one batch in the ledger's order.

A turn over all partitions in sequence order is one serial pass, so a gate blocks only on what
somebody else holds. Pure column work; nothing is done per attempt but one sort and one pick for
each column. Order is for speed: the gate chain alone keeps decisions right.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from kernel.domain.batch import Batch


class LoggedBatch(NamedTuple):
    """One partition's batch as it lies in the log, numbered: columns in the order of the lines."""

    run: str
    seqs: Sequence[int]
    lines: Sequence[int]
    ids: Sequence[str]
    customers: Sequence[str]
    cents: Sequence[int]
    days: Sequence[int]
    flags: Sequence[int]
    preds: dict[int, int]


class Slice(NamedTuple):
    """The undecided part of one logged batch: its attempts from index `start` on."""

    partition: int
    batch: LoggedBatch
    start: int


_COLUMNS = ("seqs", "partitions", "runs", "lines", "ids", "customers", "cents", "days", "flags")


def merged(slices: Sequence[Slice], limit: int) -> Batch | None:
    """Return the first `limit` attempts of all slices by sequence number; None if there are none.

    Slices of one partition must come in the order of its log.
    """
    run_names: dict[str, int] = {}
    seqs: list[int] = []
    partitions: list[int] = []
    runs: list[int] = []
    lines: list[int] = []
    ids: list[str] = []
    customers: list[str] = []
    cents: list[int] = []
    days: list[int] = []
    flags: list[int] = []
    preds: dict[int, int] = {}
    for partition, batch, start in slices:
        run = run_names.setdefault(batch.run, len(run_names))
        size = len(batch.seqs) - start
        partitions.extend([partition] * size)
        runs.extend([run] * size)
        columns = (seqs, lines, ids, customers, cents, days, flags)
        values = (
            batch.seqs,
            batch.lines,
            batch.ids,
            batch.customers,
            batch.cents,
            batch.days,
            batch.flags,
        )
        for column, value in zip(columns, values, strict=True):
            column.extend(value[start:] if start else value)  # type: ignore[attr-defined]
        preds.update(batch.preds)
    if not seqs:
        return None
    whole = (seqs, partitions, runs, lines, ids, customers, cents, days, flags)
    kept = dict(zip(_COLUMNS, _picked(whole, _order(seqs, limit)), strict=True))
    return Batch(**kept, run_names=tuple(run_names), preds=preds)


def _order(seqs: Sequence[int], limit: int) -> Sequence[int]:
    """Return the indices to keep, by sequence number; a range when they are in order already."""
    size = min(len(seqs), limit)
    order = sorted(range(len(seqs)), key=seqs.__getitem__)
    if order[0] == 0 and order[-1] == len(seqs) - 1 and order == list(range(len(seqs))):
        return range(size)
    return order[:size]


def _picked(columns: Sequence[Any], order: Sequence[int]) -> Sequence[Any]:
    if isinstance(order, range):
        size = len(order)
        return [column if len(column) == size else column[:size] for column in columns]
    if len(order) == 1:
        return [[column[order[0]]] for column in columns]
    pick = itemgetter(*order)
    return [pick(column) for column in columns]
