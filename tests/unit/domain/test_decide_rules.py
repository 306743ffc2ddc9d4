"""The limit rules one by one: pinned examples, each limit at and above it, what counts for what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from kernel.domain.batch import PRIME
from kernel.domain.identity import CONFLICT, REPLAY
from kernel.domain.ruleset import PrimeGate, RuleSet
from kernel.domain.windows import DAY_ATTEMPTS, DAY_SUMS, WEEK_SUM, Windows, fresh
from tests.unit.domain.turns import (
    BASELINE,
    EXPERIMENT,
    GATED,
    MONDAY,
    TUESDAY,
    Row,
    decide_rows,
    reasons,
)

CLASSIC = replace(BASELINE, on_replay="drop", on_conflict="drop", attempts_counted="accepted")


def test_the_fourth_attempt_of_a_day_is_declined() -> None:
    """Rule 2, pinned: four times 100.00 in a day."""
    decided = decide_rows(BASELINE, [Row(10_000)] * 4)

    assert reasons(decided) == ["ACCEPTED"] * 3 + ["DAILY_ATTEMPT_LIMIT"]


def test_the_day_sum_may_not_pass_the_daily_amount() -> None:
    """Rule 5, pinned: 3000.00, then 2500.00."""
    decided = decide_rows(BASELINE, [Row(300_000), Row(250_000)])

    assert reasons(decided) == ["ACCEPTED", "DAILY_AMOUNT_LIMIT"]


def test_both_amount_limits_may_be_reached_exactly() -> None:
    """Rules 5 and 6, pinned: 5000.00 on Monday to Thursday fills the week; Friday is above it."""
    week = [Row(500_000, day=MONDAY + n) for n in range(4)]

    decided = decide_rows(BASELINE, [*week, Row(100_000, day=MONDAY + 4)])

    assert reasons(decided) == ["ACCEPTED"] * 4 + ["WEEKLY_AMOUNT_LIMIT"]


def test_the_prime_cap_comes_before_the_prime_limit() -> None:
    """Rules 3 and 4, pinned: the cap is for primes alone and on the effective amount."""
    rules = RuleSet(
        daily_amount_cents=2_000_000,
        weekly_amount_cents=5_000_000,
        daily_attempts=3,
        monday_multiplier=20_000,
        prime_gate=PrimeGate(global_per_day=1, amount_cap_cents=1_000_000),
    )

    decided = decide_rows(
        rules,
        [
            Row(600_000, day=MONDAY, flag=GATED),
            Row(600_000, day=MONDAY),
            Row(600_000, day=TUESDAY, flag=GATED),
            Row(600_000, day=TUESDAY, flag=GATED, customer="7"),
        ],
    )

    assert reasons(decided) == [
        "PRIME_AMOUNT_CAP",
        "ACCEPTED",
        "ACCEPTED",
        "PRIME_DAILY_GLOBAL_LIMIT",
    ]


def test_the_shipped_experiment_doubles_mondays_and_shares_one_prime_a_day() -> None:
    """Pinned: 3000.00 on a Monday counts 6000.00; on Tuesday the second prime finds no room."""
    decided = decide_rows(
        EXPERIMENT,
        [
            Row(300_000, day=MONDAY),
            Row(100, day=TUESDAY, flag=GATED),
            Row(100, day=TUESDAY, flag=GATED, customer="7"),
        ],
    )

    assert reasons(decided) == ["DAILY_AMOUNT_LIMIT", "ACCEPTED", "PRIME_DAILY_GLOBAL_LIMIT"]


def test_a_declined_prime_leaves_the_slot_of_its_day_free() -> None:
    """Section 6, pinned: only an accepted prime uses the quota."""
    decided = decide_rows(EXPERIMENT, [Row(500_001, flag=GATED), Row(500_000, flag=GATED)])

    assert reasons(decided) == ["DAILY_AMOUNT_LIMIT", "ACCEPTED"]


def test_classic_drops_duplicates_and_counts_accepted_attempts_alone() -> None:
    """The pinned example of the classic form, after parsing and classification."""
    rows = [
        Row(0),
        Row(1_000, flag=CONFLICT),
        Row(1_000, customer="7"),
        Row(499_900),
        Row(200),
        Row(100),
        Row(0),
    ]

    decided = decide_rows(CLASSIC, rows)

    assert reasons(decided) == [
        "ACCEPTED",
        "ID_DUPLICATE_CONFLICT!",
        "ACCEPTED",
        "ACCEPTED",
        "DAILY_AMOUNT_LIMIT",
        "ACCEPTED",
        "DAILY_ATTEMPT_LIMIT",
    ]


@pytest.mark.parametrize(
    ("rules", "reaching", "reason"),
    [
        (BASELINE, Row(500_000), "DAILY_AMOUNT_LIMIT"),
        (replace(BASELINE, weekly_amount_cents=300_000), Row(300_000), "WEEKLY_AMOUNT_LIMIT"),
        (replace(EXPERIMENT, daily_amount_cents=10**9), Row(999_900, flag=GATED), None),
        (replace(BASELINE, daily_amount_cents=0), Row(0), "DAILY_AMOUNT_LIMIT"),
        (replace(BASELINE, weekly_amount_cents=0), Row(0), "WEEKLY_AMOUNT_LIMIT"),
    ],
)
def test_a_limit_is_reached_exactly_and_not_passed_by_a_cent(
    rules: RuleSet, reaching: Row, reason: str | None
) -> None:
    """Strictly greater declines: at the limit accepted, one cent above declined."""
    above = reaching._replace(cents=reaching.cents + 1)

    assert reasons(decide_rows(rules, [reaching])) == ["ACCEPTED"]
    assert reasons(decide_rows(rules, [above])) == [reason or "PRIME_AMOUNT_CAP"]


def test_no_attempt_passes_when_none_is_allowed() -> None:
    """A limit of 0 attempts declines the first one."""
    decided = decide_rows(replace(BASELINE, daily_attempts=0), [Row(0)])

    assert reasons(decided) == ["DAILY_ATTEMPT_LIMIT"]


def test_the_first_failing_rule_gives_the_reason() -> None:
    """Section 5: an attempt that fails every rule is told the first; without it, the next."""
    everything = replace(
        EXPERIMENT,
        daily_amount_cents=0,
        weekly_amount_cents=0,
        daily_attempts=0,
        prime_gate=PrimeGate(global_per_day=0, amount_cap_cents=0),
    )
    ladder = [
        (everything, Row(1, flag=PRIME | REPLAY), "ID_DUPLICATE_REPLAY"),
        (everything, Row(1, flag=PRIME), "DAILY_ATTEMPT_LIMIT"),
        (replace(everything, daily_attempts=1), Row(1, flag=PRIME), "PRIME_AMOUNT_CAP"),
        (replace(everything, daily_attempts=1), Row(0, flag=PRIME), "PRIME_DAILY_GLOBAL_LIMIT"),
        (replace(everything, daily_attempts=1), Row(1), "DAILY_AMOUNT_LIMIT"),
        (
            replace(everything, daily_attempts=1, daily_amount_cents=1),
            Row(1),
            "WEEKLY_AMOUNT_LIMIT",
        ),
    ]

    for rules, row, reason in ladder:
        assert reasons(decide_rows(rules, [row])) == [reason]


def test_primes_are_like_others_while_the_gate_is_off() -> None:
    """Without a gate in the rules the prime flag means nothing, even to a zero limit."""
    decided = decide_rows(BASELINE, [Row(1, flag=PRIME), Row(1, flag=PRIME)])

    assert reasons(decided) == ["ACCEPTED", "ACCEPTED"]


@pytest.mark.parametrize(
    ("rules", "answers"),
    [
        (BASELINE, ["ID_DUPLICATE_REPLAY", "ID_DUPLICATE_CONFLICT"]),
        (replace(BASELINE, on_replay="drop"), ["ID_DUPLICATE_REPLAY!", "ID_DUPLICATE_CONFLICT"]),
        (replace(BASELINE, on_conflict="drop"), ["ID_DUPLICATE_REPLAY", "ID_DUPLICATE_CONFLICT!"]),
    ],
)
def test_duplicates_are_declined_or_dropped_and_touch_no_window(
    rules: RuleSet, answers: list[str]
) -> None:
    """Rule 1: each class has its own switch; neither counts as an attempt nor sums."""
    decided = decide_rows(rules, [Row(1, flag=REPLAY), Row(1, flag=CONFLICT)])

    assert reasons(decided) == answers
    assert decided.windows == {}


def test_a_declined_attempt_counts_as_one_but_adds_no_amount() -> None:
    """Section 6: the record after an accepted and two declined attempts."""
    decided = decide_rows(BASELINE, [Row(400_000), Row(100_001), Row(100_002)])

    record = fresh()
    record[WEEK_SUM] = record[DAY_SUMS + 1] = 400_000
    record[DAY_ATTEMPTS + 1] = 3
    assert decided.windows == {MONDAY: {"6": record}}


def test_records_that_did_not_change_are_not_reported() -> None:
    """With accepted attempts counted alone, a declined one leaves its record out of the result."""
    windows: Windows = {MONDAY: {"6": fresh(), "7": fresh(), "8": fresh()}}

    decided = decide_rows(CLASSIC, [Row(500_001), Row(1, customer="7")], windows=windows)

    assert list(decided.windows) == [MONDAY]
    assert list(decided.windows[MONDAY]) == ["7"]


def test_the_effective_amount_is_compared_and_summed() -> None:
    """Section 4: a Monday counts double for the day, and for the week it begins."""
    rules = replace(EXPERIMENT, weekly_amount_cents=500_000)

    decided = decide_rows(rules, [Row(250_000, day=MONDAY), Row(1, day=TUESDAY)])

    assert reasons(decided) == ["ACCEPTED", "WEEKLY_AMOUNT_LIMIT"]
    assert decided.windows[MONDAY]["6"][WEEK_SUM] == 500_000


def test_days_and_weeks_begin_anew_and_keep_to_the_calendar() -> None:
    """Section 2: Sunday 2000-01-02 is the last day of one week, Monday of the next."""
    sunday = date(2000, 1, 2).toordinal()
    rules = replace(BASELINE, weekly_amount_cents=500_000)
    rows = [Row(500_000, day=sunday), Row(500_000, day=MONDAY), Row(1, day=TUESDAY)]

    monday_weeks = reasons(decide_rows(rules, rows))
    sunday_weeks = reasons(decide_rows(replace(rules, week_start=6), rows))

    assert monday_weeks == ["ACCEPTED", "ACCEPTED", "WEEKLY_AMOUNT_LIMIT"]
    assert sunday_weeks == ["ACCEPTED", "WEEKLY_AMOUNT_LIMIT", "WEEKLY_AMOUNT_LIMIT"]


def test_an_attempt_of_an_earlier_day_is_judged_on_that_day() -> None:
    """Section 6: times may run backwards; each day and week keeps its own figures."""
    rows = [
        Row(500_000, day=TUESDAY),
        Row(500_000, day=MONDAY),
        Row(1, day=TUESDAY),
        Row(500_000, day=MONDAY - 1),
        Row(1, day=MONDAY),
    ]

    decided = decide_rows(BASELINE, rows)

    assert reasons(decided) == [
        "ACCEPTED",
        "ACCEPTED",
        "DAILY_AMOUNT_LIMIT",
        "ACCEPTED",
        "DAILY_AMOUNT_LIMIT",
    ]
    assert set(decided.windows) == {MONDAY, MONDAY - 7}


def test_customers_do_not_share_windows() -> None:
    """Each customer has limits of its own, in one partition too."""
    decided = decide_rows(BASELINE, [Row(500_000), Row(500_000, customer="7")])

    assert reasons(decided) == ["ACCEPTED", "ACCEPTED"]


def test_records_of_earlier_batches_count() -> None:
    """The windows given are where the batch goes on."""
    earlier = decide_rows(BASELINE, [Row(300_000), Row(1)])

    later = decide_rows(BASELINE, [Row(200_000), Row(1)], windows=earlier.windows)

    assert reasons(later) == ["DAILY_AMOUNT_LIMIT", "DAILY_ATTEMPT_LIMIT"]
