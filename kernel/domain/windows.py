"""Windows: what a customer has done in one week, in one record (`rules.md`, sections 2 and 6).

A record is a list of 15 whole numbers: the week's sum, the sums of its seven days, the attempts of
its seven days; sums in cents, both counted by the effective amount. Here: the layout and its keys.
Not here: when a number changes (`decide.py`), where records are kept (the ledger's units).

1. A week is named by the ordinal of its first day, so weeks of any `week_start` are whole numbers.
2. Weeks and days are the calendar's. Nothing rolls; nothing depends on the order of arrival.
3. A customer who has no record has a fresh one.
"""

from __future__ import annotations

from collections.abc import Sequence

#: week -> customer -> record
Windows = dict[int, dict[str, list[int]]]

DAYS = 7
WEEK_SUM = 0
DAY_SUMS = 1
DAY_ATTEMPTS = DAY_SUMS + DAYS
RECORD_LENGTH = DAY_ATTEMPTS + DAYS


def fresh() -> list[int]:
    """Return the record of a customer who has done nothing in the week."""
    return [0] * RECORD_LENGTH


def week_of(day: int, week_start: int) -> int:
    """Return the day on which the week of a day began.

    Args:
        day: `date.toordinal()`, of which 1 is a Monday.
        week_start: 0 for weeks that start on Monday, to 6 for Sunday.
    """
    return day - (day - 1 - week_start) % DAYS


def needs(days: Sequence[int], customers: Sequence[str], week_start: int) -> dict[int, set[str]]:
    """Return which records attempts on these days by these customers are judged on, by week."""
    named = {week_of(day, week_start) for day in set(days)}
    if len(named) == 1:  # as nearly always; the rest is for any
        return {named.pop(): set(customers)}
    weeks: dict[int, set[str]] = {}
    of_day: dict[int, set[str]] = {}
    for day, customer in zip(days, customers, strict=True):
        wanted = of_day.get(day)
        if wanted is None:
            wanted = of_day[day] = weeks.setdefault(week_of(day, week_start), set())
        wanted.add(customer)
    return weeks
