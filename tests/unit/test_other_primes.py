"""The oracle's own primality proof: two roads that must agree, and numbers that fool weak tests."""

from __future__ import annotations

import pytest

from tests.support.other_primes import (
    divides_none,
    is_prime_otherwise,
    is_strong_lucas,
    is_strong_to_base_two,
)


def test_both_of_its_roads_agree_where_they_meet() -> None:
    """Trial division is beyond doubt; the fast road is checked against it."""
    odd = [*range(10_001, 20_000, 2), *range(9_999_990_001, 9_999_992_001, 2)]
    fast = [is_strong_to_base_two(number) and is_strong_lucas(number) for number in odd]

    assert fast == [divides_none(number) for number in odd]


@pytest.mark.parametrize(
    ("number", "prime"),
    [
        (0, False),
        (1, False),
        (2, True),
        (3_215_031_751, False),
        (341_550_071_728_321, False),
        (999_999_874_000_003_969, False),
        (999_999_866_000_004_473, False),
        (999_999_999_999_999_989, True),
        (100_000_000_000_000_003, True),
        (100_000_000_000_000_001, False),
    ],
)
def test_it_knows_famous_numbers(number: int, prime: bool) -> None:
    """Pseudoprimes, squares and products of large primes, and primes of 18 digits."""
    assert is_prime_otherwise(number) is prime
