"""Laws of `decide`: it is pure, total over stopped partitions, and leaves nothing half done."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import cast

import pytest

from kernel.domain.batch import CANDIDATE, PRIME
from kernel.domain.gate import Gate
from kernel.domain.ruleset import RuleSet
from kernel.domain.windows import RECORD_LENGTH, Windows, fresh, week_of
from tests.unit.domain.turns import (
    BASELINE,
    EXPERIMENT,
    GATED,
    MONDAY,
    TUESDAY,
    Row,
    batch_of,
    decide_batch,
    decide_rows,
    reasons,
)

POISON = cast("int", "not a number")


def chance_rows(seed: int, count: int = 300) -> list[Row]:
    """Draw attempts near the limits, over two weeks, of few customers in three partitions."""
    rng = Random(seed)
    rows = []
    for _ in range(count):
        customer = rng.randrange(6)
        rows.append(
            Row(
                cents=rng.choice((0, 1, 250_000, 250_001, 499_999, 500_000, 999_901)),
                customer=str(customer),
                day=MONDAY + rng.randrange(14),
                flag=rng.choice((0, 0, 0, 1, 2, GATED, PRIME | 1)),
                partition=customer % 3,
            )
        )
    return rows


@pytest.mark.parametrize("rules", [BASELINE, EXPERIMENT])
@pytest.mark.parametrize("seed", range(5))
def test_equal_arguments_give_equal_results(rules: RuleSet, seed: int) -> None:
    """Nothing is remembered between calls, and the arguments but the windows are not touched."""
    rows = chance_rows(seed)
    batch, before = batch_of(rows), deepcopy(batch_of(rows))
    skipped = frozenset({7, 70})

    first = decide_batch(rules, batch, skipped=skipped)
    second = decide_batch(rules, batch, skipped=skipped)

    assert first == second
    assert batch == before
    assert len(set(first.codes)) > 5


@pytest.mark.parametrize("rules", [BASELINE, EXPERIMENT])
@pytest.mark.parametrize("seed", range(5))
def test_a_batch_cut_in_two_is_decided_like_the_whole(rules: RuleSet, seed: int) -> None:
    """Windows and gates carry everything from one batch to the next."""
    rows, cut = chance_rows(seed), 1 + seed * 60
    whole = batch_of(rows)
    expected = decide_batch(rules, whole)
    windows: Windows = {}

    head = decide_batch(rules, batch_of(rows[:cut]), windows=windows)
    gates = {day: Gate(moved.front, moved.used) for day, moved in head.settled.items()}
    tail_batch = batch_of(rows[cut:], first_seq=cut + 1)._replace(preds=whole.preds)
    tail = decide_batch(rules, tail_batch, windows=deepcopy(head.windows), gates=gates)

    assert head.codes + tail.codes == expected.codes
    for week, records in expected.windows.items():
        for customer, record in records.items():
            kept = tail.windows.get(week, {}).get(customer) or head.windows[week][customer]
            assert kept == record


@pytest.mark.parametrize("seed", range(5))
def test_codes_and_reach_count_the_same_attempts(seed: int) -> None:
    """One code for each attempt taken, and a reach for every partition, however far it got."""
    rows = chance_rows(seed)
    batch = batch_of(rows)
    stuck = batch._replace(preds=batch.preds | {min(batch.preds): 10**9})

    decided = decide_batch(EXPERIMENT, stuck)

    assert decided.blocked
    assert len(decided.codes) == len(decided.taken) == sum(decided.reach.values()) < len(rows)
    assert set(decided.reach) == {0, 1, 2}
    for partition, reach in decided.reach.items():
        positions = [i for i, row in enumerate(rows) if row.partition == partition]
        assert [i for i in decided.taken if rows[i].partition == partition] == positions[:reach]


def test_an_attempt_that_raises_stops_its_partition_alone() -> None:
    """The error is kept for the halt; attempts before it and of others are decided."""
    rows = [
        Row(100, customer="1", partition=1),
        Row(POISON, customer="1", partition=1),
        Row(100, customer="1", partition=1),
        Row(100, customer="2", partition=2),
    ]

    decided = decide_rows(BASELINE, rows)

    assert list(decided.taken) == [0, 3]
    assert reasons(decided) == ["ACCEPTED", "ACCEPTED"]
    assert decided.reach == {1: 1, 2: 1}
    assert decided.blocked == {}
    assert [type(error) for error in decided.raised.values()] == [TypeError]
    assert list(decided.raised) == [1]


def test_a_raising_attempt_leaves_its_record_as_it_was() -> None:
    """Only what was decided before it is in the record."""
    alone = decide_rows(BASELINE, [Row(100)])

    decided = decide_rows(BASELINE, [Row(100), Row(POISON)])

    assert decided.windows == alone.windows


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param([0] * (RECORD_LENGTH - 1), id="too short for its Sunday"),
        pytest.param([], id="empty"),
        pytest.param([cast("int", None)] * RECORD_LENGTH, id="no numbers"),
        pytest.param(cast("list[int]", (0,) * RECORD_LENGTH), id="not to be written"),
    ],
)
@pytest.mark.parametrize("cents", [100, 500_001], ids=["to accept", "to decline"])
def test_a_broken_record_raises_and_is_not_written(broken: list[int], cents: int) -> None:
    """A record that cannot be read or written stops the partition, with the record untouched."""
    sunday = MONDAY + 6
    before = deepcopy(broken)

    decided = decide_rows(BASELINE, [Row(cents, day=sunday)], windows={MONDAY: {"6": broken}})

    assert list(decided.raised) == [0]
    assert decided.windows == {}
    assert broken == before


def test_a_raising_candidate_leaves_its_gate_and_holds_the_next_one() -> None:
    """Its gate has not moved, so the day's next candidate waits for it."""
    rows = [
        Row(POISON, customer="1", flag=GATED, partition=1),
        Row(100, customer="2", flag=GATED, partition=2),
    ]

    decided = decide_rows(EXPERIMENT, rows)

    assert list(decided.raised) == [1]
    assert list(decided.blocked) == [2]
    assert (decided.settled, decided.windows) == ({}, {})


