"""The gate of a day inside a batch: who may be decided, who is passed over, what settles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kernel.domain.batch import PRIME, Batch
from kernel.domain.decide import Block
from kernel.domain.gate import Gate, Settlement
from kernel.domain.ruleset import PrimeGate, RuleSet
from tests.unit.domain.turns import (
    EXPERIMENT,
    GATED,
    TUESDAY,
    Row,
    batch_of,
    decide_batch,
    decide_rows,
    reasons,
)

CANDIDATE = Row(100, flag=GATED)


def quota_of(quota: int) -> RuleSet:
    """Return the experiment's rules with another quota."""
    return replace(EXPERIMENT, prime_gate=PrimeGate(quota, amount_cap_cents=999_900))


def others(row: Row, count: int) -> list[Row]:
    """Repeat a row for different customers."""
    return [row._replace(customer=str(n)) for n in range(count)]


@pytest.mark.parametrize(
    ("quota", "accepted", "settled"), [(1, 1, (1, 1)), (2, 2, (2, 2)), (3, 3, (3, 3))]
)
def test_as_many_primes_pass_as_the_quota_has(
    quota: int, accepted: int, settled: tuple[int, int]
) -> None:
    """Rule 4 for quotas above one; after the last one used no candidate writes the gate."""
    decided = decide_rows(quota_of(quota), others(CANDIDATE, 5))

    assert reasons(decided) == ["ACCEPTED"] * accepted + ["PRIME_DAILY_GLOBAL_LIMIT"] * (
        5 - accepted
    )
    assert decided.settled == {TUESDAY: Settlement(TUESDAY, 0, *settled)}


def test_a_quota_of_zero_declines_primes_without_any_gate() -> None:
    """With nothing to share there are no candidates, nobody waits and nothing is settled."""
    decided = decide_rows(quota_of(0), others(Row(100, flag=PRIME), 2))

    assert reasons(decided) == ["PRIME_DAILY_GLOBAL_LIMIT"] * 2
    assert decided.settled == {}
    assert decided.blocked == {}


def test_a_candidate_waits_for_the_one_before_it() -> None:
    """Its partition stops there and is passed over; the attempts of others go on."""
    rows = [
        Row(100, customer="1", partition=1),
        CANDIDATE._replace(partition=1),
        Row(100, customer="2", partition=2),
        Row(100, customer="1", partition=1),
        CANDIDATE._replace(customer="3", partition=3),
    ]

    decided = decide_batch(EXPERIMENT, batch_of(rows, first_seq=50, last_candidate=9))

    assert list(decided.taken) == [0, 2]
    assert reasons(decided) == ["ACCEPTED", "ACCEPTED"]
    assert decided.reach == {1: 1, 2: 1, 3: 0}
    assert decided.blocked == {1: Block(TUESDAY, 9), 3: Block(TUESDAY, 51)}
    assert decided.settled == {}
    assert decided.raised == {}


def test_a_candidate_behind_the_front_goes_on_where_the_last_turn_stopped() -> None:
    """The front given is the predecessor: it settles, and the next one follows in the batch."""
    batch = batch_of(others(Row(500_001, flag=GATED), 2), first_seq=50, last_candidate=9)

    decided = decide_batch(EXPERIMENT, batch, gates={TUESDAY: Gate(front=9, used=0)})

    assert reasons(decided) == ["DAILY_AMOUNT_LIMIT"] * 2
    assert decided.settled == {TUESDAY: Settlement(TUESDAY, front_before=9, front=51, used=0)}


def test_a_used_up_quota_lets_everybody_pass_and_writes_nothing() -> None:
    """No predecessor is waited for once the day's quota is gone."""
    batch = batch_of(others(CANDIDATE, 2), first_seq=50, last_candidate=49)

    decided = decide_batch(EXPERIMENT, batch, gates={TUESDAY: Gate(front=9, used=1)})

    assert reasons(decided) == ["PRIME_DAILY_GLOBAL_LIMIT"] * 2
    assert decided.settled == {}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (Row(500_001, flag=GATED), "DAILY_AMOUNT_LIMIT"),
        (Row(999_901, flag=GATED), "PRIME_AMOUNT_CAP"),
    ],
)
def test_a_declined_candidate_settles_and_leaves_the_slot(row: Row, reason: str) -> None:
    """Every candidate settles in its turn, whatever its answer."""
    decided = decide_rows(EXPERIMENT, [row])

    assert reasons(decided) == [reason]
    assert decided.settled == {TUESDAY: Settlement(TUESDAY, front_before=0, front=1, used=0)}


