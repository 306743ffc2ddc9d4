"""Seeded inputs that lean on every rule: on them the program and its oracle must agree.

Lives here: which attempts follow each other, as interwoven scenes. Lives elsewhere: how a line
is written (`spelling`, `bad_lines`) and must be answered (`oracle`). Why scenes: chance alone
hardly ever hits a limit exactly, fills a week or replays an attempt; a scene does.

1. The same seed, number of lines and style give the same bytes, on every machine.
2. A stream stays a while with few customers around one edge of the calendar, then moves on or back.
3. Scenes keep their order but are shuffled into each other: times run backwards inside a customer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import TYPE_CHECKING, Final, Literal

from tests.support.bad_lines import bad_line
from tests.support.other_primes import is_prime_otherwise
from tests.support.spelling import Load, filled_line, money, odd_line, plain_line, zulu

if TYPE_CHECKING:
    from collections.abc import Callable

Style = Literal["mixed", "plain", "odd"]

EDGES: Final = (
    date(1999, 12, 30),
    date(2000, 2, 27),
    date(2000, 1, 8),
    date(2001, 2, 26),
    date(2024, 12, 28),
    date(1900, 1, 1),
    date(2999, 12, 24),
)
DAYS_AROUND: Final = 10
LINES_AT_ONE_EDGE: Final = 130
CUSTOMERS: Final = (
    "7",
    "07",
    "528",
    "1",
    "000000000000000007",
    "999999999999999999",
    "6",
    "42",
    "0",
)
STRANGE_IDS: Final = (
    *("0", "1", "2", "3", "4", "00", "01", "02", "0002", "9", "25", "49", "561", "2047"),
    *("3215031751", "341550071728321", "3474749660383", "999999874000003969", "999999999999999989"),
    *(
        "000000000000000002",
        "000000000000000009",
        "4194301",
        "4199999",
        "4200013",
        "4294967291",
        "4294967297",
    ),
)
CAP_CENTS: Final = 999_900
DAY_CENTS: Final = 500_000
NANOS: Final = ("", "", "", "", "5", "000000", "000000001", "0000009", "999999", "123456789", "10")


def nasty_stream(seed: int, lines: int = 2500, *, style: Style = "mixed") -> bytes:
    """Make one input of exactly so many physical lines.

    Args:
        seed: names the stream; the same seed gives the same bytes.
        lines: number of physical lines.
        style: "mixed" has everything; "plain" only well-formed lines, spelled and ended as in the
            reference input; "odd" mostly odd spellings and bad lines.
    """
    rng = Random(seed)
    stage = _Stage(rng, style)
    written: list[bytes] = []
    while len(written) < lines:
        stage.move()
        written += _interwoven(rng, stage.scenes(LINES_AT_ONE_EDGE))
    del written[lines:]
    end = b"\r\n" if style != "plain" else b"\n"
    ended = [line + (end if rng.random() < 0.1 else b"\n") for line in written]
    if ended and rng.random() < 0.5 and written[-1] != b"":
        ended[-1] = written[-1]
    return b"".join(ended)


def _interwoven(rng: Random, scenes: list[list[bytes]]) -> list[bytes]:
    """Deal the lines of a few scenes at a time, each scene in its own order."""
    waiting = [list(reversed(scene)) for scene in scenes if scene]
    dealt = []
    while waiting:
        at = rng.randrange(min(4, len(waiting)))
        dealt.append(waiting[at].pop())
        if not waiting[at]:
            del waiting[at]
    return dealt


class _Stage:
    """Where a stream is: customers, first day, ids used up, loads written."""

    def __init__(self, rng: Random, style: Style) -> None:
        self._rng = rng
        self._style = style
        self._first = EDGES[0]
        self._customers: list[str] = []
        self._written: list[Load] = []
        self._next_id = rng.randrange(1_000, 60_000)
        self._strange = rng.sample(STRANGE_IDS, len(STRANGE_IDS))
        self._oddness = {"mixed": 0.15, "plain": 0.0, "odd": 0.7}[style]

    def move(self) -> None:
        """Go to another edge of the calendar with other customers."""
        self._first = self._rng.choice(EDGES)
        fresh = [str(self._rng.randrange(10, 10_000)) for _ in range(3)]
        self._customers = [*self._rng.sample(CUSTOMERS, 2), *fresh]

    def scenes(self, lines: int) -> list[list[bytes]]:
        """Play scenes until they hold enough lines."""
        plays: dict[Callable[[], list[bytes]], int] = {
            self._full_week: 2,
            self._many_attempts: 4,
            self._exact_day: 8,
            self._primes_of_a_day: 5,
            self._anything: 12,
            self._replays: 3,
            self._conflicts: 4,
            self._bad_lines: {"mixed": 6, "plain": 0, "odd": 40}[self._style],
            self._long_line: {"mixed": 1, "plain": 0, "odd": 2}[self._style]
            if self._rng.random() < 0.2
            else 0,
        }
        chosen: list[list[bytes]] = [self._full_week(), self._replays()]
        while sum(map(len, chosen)) < lines:
            chosen.append(self._rng.choices(list(plays), list(plays.values()))[0]())
        return chosen

    # Scenes: each gives lines that belong in this order.

    def _full_week(self) -> list[bytes]:
        """Fill four days to the last cent, a Monday maybe by half; then try later days."""
        customer, start = self._rng.choice(self._customers), self._day()
        days = [
            start - timedelta(days=start.weekday()) + timedelta(days=offset) for offset in range(5)
        ]
        monday_cents = self._rng.choice((DAY_CENTS, DAY_CENTS // 2))
        loads = [self._fresh(customer, day, DAY_CENTS) for day in days[1:4]]
        loads.insert(self._rng.randrange(4), self._fresh(customer, days[0], monday_cents))
        later = (days[4], days[4] + timedelta(days=2))
        loads += [
            self._fresh(customer, self._rng.choice(later), cents)
            for cents in self._rng.sample((0, 1, 100_000, DAY_CENTS), 2)
        ]
        return self._lines(loads)

    def _many_attempts(self) -> list[bytes]:
        """Use up the attempts of a day, some of them in vain."""
        customer, day = self._rng.choice(self._customers), self._day()
        amounts = (10_000, 0, 1, DAY_CENTS + 1, 200_000)
        loads = [
            self._fresh(customer, day, self._rng.choice(amounts))
            for _ in range(self._rng.choice((4, 4, 5)))
        ]
        return self._lines(loads)

    def _exact_day(self) -> list[bytes]:
        """Bring a day's sum to its limit, a cent below it or a cent above."""
        customer, day = self._rng.choice(self._customers), self._day()
        limit = DAY_CENTS // self._rng.choice((1, 2)) if day.weekday() == 0 else DAY_CENTS
        first = self._rng.randrange(limit)
        rest = limit - first + self._rng.choice((-1, 0, 0, 1))
        return self._lines(
            [self._fresh(customer, day, cents) for cents in (first, rest, self._rng.choice((0, 1)))]
        )

    def _primes_of_a_day(self) -> list[bytes]:
        """Let prime ids of several customers meet on one day, some of them above the cap."""
        day = self._day()
        half = CAP_CENTS // 2
        amounts = (
            CAP_CENTS,
            CAP_CENTS + 1,
            half,
            half + 1,
            half - 1,
            600_000,
            10_000,
            1,
            0,
            250_000,
            123_456,
        )
        loads = []
        for _ in range(self._rng.randrange(2, 7)):
            load = self._fresh(self._rng.choice(self._customers), day, self._rng.choice(amounts))
            loads.append(load._replace(id=self._prime_id()))
        return self._lines(loads)

    def _anything(self) -> list[bytes]:
        """Attempts without a plan."""
        loads = []
        for _ in range(self._rng.randrange(1, 4)):
            cents = self._rng.choice(
                (self._rng.randrange(120_000), self._rng.randrange(600_000), 10**17 - 1)
            )
            loads.append(self._fresh(self._rng.choice(self._customers), self._day(), cents))
            if self._strange and self._rng.random() < 0.15:
                loads[-1] = loads[-1]._replace(id=self._strange.pop())
        return self._lines(loads)

    def _replays(self) -> list[bytes]:
        """Bring loads again, soon or much later, in the same clothes or in others."""
        old = [self._old() for _ in range(self._rng.randrange(1, 4))]
        fresh = self._fresh(
            self._rng.choice(self._customers), self._day(), self._rng.randrange(90_000)
        )
        again = [fresh, fresh._replace(nanos=fresh.nanos.ljust(6, "0")[:6] + "7")]
        return [*map(self._usual, (old[0], fresh)), *map(self._unusual, (*old, *again))]

    def _conflicts(self) -> list[bytes]:
        """Bring used ids again with one thing changed, and ids that only look used."""
        old = self._old()
        changed = (
            old._replace(customer=self._rng.choice(self._customers)),
            old._replace(cents=old.cents ^ 1),
            old._replace(instant=old.instant.replace(hour=(old.instant.hour + 1) % 24)),
            old._replace(nanos="000001"),
            old._replace(id=("0" + old.id)[:18]),
        )
        return [self._usual(load) for load in self._rng.sample(changed, 3)]

    def _bad_lines(self) -> list[bytes]:
        """Lines that fail; their ids are still free, or owned by an earlier load."""
        load = self._rng.choice(
            (self._old(), self._fresh(self._rng.choice(self._customers), self._day(), 100))
        )
        amount, clock = f"${money(load.cents)}", zulu(load)
        broken = [
            bad_line(self._rng, id_text=load.id, customer=load.customer, amount=amount, time=clock)
            for _ in range(self._rng.randrange(1, 5))
        ]
        return [*broken, self._usual(load)] if self._rng.random() < 0.3 else broken

    def _long_line(self) -> list[bytes]:
        """Lines around the longest that is read."""
        load = self._fresh(self._rng.choice(self._customers), self._day(), 1_000)
        return [filled_line(load, size) for size in (65_537, 65_536)]

    # What scenes are made of.

    def _fresh(self, customer: str, day: date, cents: int) -> Load:
        self._next_id += self._rng.choice((1, 1, 2, 5))
        clock = self._rng.choice(
            (time(0, 0), time(23, 59, 59), time(self._rng.randrange(24), 30, 7))
        )
        instant = datetime.combine(day, clock, tzinfo=UTC)
        zeros = "00" if self._rng.random() < 0.03 else ""
        return Load(zeros + str(self._next_id), customer, cents, instant, self._rng.choice(NANOS))

    def _lines(self, loads: list[Load]) -> list[bytes]:
        self._written += loads
        odd = [self._rng.random() < self._oddness for _ in loads]
        return [
            self._unusual(load) if is_odd else self._usual(load)
            for load, is_odd in zip(loads, odd, strict=True)
        ]

    def _usual(self, load: Load) -> bytes:
        """In the style "plain" even fractions of a second are left out."""
        return plain_line(load._replace(nanos="") if self._style == "plain" else load)

    def _unusual(self, load: Load) -> bytes:
        return self._usual(load) if self._style == "plain" else odd_line(self._rng, load)

    def _old(self) -> Load:
        """A load of before, rather a recent one."""
        if not self._written:
            self._written.append(self._fresh(self._rng.choice(self._customers), self._day(), 2_500))
        near = self._written[-40:] if self._rng.random() < 0.7 else self._written
        return self._rng.choice(near)

    def _day(self) -> date:
        return self._first + timedelta(days=self._rng.randrange(DAYS_AROUND))

    def _prime_id(self) -> str:
        """Find a prime: mostly the next small one, else of 18 digits or near a sieve's end."""
        start = self._rng.choice(
            (self._next_id + 1, self._next_id + 1, 4_190_000, 10**17, 5 * 10**17)
        )
        if start >= 4_190_000:
            start += self._rng.randrange(10_000 if start < 10**17 else 4 * 10**17)
        while not is_prime_otherwise(start):
            start += 1
        if start < 4_190_000:
            self._next_id = start
        return str(start)
