"""A primality proof for the oracle, by another road than the program's.

Lives here: trial division below ten thousand million, above it the Baillie-PSW test (a strong test
to base 2 and a strong Lucas test). Why this one: it has been checked to be exact below 2**64, which
covers every 18-digit id, and it shares no list of bases with a deterministic Miller-Rabin.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import count
from math import gcd, isqrt

TRIAL_BELOW = 10_000_000_000


@lru_cache(maxsize=200_000)
def is_prime_otherwise(number: int) -> bool:
    """Say whether a number below 2**64 is prime."""
    if number < TRIAL_BELOW:
        return divides_none(number)
    if any(number % prime == 0 for prime in _primes_below(1_000)):
        return False
    return is_strong_to_base_two(number) and is_strong_lucas(number)


def divides_none(number: int) -> bool:
    """Say by trial division whether a number below `TRIAL_BELOW` is prime."""
    root = isqrt(max(number, 0))
    for prime in _primes_below(100_000):
        if prime > root:
            break
        if number % prime == 0:
            return False
    return number > 1


@cache
def _primes_below(end: int) -> tuple[int, ...]:
    candidates = set(range(2, end))
    for factor in range(2, isqrt(end) + 1):
        if factor in candidates:
            candidates.difference_update(range(factor * factor, end, factor))
    return tuple(sorted(candidates))


def is_strong_to_base_two(number: int) -> bool:
    """Run one strong test to base 2 on an odd number."""
    odd, twos = _odd_part(number - 1)
    power = pow(2, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


def is_strong_lucas(number: int) -> bool:
    """Run the strong Lucas test with Selfridge's parameters on an odd number."""
    if isqrt(number) ** 2 == number:
        return False
    discriminant = next(d for d in _selfridge() if jacobi(d, number) != 1)
    if gcd(discriminant, number) != 1:
        return False
    q = (1 - discriminant) // 4
    odd, twos = _odd_part(number + 1)
    u, v, q_power = _lucas(odd, discriminant, q, number)
    if u == 0 or v == 0:
        return True
    for _ in range(twos - 1):
        v = (v * v - 2 * q_power) % number
        if v == 0:
            return True
        q_power = q_power * q_power % number
    return False


def jacobi(top: int, bottom: int) -> int:
    """Give the Jacobi symbol of two numbers, the lower one odd and positive."""
    top %= bottom
    sign = 1
    while top:
        while top % 2 == 0:
            top //= 2
            if bottom % 8 in (3, 5):
                sign = -sign
        top, bottom = bottom, top
        if top % 4 == bottom % 4 == 3:
            sign = -sign
        top %= bottom
    return sign if bottom == 1 else 0


def _selfridge() -> Iterator[int]:
    """Give 5, -7, 9, -11 and so on."""
    return ((5 + 2 * step) * (-1) ** step for step in count())


def _odd_part(number: int) -> tuple[int, int]:
    twos = (number & -number).bit_length() - 1
    return number >> twos, twos


def _lucas(index: int, discriminant: int, q: int, modulus: int) -> tuple[int, int, int]:
    """Give U, V and Q**index of the Lucas sequence with P = 1, bit by bit."""
    u, v, q_power = 1, 1, q % modulus
    half = (modulus + 1) // 2
    for bit in bin(index)[3:]:
        u, v = u * v % modulus, (v * v - 2 * q_power) % modulus
        q_power = q_power * q_power % modulus
        if bit == "1":
            u, v = (u + v) * half % modulus, (discriminant * u + v) * half % modulus
            q_power = q_power * q % modulus
    return u, v, q_power
