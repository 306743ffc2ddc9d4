"""The time grammar: instants as exact text, days, and timestamps that are none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.domain.calendar import NO_DAY, day_of, moment_of


@pytest.mark.parametrize(
    ("text", "instant", "day"),
    [
        ("2000-01-01T00:00:00Z", "20000101000000", date(2000, 1, 1)),
        ("2000-01-01 23:59:59Z", "20000101235959", date(2000, 1, 1)),
        (" \t2000-01-01T00:00:00Z\u2003", "20000101000000", date(2000, 1, 1)),
        ("2000-02-29T00:00:00Z", "20000229000000", date(2000, 2, 29)),
        ("2000-01-03T01:00:00+02:00", "20000102230000", date(2000, 1, 2)),
        ("2000-01-02T23:00:00-01:30", "20000103003000", date(2000, 1, 3)),
        ("2000-01-01T00:00:00-00:00", "20000101000000", date(2000, 1, 1)),
        ("2000-01-01T00:00:00+23:59", "19991231000100", date(1999, 12, 31)),
        ("2000-01-01T00:00:00.5Z", "20000101000000.500000", date(2000, 1, 1)),
        ("2000-01-01T00:00:00.000001Z", "20000101000000.000001", date(2000, 1, 1)),
        ("2000-01-01T00:00:00.000Z", "20000101000000", date(2000, 1, 1)),
        ("1900-01-01T00:00:00Z", "19000101000000", date(1900, 1, 1)),
        ("1899-12-31T23:30:00-00:30", "19000101000000", date(1900, 1, 1)),
        ("2999-12-31T23:59:59.999999Z", "29991231235959.999999", date(2999, 12, 31)),
        ("3000-01-01T00:30:00+00:31", "29991231235900", date(2999, 12, 31)),
    ],
)
def test_a_timestamp_is_moved_to_utc_before_its_day_is_taken(
    text: str, instant: str, day: date
) -> None:
    """Both separators, offsets of either sign, fractions and the borders of the years are read."""
    assert moment_of(text) == (instant, day.toordinal())


def test_digits_past_the_microsecond_are_cut_and_never_rounded() -> None:
    """The last instant of a day stays on its day."""
    moment = moment_of("2000-01-02T23:59:59.999999999Z")

    assert moment == ("20000102235959.999999", date(2000, 1, 2).toordinal())


def test_a_fraction_below_the_microsecond_is_no_fraction() -> None:
    """Instants that are equal to the microsecond are equal as text."""
    assert moment_of("2000-01-01T00:00:00.000000999Z") == moment_of("2000-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        *("", "2000-01-01", "2000-01-01T00:00:00", "2000-01-01T00:00Z", "20000101T000000Z"),
        *("2000-01-01t00:00:00Z", "2000-01-01T00:00:00z", "2000-01-01  00:00:00Z"),
        *("2000-1-01T00:00:00Z", "02000-01-01T00:00:00Z", "+2000-01-01T00:00:00Z"),
        *("2000-00-01T00:00:00Z", "2000-13-01T00:00:00Z", "2000-01-00T00:00:00Z"),
        *("2000-01-32T00:00:00Z", "2000-02-30T00:00:00Z", "2001-02-29T00:00:00Z"),
        *("1900-02-29T00:00:00Z", "2000-04-31T00:00:00Z", "0000-01-01T00:00:00Z"),
        *("2000-01-01T24:00:00Z", "2000-01-01T00:60:00Z", "2000-01-01T00:00:60Z"),
        *("2000-01-01T00:00:00.Z", "2000-01-01T00:00:00.1234567890Z", "2000-01-01T00:00:00,5Z"),
        *("2000-01-01T00:00:00+24:00", "2000-01-01T00:00:00+00:60", "2000-01-01T00:00:00+0200"),
        *("2000-01-01T00:00:00+2:00", "2000-01-01T00:00:00 Z", "2000-01-01T00:00:00Z+00:00"),
        *("2000-01-01T00:00:00UTC", "2000-01-01T00:00:00Z\x00", "\u0662000-01-01T00:00:00Z"),
        *("1899-12-31T23:59:59Z", "3000-01-01T00:00:00Z", "1900-01-01T00:00:00+00:01"),
        *("2999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-01:00"),
    ],
)
def test_a_timestamp_outside_the_grammar_is_no_moment(text: str) -> None:
    """Wrong shapes, dates that do not exist and UTC years out of bounds are refused, not raised."""
    assert moment_of(text) is None


@given(
    when=st.datetimes(datetime(1900, 1, 2), datetime(2999, 12, 30)),  # noqa: DTZ001
    ahead=st.integers(-1439, 1439),
)
@settings(max_examples=200, deadline=None)
def test_an_instant_has_one_text_in_every_zone(when: datetime, ahead: int) -> None:
    """A moment written in any offset gives the text and the day it has in UTC."""
    utc = when.replace(tzinfo=UTC)
    local = utc.astimezone(timezone(timedelta(minutes=ahead)))

    moment = moment_of(local.isoformat(timespec="microseconds"))

    assert moment == moment_of(utc.isoformat(timespec="microseconds").replace("+00:00", "Z"))
    assert moment is not None
    assert moment.day == utc.toordinal()


@pytest.mark.parametrize(
    ("digits", "day"),
    [
        ("20000103", date(2000, 1, 3).toordinal()),
        ("20000229", date(2000, 2, 29).toordinal()),
        ("20010229", NO_DAY),
        ("20000230", NO_DAY),
        ("20000431", NO_DAY),
    ],
)
def test_eight_digits_are_a_day_only_if_the_date_exists(digits: str, day: int) -> None:
    """The fast path's day key agrees with the calendar, and NO_DAY is no real day."""
    assert day_of(digits) == day
    assert date.min.toordinal() > NO_DAY
