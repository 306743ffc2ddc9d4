"""The effective amount: Mondays, the rounding of the product, and nothing done when off."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.domain.features import effective_cents, times
from kernel.domain.ruleset import MULTIPLIER_MAX
from tests.unit.domain.turns import BASELINE, EXPERIMENT, MONDAY


def test_only_mondays_are_multiplied() -> None:
    """Seven days from a Monday: the first counts double."""
    days = list(range(MONDAY, MONDAY + 8))

    effective = effective_cents([100] * 8, days, EXPERIMENT)

    assert list(effective) == [200, 100, 100, 100, 100, 100, 100, 200]


def test_amounts_pass_through_when_nothing_is_multiplied() -> None:
    """The very sequence given comes back: off, or no Monday in it."""
    cents = [1, 2]

    assert effective_cents(cents, [MONDAY, MONDAY], BASELINE) is cents
    assert effective_cents(cents, [MONDAY + 1, MONDAY + 2], EXPERIMENT) is cents


@pytest.mark.parametrize(
    ("cents", "multiplier", "rounded"),
    [
        (1, 5_000, 0),
        (3, 5_000, 2),
        (5, 5_000, 2),
        (7, 5_000, 4),
        (101, 15_000, 152),
        (103, 15_000, 154),
        (1, 5_001, 1),
        (1, 4_999, 0),
        (10**17, 1_000_000, 10**19),
        (0, 20_000, 0),
    ],
)
def test_the_product_is_rounded_half_even_to_a_cent(
    cents: int, multiplier: int, rounded: int
) -> None:
    """A half goes to the even cent; anything else to the nearer one."""
    assert times(cents, multiplier) == rounded


@given(st.integers(0, 10**17), st.integers(1, MULTIPLIER_MAX))
def test_rounding_is_that_of_decimal_arithmetic(cents: int, multiplier: int) -> None:
    """Against the decimal module, which rounds by a rule of its own writing."""
    exact = Decimal(cents) * multiplier / 10_000

    assert times(cents, multiplier) == int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))


def test_the_multiplier_of_the_rules_is_used() -> None:
    """One and a half times, on a Monday."""
    rules = replace(EXPERIMENT, monday_multiplier=15_000)

    assert list(effective_cents([101], [MONDAY], rules)) == [152]