def test_a_candidate_without_a_predecessor_on_record_raises() -> None:
    """A lost predecessor is never taken for being the first of the day."""
    batch = batch_of([Row(100, flag=GATED)])._replace(preds={})

    decided = decide_batch(EXPERIMENT, batch)

    assert [type(error) for error in decided.raised.values()] == [KeyError]


def test_an_unknown_class_raises() -> None:
    """The two class bits have three meanings; the fourth is a bug and not an answer."""
    decided = decide_rows(BASELINE, [Row(100, flag=3)])

    assert list(decided.raised) == [0]
    assert not decided.codes


def test_a_skip_gets_past_an_attempt_that_raises() -> None:
    """What raised is not looked at when it is skipped; the attempts behind it go on."""
    decided = decide_rows(EXPERIMENT, [Row(POISON), Row(100)], skipped={1})

    assert reasons(decided) == ["OPERATOR_SKIP", "ACCEPTED"]
    assert decided.raised == {}


def test_a_skipped_duplicate_keeps_its_row() -> None:
    """The operator's answer comes before the duplicate's, and is never dropped."""
    rules = replace(BASELINE, on_replay="drop")

    decided = decide_rows(rules, [Row(100, flag=1)], skipped={1})

    assert reasons(decided) == ["OPERATOR_SKIP"]


def test_what_stops_the_process_is_not_caught() -> None:
    """Ctrl-C in the middle of a batch is not a poisoned attempt."""

    class Interrupting(int):
        def __radd__(self, other: int) -> int:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decide_rows(BASELINE, [Row(Interrupting(5))])


def test_columns_of_unequal_length_are_refused() -> None:
    """A batch with a column cut short is a bug of ours, not a batch with fewer attempts."""
    batch = batch_of([Row(1), Row(2)])

    with pytest.raises(ValueError, match="shorter"):
        decide_batch(BASELINE, batch._replace(flags=[0]))


def test_records_are_changed_in_place_and_belong_to_the_decision() -> None:
    """What the module says of ownership: no copy of a record is made on the way."""
    record = fresh()
    windows = {week_of(TUESDAY, 0): {"6": record}}

    decided = decide_rows(BASELINE, [Row(100)], windows=windows)

    assert decided.windows[MONDAY]["6"] is record


def test_the_flag_bits_do_not_overlap() -> None:
    """Class, prime and candidate share one number."""
    assert [3 & PRIME, 3 & CANDIDATE, PRIME & CANDIDATE] == [0, 0, 0]
