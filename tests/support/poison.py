"""Attempts that make a step raise, on demand: our program has no such bug to show.

Lives here: amounts that cannot be added to, put in the place of what the feature node computes; in
this process, or in every process that a test starts. The product has no hook for it; Python itself
runs a `sitecustomize` that it finds on its path before any program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kernel.domain import features
from kernel.domain.ruleset import RuleSet
from kernel.ledger import limits_nodes

PROJECT = Path(__file__).resolve().parents[2]

Effective = Callable[[Sequence[int], Sequence[int], RuleSet], Sequence[int]]


class Poisoned(RuntimeError):
    """What an attempt raises; its text must never be shown, as it might hold a payload."""


class Poison(int):
    """An amount that raises when a rule adds it to a sum."""

    def __radd__(self, other: int) -> int:
        """Refuse."""
        raise Poisoned(f"a secret amount: {int(self)}")


class Venom(int):
    """An amount for which the whole node raises that computes what it counts for."""


def poisoned(cents: int, kind: type[int] = Poison) -> Effective:
    """Return the feature node's function, but for one amount: that one is poison."""

    def effective_cents(
        amounts: Sequence[int], days: Sequence[int], rules: RuleSet
    ) -> Sequence[int]:
        if kind is Venom and cents in amounts:
            raise Poisoned(f"a secret amount: {cents}")
        effective = features.effective_cents(amounts, days, rules)
        pairs = zip(amounts, effective, strict=True)
        return [kind(counts) if amount == cents else counts for amount, counts in pairs]

    return effective_cents


def plant_here(patch: pytest.MonkeyPatch, cents: int, kind: type[int] = Poison) -> None:
    """Poison an amount in this process."""
    patch.setattr(limits_nodes, "effective_cents", poisoned(cents, kind))


def plant_everywhere(patch: pytest.MonkeyPatch, folder: Path, cents: int) -> None:
    """Poison an amount in every process that is started from now on."""
    home = folder / "poison"
    home.mkdir()
    (home / "sitecustomize.py").write_text(
        "from kernel.ledger import limits_nodes\n"
        "from tests.support.poison import poisoned\n"
        f"limits_nodes.effective_cents = poisoned({cents})\n",
        "utf-8",
    )
    patch.setenv("PYTHONPATH", f"{home}:{PROJECT}")
