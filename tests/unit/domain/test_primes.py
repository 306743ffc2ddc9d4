"""Primality of ids, below the sieve's end, around it, and up to 18 digits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.domain.primes import SIEVE_BELOW, WITNESSED_BELOW, is_prime, prime_flags


def has_no_divisor(number: int) -> bool:
    """Say by trial division whether a number is prime."""
    if number < 4:
        return number > 1
    return number % 2 != 0 and all(
        number % divisor for divisor in range(3, int(number**0.5) + 2, 2)
    )


@pytest.mark.parametrize(
    "start", [-5, 40_000, 200 * 200 - 50, SIEVE_BELOW - 200, 3_215_031_751 - 50]
)
def test_primes_agree_with_trial_division(start: int) -> None:
    """Negative numbers, zero, one and two, and both sides of the sieve's end."""
    numbers = range(start, start + 400)

    assert [is_prime(number) for number in numbers] == [has_no_divisor(n) for n in numbers]


@given(st.integers(0, 10**11))
@settings(max_examples=100, deadline=None)
def test_any_number_agrees_with_trial_division(number: int) -> None:
    """Nothing is special about the numbers picked by hand."""
    assert is_prime(number) == has_no_divisor(number)


@pytest.mark.parametrize(
    "number",
    [
        # Smallest strong pseudoprimes to the first 1, 2, 3, ... prime bases (OEIS A014233).
        *(2_047, 1_373_653, 25_326_001, 3_215_031_751, 2_152_302_898_747, 3_474_749_660_383),
        *(341_550_071_728_321, 3_825_123_056_546_413_051, 318_665_857_834_031_151_167_461),
        # Strong pseudoprimes to base 2 and Carmichael numbers.
        *(3_277, 4_033, 8_321, 561, 41_041, 825_265, 321_197_185, 5_394_826_801),
        *(232_250_619_601, 9_746_347_772_161, 1_436_697_831_295_441, 60_977_817_398_996_785),
        # Squares of primes and products of two close ones, up to 18 digits.
        *(2_053**2, 46_337**2, 999_999_937**2, 999_999_937 * 999_999_929),
    ],
)
def test_numbers_that_look_prime_are_not(number: int) -> None:
    """Composites made to fool such tests do not, each table bound itself among them."""
    assert not is_prime(number)


@pytest.mark.parametrize(
    "number",
    [
        *(2, 3, 199, 211, 10_007, 4_194_301, 4_194_319, 2_147_483_647, 999_999_999_989),
        *(100_000_000_000_000_003, 999_999_999_999_999_989, 18_446_744_073_709_551_557),
        2**61 - 1,
    ],
)
def test_known_primes_are_prime(number: int) -> None:
    """The largest below the sieve, the first above, Mersenne primes, the borders of 18 digits."""
    assert is_prime(number)


def test_a_number_without_proven_witnesses_is_refused() -> None:
    """Never a guess: the first number that the witnesses do not settle raises."""
    assert not is_prime(WITNESSED_BELOW - 1)
    with pytest.raises(ValueError, match="no proven witnesses"):
        is_prime(WITNESSED_BELOW)


def test_flags_follow_the_integer_value_of_each_id() -> None:
    """Leading zeros do not matter, and one long id does not change the others."""
    short = ["7", "007", "8", "1", "0", "10007"]

    assert prime_flags(short) == [True, True, False, False, False, True]
    assert prime_flags([*short, "999999999999999989", "999999999999999988"]) == [
        *prime_flags(short),
        True,
        False,
    ]
    assert prime_flags([]) == []
