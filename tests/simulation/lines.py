"""Small inputs that meet often: few customers, few days, many primes, ids that come again.

Lives here: the lines of all runs of one simulated world. Lives elsewhere: inputs that lean on every
rule of parsing (`tests.support.streams`); here a bad line is one of four. Runs of a world share
their pool of ids, so that they claim each other's and the read set is put to use.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from tests.support.other_primes import is_prime_otherwise
from tests.support.spelling import Load, plain_line

#: A Thursday: a stream of several days crosses the end of a week.
FIRST_DAY: Final = datetime(2000, 1, 6, tzinfo=UTC)
AMOUNTS: Final = (100, 100, 100, 120_000, 240_000, 250_000, 490_000, 500_001, 999_900, 999_901)
OVER_ANY_LIMIT: Final = 500_001
#: Amounts that may raise end on these cents; each stands in one load, and in its replays.
POISON_STEP: Final = 1_000
POISON_CENTS: Final = 13
BAD_LINES: Final = (
    b"",
    b"not json",
    b'{"id":"12a","customer_id":"1","load_amount":"$1.00","time":"2000-01-06T00:00:00Z"}',
    b'{"id":"12","customer_id":"1","load_amount":"$1.0","time":"2000-01-06T00:00:00Z"}',
)
PRIMES: Final = [number for number in range(2, 3000) if is_prime_otherwise(number)]
OTHERS: Final = [number for number in range(2, 3000) if not is_prime_otherwise(number)]


class Shape(NamedTuple):
    """How a world's lines are: shares are of one."""

    lines: int
    runs: int
    customers: int
    days: int
    primes: float
    again: float
    bad: float
    over: float
    poison: float = 0.0


def inputs(rng: Random, shape: Shape) -> list[list[bytes]]:
    """Return the lines of each run, without their ends."""
    customers = [str(rng.randrange(1, 10_000)) for _ in range(shape.customers)]
    primes, others = rng.sample(PRIMES, 300), rng.sample(OTHERS, 300)
    written: list[Load] = []
    lines: list[list[bytes]] = [[] for _ in range(shape.runs)]
    for _ in range(shape.lines):
        run = rng.choice(lines)
        if rng.random() < shape.bad:
            run.append(rng.choice(BAD_LINES))
            continue
        if written and rng.random() < shape.again:
            load = _again(rng, rng.choice(written[-6:]), customers)
        else:
            pool = primes if rng.random() < shape.primes else others
            load = Load(
                str(pool.pop()),
                rng.choice(customers),
                OVER_ANY_LIMIT if rng.random() < shape.over else rng.choice(AMOUNTS),
                FIRST_DAY + timedelta(days=rng.randrange(shape.days), hours=rng.randrange(24)),
            )
        if shape.poison and rng.random() < shape.poison:
            load = load._replace(cents=len(written) % 100 * POISON_STEP + POISON_CENTS)
        written.append(load)
        run.append(plain_line(load))
    return lines


def _again(rng: Random, load: Load, customers: list[str]) -> Load:
    """Bring a load again: as it was, or its id under another customer or amount."""
    kind = rng.randrange(3)
    if kind == 0:
        return load
    if kind == 1:
        return load._replace(customer=rng.choice(customers))
    return load._replace(cents=load.cents + 1)
