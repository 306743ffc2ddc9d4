"""Operations on columns: shift, pick, split, and the partition of a customer."""

from __future__ import annotations

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ledger.columns import partitions_of, picked, shifted, split_rows


@given(st.lists(st.text("0123456789", min_size=1, max_size=18)), st.integers(1, 64))
def test_a_partition_is_the_checksum_of_the_customer(customers: list[str], partitions: int) -> None:
    """Wire format: other processes, and other years, must find the same partition."""
    expected = [crc32(customer.encode()) % partitions for customer in customers]

    assert partitions_of(customers, partitions) == expected


@pytest.mark.unwatched
@given(st.lists(st.integers()), st.integers(-5, 5))
def test_a_shifted_column_is_the_column_with_a_number_added(column: list[int], by: int) -> None:
    """Item by item."""
    assert list(shifted(column, by)) == [item + by for item in column]


@pytest.mark.unwatched
@given(st.integers(0, 9), st.integers(0, 9), st.integers(-5, 5))
def test_a_shifted_range_is_still_a_range(start: int, stop: int, by: int) -> None:
    """The common chunk without odd lines stays free of charge."""
    assert shifted(range(start, stop), by) == range(start + by, stop + by)


@pytest.mark.unwatched
@given(st.data())
def test_picking_gives_the_items_at_the_indices(data: st.DataObject) -> None:
    """Any ascending choice, from none to all."""
    column = data.draw(st.lists(st.text(max_size=3), max_size=12))
    chosen = data.draw(st.sets(st.integers(0, len(column) - 1))) if column else set()
    indices = sorted(chosen)

    assert list(picked(column, indices)) == [column[index] for index in indices]


def test_picking_everything_copies_nothing() -> None:
    """A turn that decided all keeps its columns."""
    column = ["a", "b"]

    assert picked(column, range(2)) is column


@pytest.mark.unwatched
@given(st.lists(st.integers(0, 4)))
def test_split_rows_loses_no_row_and_keeps_their_order(labels: list[int]) -> None:
    """Each index once, under its own label, ascending; labels that do not occur are absent."""
    split = split_rows(labels, 5)

    assert sorted(index for _, rows in split for index in rows) == list(range(len(labels)))
    assert all(labels[index] == label for label, rows in split for index in rows)
    assert all(rows == sorted(rows) and rows for _, rows in split)
    assert [label for label, _ in split] == sorted(set(labels))
