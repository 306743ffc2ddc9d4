"""Time: the grammar of a timestamp, its UTC instant as exact text, and the UTC day it falls on.

Lives here: what can be told from one timestamp alone (`rules.md` section 1, row 5, and the day key
of section 2). Not here: weeks, which need the rule set's first day of the week (`windows.py`), and
any clock: the only times in the domain are those written in the lines.

1. An instant is text of fixed form, `YYYYMMDDHHMMSS` and, when they are not zero, a dot and six
   digits of microseconds. Two texts are equal exactly when the instants are.
2. A day is its proleptic Gregorian ordinal, so weekdays and weeks are integer arithmetic.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

#: UTC years a timestamp may fall in.
YEAR_FIRST: Final = 1900
YEAR_LAST: Final = 2999

#: What `day_of` answers for a date that does not exist; no real day has this ordinal.
NO_DAY: Final = 0

_TIMESTAMP: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"[T ]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])"
    r"(?:\.([0-9]{1,9}))?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)


class Moment(NamedTuple):
    """A UTC instant as exact text, and the ordinal of its UTC date."""

    instant: str
    day: int


def moment_of(text: str) -> Moment | None:
    """Return the UTC moment a timestamp stands for, or None when the rules do not allow it.

    Both the date as written and the UTC date must exist; only the UTC year is held against the
    bounds, because every key is taken in UTC.
    """
    found = _TIMESTAMP.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    # Digits past the sixth are cut, not rounded: rounding could move an instant into the next day.
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    try:
        # The clock reading is labelled UTC first and then moved by its offset.
        utc = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second), micros, UTC
        )
        if sign:
            ahead = timedelta(hours=int(off_hours), minutes=int(off_minutes))
            utc = utc - ahead if sign == "+" else utc + ahead
    except (ValueError, OverflowError):
        # No such date, or the offset leads out of the years 1 to 9999.
        return None
    if not YEAR_FIRST <= utc.year <= YEAR_LAST:
        return None
    instant = f"{utc:%Y%m%d%H%M%S}"
    return Moment(f"{instant}.{micros:06}" if micros else instant, utc.toordinal())


def day_of(digits: str) -> int:
    """Return the ordinal of a date written as `YYYYMMDD`, or NO_DAY if there is no such date."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).toordinal()
    except ValueError:
        return NO_DAY
