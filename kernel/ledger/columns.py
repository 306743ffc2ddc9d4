"""Operations on parallel columns that the nodes share: shift, pick, split by partition or run.

An attempt is an index, the same in every column, so all of these work on whole columns; none calls
a function of ours for each attempt. Nothing here knows what a column means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final, TypeVar
from zlib import crc32

Item = TypeVar("Item")

#: Customers whose partition is remembered; a flood of new ones only empties the cache.
CUSTOMERS_CACHED_MAX: Final = 65_536


class PartitionOf(dict[str, int]):
    """Customer -> partition: CRC-32 of the UTF-8 text, modulo the number of partitions."""

    def __init__(self, partitions: int) -> None:
        super().__init__()
        self.partitions: Final = partitions

    def __missing__(self, customer: str) -> int:
        """Work a partition out, once while it is remembered."""
        if len(self) >= CUSTOMERS_CACHED_MAX:
            self.clear()
        partition = self[customer] = crc32(customer.encode()) % self.partitions
        return partition

    def each(self, customers: Iterable[str]) -> list[int]:
        """Return the partition of each customer in a column."""
        return list(map(self.__getitem__, customers))


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
