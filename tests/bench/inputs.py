"""Inputs of other shapes than the sample's: each makes one thing extreme and leaves the rest alone.

Here: the shapes, and writing one to a file. Not here: running them (`shapes.py`). What a line looks
like and what it asks for is the sample's own (`producer/sample.py`): same templates, same amounts.

1. The same arguments give the same bytes.
2. Ids never repeat, so that nothing but the shape differs from row to row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Final

from kernel.domain.primes import is_prime
from kernel.ledger.columns import partitions_of
from kernel.ledger.settings import FleetSettings
from producer.sample import BAD_LINES, GOOD, PER_DAY, SECONDS_A_DAY, Line, draw_cents, write

#: As the reference files of the challenge have it: an attempt an hour, of fifty customers.
REFERENCE_PER_DAY: Final = 24
REFERENCE_CUSTOMERS: Final = 50
PRIMES_PER_DAY: Final = 10
BAD_EVERY: Final = 100
LONG_ID: Final = 10**17
ZONES: Final = ("+00:00", "-05:00", "+05:30", "+14:00", "-12:00", "+01:00")
CHUNK: Final = 4096

Draw = Callable[[], float]


@dataclass(frozen=True)
class Shape:
    """What is extreme about an input; without more, it is the sample without its odd lines."""

    name: str
    per_day: int = PER_DAY
    #: Numbers of lines -> their ids.
    ids: Callable[[], Iterator[int]] = lambda: count(1)
    #: How many customers for so many lines, and which of them one draw is.
    customers: Callable[[int], int] = lambda lines: max(1, lines // 20)
    customer: Callable[[Draw, int], int] = lambda draw, customers: int(draw() * customers) + 1
    #: Number of a line, from 0 -> how it is written.
    template: Callable[[int], str] = lambda _index: GOOD


def _primes() -> Iterator[int]:
    return (number for number in count(2) if is_prime(number))


def _long_ids() -> Iterator[int]:
    return (LONG_ID + index * 7_368_787 for index in count(1))


def _half_is_one(draw: Draw, customers: int) -> int:
    return 1 if draw() < 0.5 else int(draw() * customers) + 2


def _of_one_partition(draw: Draw, customers: int) -> int:
    """Draw a customer, and take the next one that lies in partition 0."""
    customer = int(draw() * customers) + 1
    while partitions_of([str(customer)], FleetSettings().partitions) != [0]:
        customer += 1
    return customer


def _some_bad(index: int) -> str:
    turn, rest = divmod(index, BAD_EVERY)
    return _BAD[turn % len(_BAD)] if rest == BAD_EVERY - 1 else GOOD


def _in_zones(index: int) -> str:
    return _ZONED[index % len(_ZONED)]


_BAD: Final = tuple(BAD_LINES.values())
_ZONED: Final = tuple(GOOD.replace("sZ", f"s{zone}") for zone in ZONES)

SHAPES: Final = (
    Shape("plain"),
    Shape("all ids primes, 10 a day", per_day=PRIMES_PER_DAY, ids=_primes),
    Shape(
        "24 a day, 50 customers",
        per_day=REFERENCE_PER_DAY,
        customers=lambda _lines: REFERENCE_CUSTOMERS,
    ),
    Shape("half by one customer", customer=_half_is_one),
    Shape("all in one partition", customer=_of_one_partition),
    Shape("1 % bad, evenly", template=_some_bad),
    Shape("ids of 18 digits", ids=_long_ids),
    Shape("other time zones", template=_in_zones),
)


def lines_of(shape: Shape, lines: int, *, seed: int = 1) -> Iterator[str]:
    """Yield an input of a shape, line by line, without their ends."""
    draw: Draw = Random(seed).random
    ids, customers = shape.ids(), shape.customers(lines)
    for index, number in enumerate(islice(ids, lines)):
        customer = shape.customer(draw, customers)
        second = index * SECONDS_A_DAY // shape.per_day
        yield write(shape.template(index), Line(number, customer, draw_cents(draw), second))


def write_input(shape: Shape, lines: int, path: Path) -> None:
    """Write an input of a shape."""
    texts = lines_of(shape, lines)
    with path.open("wb") as file:
        while several := list(islice(texts, CHUNK)):
            file.write(("\n".join(several) + "\n").encode("utf-8", "surrogateescape"))