def test_each_day_has_a_gate_of_its_own() -> None:
    """A day that is blocked does not hold up the candidates of another."""
    batch = batch_of([CANDIDATE, CANDIDATE._replace(day=TUESDAY + 1, partition=1)], first_seq=7)
    batch = batch._replace(preds={7: 3, 8: 0})

    decided = decide_batch(EXPERIMENT, batch)

    assert decided.blocked == {0: Block(TUESDAY, 3)}
    assert decided.settled == {TUESDAY + 1: Settlement(TUESDAY + 1, 0, front=8, used=1)}


def test_gates_given_are_left_alone() -> None:
    """The caller compares on them afterwards, so they must be what they were."""
    gates = {TUESDAY: Gate()}

    decide_rows(EXPERIMENT, [CANDIDATE], gates=gates)

    assert gates == {TUESDAY: Gate()}


def test_a_skipped_candidate_settles_without_using_the_quota() -> None:
    """Section 5: declined in its turn, no window touched, the slot left for the next."""
    decided = decide_rows(EXPERIMENT, others(CANDIDATE, 2), skipped={1})

    assert reasons(decided) == ["OPERATOR_SKIP", "ACCEPTED"]
    assert decided.settled == {TUESDAY: Settlement(TUESDAY, front_before=0, front=2, used=1)}
    assert set(next(iter(decided.windows.values()))) == {"1"}


def test_a_skipped_candidate_waits_for_its_turn_like_any_other() -> None:
    """Skipping is not settling out of turn: the one before it comes first."""
    batch = batch_of([CANDIDATE], first_seq=50, last_candidate=9)

    decided = decide_batch(EXPERIMENT, batch, skipped={50})

    assert list(decided.taken) == []
    assert decided.blocked == {0: Block(TUESDAY, 9)}


def test_an_empty_batch_has_an_empty_result() -> None:
    """No attempts, nothing decided, nothing to write."""
    decided = decide_batch(EXPERIMENT, batch_of([]))

    assert list(decided.taken) == []
    assert (decided.codes, decided.reach, decided.windows) == (bytearray(), {}, {})


def test_a_blocked_batch_goes_on_to_the_answers_of_an_undivided_one() -> None:
    """Cut a batch by partitions, decide the parts in turns: gates and answers come out the same."""
    rows = [
        CANDIDATE._replace(customer=str(n), partition=n % 3, cents=499_000 + 500 * (8 - n))
        for n in range(9)
    ]
    whole = batch_of(rows)
    expected = decide_batch(EXPERIMENT, whole)
    gates: dict[int, Gate] = {}
    answers: dict[int, int] = {}

    for _ in rows:
        for partition in (2, 1, 0):
            part = _undecided(whole, partition, answers)
            decided = decide_batch(EXPERIMENT, part, gates=gates)
            answers |= {
                part.seqs[index]: code
                for index, code in zip(decided.taken, decided.codes, strict=True)
            }
            gates |= {day: Gate(moved.front, moved.used) for day, moved in decided.settled.items()}

    assert bytes(answers[seq] for seq in whole.seqs) == bytes(expected.codes)
    assert len(set(expected.codes)) == 3


def _undecided(whole: Batch, partition: int, answers: dict[int, int]) -> Batch:
    """Return what a worker that holds one partition finds in its log."""
    indices = [
        index
        for index, seq in enumerate(whole.seqs)
        if whole.partitions[index] == partition and seq not in answers
    ]
    return Batch(
        seqs=[whole.seqs[i] for i in indices],
        partitions=[partition] * len(indices),
        runs=[0] * len(indices),
        run_names=whole.run_names,
        lines=[whole.lines[i] for i in indices],
        ids=[whole.ids[i] for i in indices],
        customers=[whole.customers[i] for i in indices],
        cents=[whole.cents[i] for i in indices],
        days=[whole.days[i] for i in indices],
        flags=[whole.flags[i] for i in indices],
        preds=whole.preds,
    )
