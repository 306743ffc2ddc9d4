"""Windows and gates by themselves: which week a day is in, which records are needed, who waits."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kernel.domain.gate import Gate, may_decide, opens
from kernel.domain.ruleset import WEEK_DAYS
from kernel.domain.windows import RECORD_LENGTH, fresh, needs, week_of


@pytest.mark.parametrize(
    ("day", "began"),
    [
        (date(2000, 1, 2), date(1999, 12, 27)),
        (date(2000, 1, 3), date(2000, 1, 3)),
        (date(1900, 1, 1), date(1900, 1, 1)),
        (date(2999, 12, 31), date(2999, 12, 30)),
    ],
)
def test_weeks_begin_on_monday(day: date, began: date) -> None:
    """Pinned: Sunday 2000-01-02 belongs to 1999-12-27, Monday to itself."""
    assert week_of(day.toordinal(), 0) == began.toordinal()


@pytest.mark.parametrize("week_start", range(7))
def test_a_week_has_seven_days_from_the_one_it_starts_on(week_start: int) -> None:
    """For every `week_start`, by the calendar's own names of days."""
    for offset in range(30):
        day = date(2024, 2, 20) + timedelta(days=offset)
        began = date.fromordinal(week_of(day.toordinal(), week_start))

        assert began.strftime("%a").upper() == WEEK_DAYS[week_start]
        assert timedelta(0) <= day - began < timedelta(days=7)


def test_needs_names_each_record_once() -> None:
    """Two days of one week need one record of a customer; weeks are kept apart."""
    monday = date(2000, 1, 3).toordinal()

    wanted = needs([monday, monday + 1, monday + 7, monday], ["6", "6", "6", "7"], 0)

    assert wanted == {monday: {"6", "7"}, monday + 7: {"6"}}


def test_fresh_records_are_not_shared() -> None:
    """Each call gives a new list of zeros."""
    first, second = fresh(), fresh()
    first[0] = 1

    assert second == [0] * RECORD_LENGTH


@pytest.mark.parametrize(
    ("gate", "pred", "quota", "decidable", "opened"),
    [
        (Gate(), 0, 1, True, True),
        (Gate(front=5), 5, 1, True, True),
        (Gate(front=5), 6, 1, False, False),
        (Gate(front=5), 4, 1, False, True),
        (Gate(front=5, used=1), 9, 1, True, True),
        (Gate(front=5, used=1), 9, 2, False, False),
        (Gate(), 9, 0, True, True),
    ],
)
def test_a_gate_lets_pass_who_is_next_or_everybody(
    *, gate: Gate, pred: int, quota: int, decidable: bool, opened: bool
) -> None:
    """Deciding needs the exact predecessor; waking also takes one that is past."""
    assert may_decide(gate, pred, quota) is decidable
    assert opens(pred, gate, quota) is opened
