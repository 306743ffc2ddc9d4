"""A made-up input that looks like a real one: same arguments, same bytes, on every machine.

Lives here: who attempts what and when, and the few lines that are broken on purpose. Not here: the
file it goes to and the command line (`commands.py`); how such lines are decided is not known here.

1. Only `Random.random()` and whole-number arithmetic are used: both give the same on every Python
   and every processor, which cannot be said of `choice`, `shuffle` or of logarithms.
2. Memory is bounded: ids come from a walk that meets every number once, so none need be remembered;
   repeated ids are taken from the last few thousand lines.
3. Times go forward, `per_day` lines to a day from Saturday 2000-01-01 on, except that one line in a
   thousand comes up to two hours late and a repeated one may keep its old time.
4. About as many lines are odd (well-formed, but not spelled as usual) as are bad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from math import gcd
from random import Random
from typing import Final, NamedTuple

from kernel.errors import UsageError

PER_DAY: Final = 50_000
BAD_SHARE: Final = 0.0005
DUPLICATE_SHARE: Final = 0.005
LATE_SHARE: Final = 0.001
CHUNK_LINES: Final = 4096
CUSTOMERS_MAX: Final = 10**12
#: How many of the latest lines a repeated id is taken from.
RECENT_LINES: Final = 4096
#: No fewer ids than this to draw from, so that a short sample has ids of several digits as well.
IDS_MIN: Final = 30_000
SECONDS_A_DAY: Final = 86_400
LATE_SECONDS_MAX: Final = 7_200
FIRST_DAY: Final = date(2000, 1, 1).toordinal()
LAST_DAY: Final = date(2999, 12, 31).toordinal()

GOOD: Final = (
    '{"id":"%(id)s","customer_id":"%(customer)s",'
    '"load_amount":"$%(amount)s","time":"%(day)sT%(clock)sZ"}'
)
_IDS: Final = '{"id":"%(id)s","customer_id":"%(customer)s",'
_WHEN: Final = ',"time":"%(day)sT%(clock)sZ"}'

#: Lines that are declined, one of each kind in turn by chance. "\udcff" is the lone byte 0xFF.
BAD_LINES: Final[dict[str, str]] = {
    "empty": "",
    "no JSON": "load %(id)s for %(customer)s",
    "cut short": GOOD.partition("T%(clock)")[0],
    "not an object": '["%(id)s","%(customer)s"]',
    "not UTF-8": GOOD.replace("$", "\udcff"),
    "amount missing": _IDS + '"time":"%(day)sT%(clock)sZ"}',
    "amount a number": _IDS + '"load_amount":%(amount)s' + _WHEN,
    "id a number": GOOD.replace('"%(id)s"', "%(id)s"),
    "id with a letter": GOOD.replace("%(id)s", "%(id)sx"),
    "id too long": GOOD.replace("%(id)s", "1%(id)018d000"),
    "customer blank": GOOD.replace("%(customer)s", " "),
    "no such day": GOOD.replace("%(day)s", "2000-02-30"),
    "no zone": GOOD.replace("Z", ""),
    "three decimals": _IDS + '"load_amount":"$%(amount)s5"' + _WHEN,
    "negative": GOOD.replace("$", "-$"),
    "other currency": GOOD.replace("$", "EUR"),
}
#: Lines that are decided like any other, though few systems would write them so.
ODD_LINES: Final[dict[str, str]] = {
    "spaces": GOOD.replace(":", ": ", 3).replace(",", ", "),
    "carriage return": GOOD + "\r",
    "USD": GOOD.replace("$", "USD"),
    "time zone": GOOD.replace("%(clock)sZ", "%(clock)s+00:00"),
    "fraction": GOOD.replace("%(clock)sZ", "%(clock)s.250Z"),
    "extra key": GOOD[:-1] + ',"note":"café"}',
    "blanks around the id": GOOD.replace("%(id)s", " %(id)s "),
}
_BAD: Final = tuple(BAD_LINES.values())
_ODD: Final = tuple(ODD_LINES.values())
#: Sums of two, three or four of these meet a limit exactly; 10000.01 is a cent over a prime's cap.
ROUND_CENTS: Final = (500_000, 250_000, 250_000, 125_000, 100_000, 166_666, 0, 1, 999_900)


class Line(NamedTuple):
    """The fields of one attempt."""

    number: int
    customer: int
    cents: int
    second: int


def sample_chunks(
    lines: int,
    *,
    customers: int | None = None,
    per_day: int = PER_DAY,
    bad: float = BAD_SHARE,
    seed: int = 1,
) -> Iterator[bytes]:
    """Return the sample in pieces of whole lines, each line with its end.

    Args:
        lines: number of lines, bad ones included.
        customers: how many customers there are; by default so many that one has one or two
            attempts a day.
        per_day: lines a day.
        bad: share of lines that are declined because they are malformed.
        seed: another number gives another sample of the same kind.

    Raises:
        UsageError: a number that cannot be meant; at the call, not at the first piece.
    """
    many = default_customers(lines, per_day) if customers is None else customers
    for name, value, low, high in (
        ("lines", lines, 0, 10**12),
        ("customers", many, 1, CUSTOMERS_MAX),
        ("per-day", per_day, 1, 10**9),
        ("bad", bad, 0, 1),
    ):
        if not low <= value <= high:
            raise UsageError(f"--{name} is {value}: give a number from {low} to {high}.")
    if FIRST_DAY + lines // per_day > LAST_DAY:
        raise UsageError(
            f"{lines} lines at {per_day} a day go beyond the year 2999: give a larger --per-day."
        )
    return Sampler(lines, many, per_day, bad, seed).chunks()


def default_customers(lines: int, per_day: int) -> int:
    """Return a twentieth of the lines, but so many that one has one or two attempts a day."""
    a_day = min(lines, per_day)
    return max(1, min(max(lines // 20, a_day // 2), a_day))


class Sampler:
    """Draws one sample. The order of the draws is part of the result: it decides every byte."""

    def __init__(self, lines: int, customers: int, per_day: int, bad: float, seed: int) -> None:
        self._lines = lines
        self._customers = customers
        self._per_day = per_day
        self._draw = Random(seed).random  # noqa: S311 - a sample is no secret
        self._ids = max(IDS_MIN, lines)
        self._first_id = int(self._draw() * self._ids)
        self._stride = stride_over(self._ids)
        self._bad_below = bad
        self._odd_below = min(1.0, 2 * bad)
        self._repeat_below = self._odd_below + DUPLICATE_SHARE
        self._late_below = self._repeat_below + LATE_SHARE
        self._recent: list[Line] = []

    def chunks(self) -> Iterator[bytes]:
        """Yield the sample from its first line to its last."""
        for first in range(0, self._lines, CHUNK_LINES):
            last = min(first + CHUNK_LINES, self._lines)
            texts = self._texts(first, last)
            yield ("\n".join(texts) + "\n").encode("utf-8", "surrogateescape")

    def _texts(self, first: int, last: int) -> list[str]:
        """Return the lines of one chunk, without their ends."""
        draw, customers, per_day = self._draw, self._customers, self._per_day
        ids, first_id, stride = self._ids, self._first_id, self._stride
        recent, late_below = self._recent, self._late_below
        texts = []
        for index in range(first, last):
            number = (first_id + index * stride) % ids + 1
            # One attempt in five is by somebody who tends to come often.
            place = draw()
            customer = int((place * place if draw() < 0.2 else place) * customers) + 1  # noqa: PLR2004
            cents = draw_cents(draw)
            second = index * SECONDS_A_DAY // per_day
            fate = draw()
            if fate < late_below:
                texts.append(self._unusual(fate, Line(number, customer, cents, second)))
                continue
            if index & 7 == 0:
                keep(recent, index >> 3, Line(number, customer, cents, second))
            day, of_day = divmod(second, SECONDS_A_DAY)
            texts.append(
                f'{{"id":"{number}","customer_id":"{customer}",'
                f'"load_amount":"${cents // 100}.{TWO_DIGITS[cents % 100]}",'
                f'"time":"{day_text(day)}T{MINUTES[of_day // 60]}{TWO_DIGITS[of_day % 60]}Z"}}'
            )
        return texts

    def _unusual(self, fate: float, line: Line) -> str:
        """Return a line that is bad, odd, repeated or late."""
        draw = self._draw
        if fate < self._bad_below:
            return write(_BAD[int(draw() * len(_BAD))], line)
        if fate < self._odd_below:
            return write(_ODD[int(draw() * len(_ODD))], line)
        if fate >= self._repeat_below:
            late = int(draw() * LATE_SECONDS_MAX)
            return write(GOOD, line._replace(second=max(0, line.second - late)))
        if not self._recent:
            return write(GOOD, line)
        before = self._recent[int(draw() * len(self._recent))]
        kind = int(draw() * 3)
        if kind == 0:
            return write(GOOD, before)  # a replay: the very same attempt
        if kind == 1:  # a conflict: the same customer, another amount
            return write(GOOD, before._replace(cents=before.cents + 1, second=line.second))
        return write(GOOD, line._replace(number=before.number))  # another customer has the id


def keep(recent: list[Line], index: int, line: Line) -> None:
    """Remember a line in place of the oldest one remembered."""
    if len(recent) < RECENT_LINES:
        recent.append(line)
    else:
        recent[index % RECENT_LINES] = line


def draw_cents(draw: Callable[[], float]) -> int:
    """Return an amount: mostly a few hundred, often in the thousands, sometimes just at a limit."""
    kind, size = draw(), draw()
    if kind < 0.62:  # noqa: PLR2004 - the shares are read best where they are used
        return 1_000 + int(size * 240_000)
    if kind < 0.87:  # noqa: PLR2004
        return 150_000 + int(size * 350_000)
    if kind < 0.95:  # noqa: PLR2004
        return ROUND_CENTS[int(size * len(ROUND_CENTS))]
    if kind < 0.98:  # noqa: PLR2004
        return int(size * 1_000)
    return 500_001 + int(size * 700_000)


def stride_over(count: int) -> int:
    """Return a step that meets each of `count` numbers once and looks like no order at all."""
    stride = count * 618_034 // 1_000_000
    while gcd(stride, count) != 1:
        stride += 1
    return stride


def write(template: str, line: Line) -> str:
    """Write one line by a template."""
    day, of_day = divmod(line.second, SECONDS_A_DAY)
    return template % {
        "id": line.number,
        "customer": line.customer,
        "amount": f"{line.cents // 100}.{TWO_DIGITS[line.cents % 100]}",
        "day": day_text(day),
        "clock": f"{MINUTES[of_day // 60]}{TWO_DIGITS[of_day % 60]}",
    }


@lru_cache(maxsize=16)
def day_text(day: int) -> str:
    """Return the date of a day counted from the first."""
    return date.fromordinal(FIRST_DAY + day).isoformat()


TWO_DIGITS: Final = tuple(f"{number:02d}" for number in range(100))
#: "HH:MM:" of every minute of a day.
MINUTES: Final = tuple(f"{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440))
