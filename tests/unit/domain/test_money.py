"""The amount grammar: what stands for how many cents, and what stands for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.domain.money import cents_of


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("$1234.00", 123_400),
        ("USD1234.00", 123_400),
        ("USD$1234.00", 123_400),
        ("$USD1234.00", 123_400),
        ("1.00", 100),
        ("$0.00", 0),
        ("$0.07", 7),
        ("$007.10", 710),
        ("999999999999999.99", 99_999_999_999_999_999),
        (" $ 1 2 . 3 4 ", 1_234),
        ("U S D\t$\n5.00", 500),
        ("\u00a0$1.00\u2003", 100),
        ("\x1c1\x1f.00\x85", 100),
    ],
)
def test_an_amount_in_the_grammar_is_read_to_the_cent(text: str, cents: int) -> None:
    """Each prefix, none, leading zeros, the longest amount, and white space anywhere are read."""
    assert cents_of(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "$", ".", "$.50", "$12", "$12.", "$12.3", "$12.345", "$1,000.00", "1_0.00"),
        *("usd1.00", "Usd1.00", "EUR1.00", "$$1.00", "USDUSD1.00", "$USD$1.00", "1.00$", "1.00USD"),
        *("-1.00", "+1.00", "$-1.00", "1e2.00", "NaN", "0x1.00", "1.00.00"),
        *(
            "1000000000000000.00",
            "\u0663.00",
            "1.\u0660\u0660",
            "\uff11.00",
            "1.00\x00",
            "$1.00\u200b",
        ),
    ],
)
def test_an_amount_outside_the_grammar_is_no_amount(text: str) -> None:
    """Signs, separators, other currencies and digits, and a wrong number of digits are refused."""
    assert cents_of(text) is None


@given(
    dollars=st.integers(0, 10**15 - 1),
    cents=st.integers(0, 99),
    prefix=st.sampled_from(["", "$", "USD", "USD$", "$USD"]),
)
@settings(max_examples=200, deadline=None)
def test_cents_are_exact_at_any_size(dollars: int, cents: int, prefix: str) -> None:
    """No amount loses a cent to rounding, up to the longest that can be written."""
    assert cents_of(f"{prefix}{dollars}.{cents:02}") == 100 * dollars + cents
