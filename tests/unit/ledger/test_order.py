"""Hold-back: lines leave in order, once, whatever the order and number of their arrivals."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import AnswerDiffers, IntegrityError, WrongPosition
from kernel.ledger.order import NOTHING, UNWRITTEN, HoldBack, OrderMode, Released


def code_of(line: int) -> int:
    """Return a code that differs from line to line, below the mark of an empty place."""
    return line * 7 % 13


def bring(order: HoldBack, lines: Sequence[int]) -> Released:
    """Bring one entry with the answers to some lines."""
    rows = [f"row {line}" for line in lines]
    return order.add(lines, rows, bytes(map(code_of, lines)), [f"id {line}" for line in lines])


def entries_of(seed: int, lines: int, partitions: int, repeats: float) -> list[list[int]]:
    """Return a run's answers as entries: ascending in each, mixed up, some of them twice."""
    chance = random.Random(seed)
    logs: list[list[int]] = [[] for _ in range(partitions)]
    for line in range(1, lines + 1):
        chance.choice(logs).append(line)
    entries = []
    for log in logs:
        while log:
            size = chance.randint(1, 20)
            entries.append(log[:size])
            del log[:size]
    entries += [entry for entry in entries if chance.random() < repeats]
    chance.shuffle(entries)
    return entries


@given(
    seed=st.integers(0, 2**32),
    lines=st.integers(0, 300),
    partitions=st.sampled_from([1, 2, 16]),
    repeats=st.sampled_from([0.0, 0.3]),
    before=st.integers(0, 50),
)
def test_every_line_leaves_once_and_in_order(
    seed: int, lines: int, partitions: int, repeats: float, before: int
) -> None:
    """Any arrival order gives the same output, also when the first lines were written before."""
    written = bytearray(map(code_of, range(1, min(before, lines) + 1)))
    start = len(written)
    order = HoldBack(written, keep_ids=True)
    entries = entries_of(seed, lines, partitions, repeats)
    left: list[tuple[int, str, int, str]] = []
    for entry in entries:
        released = bring(order, entry)
        written += bytes(released.codes)
        left += zip(released.lines, released.rows, released.codes, released.ids, strict=True)

    assert left == [
        (line, f"row {line}", code_of(line), f"id {line}") for line in range(start + 1, lines + 1)
    ]
    assert order.next_line == lines + 1
    assert order.held == 0
    assert order.repeated == sum(map(len, entries)) - (lines - start)
    assert order.gaps(lines) == []


@given(seed=st.integers(0, 2**32), lines=st.integers(1, 120), cut=st.integers(0, 40))
def test_gaps_are_the_lines_that_have_not_come(seed: int, lines: int, cut: int) -> None:
    """At any moment the gaps, what is held and what has left make up the whole run."""
    written = bytearray()
    order = HoldBack(written)
    come: set[int] = set()
    for entry in entries_of(seed, lines, 4, 0.0)[:cut]:
        written += bytes(bring(order, entry).codes)
        come.update(entry)

    missing = [line for gap in order.gaps(lines, limit=1000) for line in gap]

    assert missing == [line for line in range(1, lines + 1) if line not in come]
    assert order.held == len(come) - len(written)
    up_to_last_held = [line for gap in order.gaps(limit=1000) for line in gap]
    assert up_to_last_held == [line for line in missing if line < max(come, default=0)]
    assert order.gaps(lines, limit=1) == order.gaps(lines)[:1]


def test_lines_that_are_contiguous_and_next_pass_through_untouched() -> None:
    """The very columns come out again: nothing was done per row."""
    order = HoldBack(bytearray())
    rows, codes = ["a", "b", "c"], b"\x00\x01\x02"

    released = order.add([1, 2, 3], rows, codes)

    assert released.rows is rows
    assert released.codes is codes
    assert released.lines == range(1, 4)


def test_an_entry_that_only_looks_contiguous_is_looked_at() -> None:
    """Right ends and right length do not make up for a line that comes twice."""
    order = HoldBack(bytearray())

    released = bring(order, [1, 2, 2, 4])

    assert list(released.lines) == [1, 2]
    assert (order.repeated, order.held) == (1, 1)
    assert order.gaps() == [range(3, 4)]


MODES: tuple[OrderMode, ...] = ("source_seq", "completion")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1], [1]),  # written before
        ([5, 6], [6]),  # held, or written out of order
        ([4], [5, 5]),  # twice in one entry
        ([1, 2, 3], [4, 5, 3]),  # written, in an entry that goes on
    ],
)
def test_another_answer_to_the_same_line_is_an_integrity_error(
    mode: OrderMode, first: list[int], second: list[int]
) -> None:
    """One of the two may be published, so neither is taken for the truth."""
    written = bytearray()
    order = HoldBack(written, mode=mode)
    note(written, order.add(first, ["row"] * len(first), bytes(len(first))))
    codes = bytes(len(second) - 1) + b"\x09"

    with pytest.raises(AnswerDiffers, match=r"with code 0 and is now .* code 9") as differs:
        order.add(second, ["row"] * len(second), codes)

    assert isinstance(differs.value, IntegrityError)
    assert f"Line {second[-1]} " in str(differs.value)


def note(written: bytearray, released: Released) -> None:
    """Write what was released, as an output does."""
    missing = max(released.lines, default=0) - len(written)
    written += bytes([UNWRITTEN]) * max(0, missing)
    for line, code in zip(released.lines, released.codes, strict=True):
        written[line - 1] = code


@pytest.mark.parametrize("mode", MODES)
def test_a_line_too_far_ahead_is_refused_before_it_takes_memory(mode: OrderMode) -> None:
    """No honest answer is further ahead than the lines in flight; nor is there a line 0."""
    order = HoldBack(bytearray(3), mode=mode, ahead_lines_max=10)

    assert bring(order, [13]) == (NOTHING if mode == "source_seq" else order_free(13))
    for lines in ([14], [10**15], [0], [-2], [5, 14]):
        with pytest.raises(WrongPosition):
            bring(order, lines)


def order_free(line: int) -> Released:
    """Return what `completion` lets through for one line."""
    return Released([line], [f"row {line}"], bytes([code_of(line)]), [f"id {line}"])


@given(seed=st.integers(0, 2**32), lines=st.integers(0, 120))
def test_in_completion_every_line_leaves_once_as_it_came(seed: int, lines: int) -> None:
    """The order of arrival is kept, repeated answers are dropped and counted."""
    written = bytearray()
    order = HoldBack(written, mode="completion")
    entries = entries_of(seed, lines, 4, 0.3)
    left: list[int] = []
    for entry in entries:
        released = bring(order, entry)
        note(written, released)
        left += released.lines

    assert left == list(dict.fromkeys(line for entry in entries for line in entry))
    assert order.repeated == sum(map(len, entries)) - lines
    assert written == bytes(map(code_of, range(1, lines + 1)))


def test_an_entry_without_answers_changes_nothing() -> None:
    """An empty entry is no reason to fail."""
    order = HoldBack(bytearray())

    assert order.add([], [], b"") == NOTHING
    assert order.next_line == 1


def test_what_left_must_be_written_before_more_comes() -> None:
    """The output's codes are the only record, so a caller that does not write is caught."""
    order = HoldBack(bytearray())
    bring(order, [1, 2])

    with pytest.raises(AssertionError):
        bring(order, [3])
