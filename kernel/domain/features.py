"""Facts derived from an attempt before it is judged (`rules.md`, section 4).

Here: the effective amount. Primes are in `primes.py`. Nothing here knows a limit or a window.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel.domain.ruleset import MULTIPLIER_UNIT, RuleSet

_HALF = MULTIPLIER_UNIT // 2


def effective_cents(cents: Sequence[int], days: Sequence[int], rules: RuleSet) -> Sequence[int]:
    """Return what each attempt counts for: on UTC Mondays the multiplied amount, else the amount.

    The result is the sequence given, not a copy, when no amount differs. It is computed once and
    used for every comparison and every sum, so that no two rules see another cent.
    """
    multiplier = rules.monday_multiplier
    if multiplier is None:
        return cents
    # date.toordinal() is 1 on a Monday, and so is every ordinal that leaves 1 when divided by 7.
    mondays = {day for day in set(days) if day % 7 == 1}
    if not mondays:
        return cents
    return [
        times(amount, multiplier) if day in mondays else amount
        for amount, day in zip(cents, days, strict=True)
    ]


def times(cents: int, multiplier: int) -> int:
    """Multiply by ten-thousandths and round half-even to a whole cent."""
    whole, rest = divmod(cents * multiplier, MULTIPLIER_UNIT)
    if rest > _HALF or (rest == _HALF and whole & 1):
        return whole + 1
    return whole
