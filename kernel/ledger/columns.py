"""Operations on parallel columns that the nodes share: shift, pick, split by partition or run.

An attempt is an index, the same in every column, so all of these work on whole columns; none calls
a function of ours for each attempt. Nothing here knows what a column means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TypeVar
from zlib import crc32

Item = TypeVar("Item")


def partitions_of(customers: Sequence[str], partitions: int) -> list[int]:
    """Return the partition of each customer: CRC-32 of the UTF-8 text, modulo their number.

    Customers are digits by the grammar, so a comma may stand between them: encoding the column at
    once is cheaper than a cache, which a day's many customers only miss.
    """
    if not customers:
        return []
    return [crc32(name) % partitions for name in ",".join(customers).encode().split(b",")]


def shifted(column: Sequence[int], by: int) -> Sequence[int]:
    """Return the column with a number added to each item; ranges stay ranges."""
    if not by:
        return column
    if isinstance(column, range):
        return range(column.start + by, column.stop + by, column.step)
    return [item + by for item in column]


def picked(column: Sequence[Item], indices: Sequence[int]) -> Sequence[Item]:
    """Return the items at ascending indices; the column itself when they are all there is."""
    if len(indices) == len(column):
        return column
    if len(indices) > 1:
        items: tuple[Item, ...] = itemgetter(*indices)(column)
        return items
    return tuple(column[index] for index in indices)


def split_rows(labels: Iterable[int], labels_max: int) -> list[tuple[int, list[int]]]:
    """Return for each label below `labels_max` that occurs the indices of its rows, ascending."""
    rows: list[list[int]] = [[] for _ in range(labels_max)]
    adders = [indices.append for indices in rows]
    for index, label in enumerate(labels):
        adders[label](index)
    return [(label, indices) for label, indices in enumerate(rows) if indices]
