"""The benchmark's inputs are as extreme as their names say, and decided like any other."""

from __future__ import annotations

import json
from collections import Counter

from kernel.domain.attempt import Attempt, parse_line
from kernel.domain.primes import is_prime
from kernel.ledger.columns import partitions_of
from tests.bench.inputs import SHAPES, lines_of

LINES = 2_000


def attempts_of(name: str) -> list[Attempt]:
    """Return the attempts of a shape, all of whose lines are well-formed."""
    (shape,) = (shape for shape in SHAPES if shape.name == name)
    parsed = [parse_line(line.encode()) for line in lines_of(shape, LINES)]
    assert all(isinstance(one, Attempt) for one in parsed)
    return [one for one in parsed if isinstance(one, Attempt)]


def test_no_shape_repeats_an_id() -> None:
    """Nothing but the shape differs from row to row; the same arguments give the same lines."""
    for shape in SHAPES:
        lines = list(lines_of(shape, LINES))
        parsed = [parse_line(line.encode("utf-8", "surrogateescape")) for line in lines]
        ids = [one.id for one in parsed if isinstance(one, Attempt)]
        assert len(set(ids)) == len(ids) >= 0.99 * LINES
        assert lines == list(lines_of(shape, LINES))


def test_every_id_is_a_prime_and_a_day_has_ten() -> None:
    """Nearly every attempt waits at a gate."""
    attempts = attempts_of("all ids primes, 10 a day")

    assert all(is_prime(int(one.id)) for one in attempts)
    assert set(Counter(one.day for one in attempts).values()) == {10}


def test_half_of_all_attempts_are_by_one_customer() -> None:
    """And the other half by many."""
    (first, second) = Counter(
        one.customer for one in attempts_of("half by one customer")
    ).most_common(2)

    assert 900 < first[1] < 1_100
    assert second[1] < 50


def test_all_customers_lie_in_one_partition() -> None:
    """More than one customer, one partition of the sixteen."""
    customers = {one.customer for one in attempts_of("all in one partition")}

    assert len(customers) > 3
    assert set(partitions_of(sorted(customers), 16)) == {0}


def test_ids_are_as_long_as_ids_may_be() -> None:
    """Eighteen digits."""
    assert {len(one.id) for one in attempts_of("ids of 18 digits")} == {18}


def test_one_line_in_a_hundred_is_bad() -> None:
    """At even distances, each kind in its turn."""
    (shape,) = (shape for shape in SHAPES if shape.name == "1 % bad, evenly")
    lines = [line.encode("utf-8", "surrogateescape") for line in lines_of(shape, LINES)]
    bad = [n for n, line in enumerate(lines, 1) if not isinstance(parse_line(line), Attempt)]

    assert bad == list(range(100, LINES + 1, 100))


def test_times_name_zones_on_both_sides() -> None:
    """None of them is written as usual, and all can be read."""
    (shape,) = (shape for shape in SHAPES if shape.name == "other time zones")
    zones = Counter(json.loads(line)["time"][19:] for line in lines_of(shape, LINES))

    assert attempts_of("other time zones")
    assert "Z" not in zones
    assert {zone[0] for zone in zones} == {"+", "-"}
