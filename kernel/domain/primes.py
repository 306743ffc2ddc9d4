"""Primality of ids: a sieve for small numbers, a deterministic Miller-Rabin test above it.

Lives here: whether a number is prime. Not here: what a prime id means (`gate.py`, `decide.py`).

1. Never a guess: the witnesses used are proven sufficient for every number below WITNESSED_BELOW,
   and numbers beyond it are refused. Ids have at most 18 digits, far below.
2. The sieve is built at the first need: who asks nothing about primes does not pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import gcd, isqrt, prod
from typing import Final

#: Numbers below this are looked up: 4 MiB, built in some 10 ms.
SIEVE_BELOW: Final = 1 << 22

#: Smallest number that the first 13 primes as witnesses do not settle (Sorenson and Webster, 2015).
WITNESSED_BELOW: Final = 3_317_044_064_679_887_385_961_981

#: Below each bound these witnesses are enough (Jaeschke 1993; Jiang and Deng 2014; Sorenson and
#: Webster 2015; sequence A014233 of the OEIS).
_WITNESSES: Final = (
    (3_474_749_660_383, (2, 3, 5, 7, 11, 13)),
    (341_550_071_728_321, (2, 3, 5, 7, 11, 13, 17)),
    (3_825_123_056_546_413_051, (2, 3, 5, 7, 11, 13, 17, 19, 23)),
    (318_665_857_834_031_151_167_461, (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)),
    (WITNESSED_BELOW, (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)),
)


def is_prime(number: int) -> bool:
    """Say whether a number is prime.

    Raises:
        ValueError: the number is too large for a proven answer; no id is.
    """
    if number < SIEVE_BELOW:
        return number > 1 and _sieve()[number] == 1
    # One division by the product of the small primes rules out four composites of five.
    return gcd(number, _small_product()) == 1 and _passes_miller_rabin(number)


def prime_flags(ids: Sequence[str]) -> list[bool]:
    """Say for each id, digits only, whether its integer value is prime."""
    numbers = list(map(int, ids))
    if max(numbers, default=0) < SIEVE_BELOW:
        sieve = _sieve()
        return [sieve[number] == 1 for number in numbers]
    return [is_prime(number) for number in numbers]


def _passes_miller_rabin(number: int) -> bool:
    """Settle an odd number above the sieve by its proven witnesses."""
    odd = number - 1
    halvings = (odd & -odd).bit_length() - 1
    odd >>= halvings
    for witness in _witnesses_for(number):
        power = pow(witness, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(halvings - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def _witnesses_for(number: int) -> tuple[int, ...]:
    """Return the shortest proven list of witnesses for a number."""
    for below, witnesses in _WITNESSES:
        if number < below:
            return witnesses
    message = f"no proven witnesses for numbers from {WITNESSED_BELOW} on"
    raise ValueError(message)


@cache
def _sieve() -> bytearray:
    """Return one byte for each number below SIEVE_BELOW, 1 for a prime (Eratosthenes)."""
    marks = bytearray(b"\x01") * SIEVE_BELOW
    marks[0] = marks[1] = 0
    marks[4::2] = bytes(len(range(4, SIEVE_BELOW, 2)))
    for number in range(3, isqrt(SIEVE_BELOW - 1) + 1, 2):
        if marks[number]:
            multiples = slice(number * number, SIEVE_BELOW, 2 * number)
            marks[multiples] = bytes(len(range(number * number, SIEVE_BELOW, 2 * number)))
    return marks


@cache
def _small_product() -> int:
    """Return the product of the primes below 200."""
    marks = _sieve()
    return prod(number for number in range(200) if marks[number])
