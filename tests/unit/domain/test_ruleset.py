"""Rule sets: what cannot be built, what text they become, what their digest depends on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, cast

import pytest

from kernel.domain import ruleset
from kernel.domain.ruleset import (
    LIMIT_CENTS_MAX,
    MULTIPLIER_MAX,
    PrimeGate,
    RuleSet,
)
from tests.unit.domain.turns import BASELINE, EXPERIMENT

OTHER: dict[str, Any] = {
    "daily_amount_cents": 1,
    "weekly_amount_cents": 1,
    "daily_attempts": 1,
    "week_start": 6,
    "monday_multiplier": 10_000,
    "prime_gate": PrimeGate(2, 999_900),
    "duplicate_scope": "customer_and_id",
    "on_replay": "drop",
    "on_conflict": "drop",
    "attempts_counted": "accepted",
    "malformed": "skip",
}


@pytest.mark.parametrize("rules", [BASELINE, EXPERIMENT, replace(EXPERIMENT, **OTHER)])
def test_rules_come_back_from_their_text(rules: RuleSet) -> None:
    """What a ledger stores is the whole rule set."""
    again = RuleSet.from_json(rules.to_json())

    assert again == rules
    assert again.digest == rules.digest


@pytest.mark.parametrize("name", [field.name for field in fields(RuleSet)])
def test_every_field_is_in_the_digest(name: str) -> None:
    """Rules that decide otherwise have another digest, whichever field differs."""
    other = replace(EXPERIMENT, **{name: OTHER[name]})

    assert other.digest != EXPERIMENT.digest
    assert len(other.digest) == 64


def test_a_changed_engine_version_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal rules decided by another version of the rules' code are not the same rules."""
    before = BASELINE.digest
    monkeypatch.setattr(ruleset, "ENGINE_VERSION", "next")

    assert replace(BASELINE).digest != before


def test_the_digest_of_the_shipped_rules_is_pinned() -> None:
    """It is stored in ledgers: a change of it must be meant, and comes with ENGINE_VERSION."""
    assert BASELINE.digest == "b56f2edfb848a6ee570ba47c4311ccb54e3f1c86f760163b75ad42d4e54e25c5"


def test_the_quota_is_that_of_the_gate_or_nothing() -> None:
    """Without a gate nothing waits."""
    assert (BASELINE.quota, EXPERIMENT.quota) == (0, 1)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"daily_amount_cents": -1}, "daily_amount_cents"),
        ({"daily_amount_cents": LIMIT_CENTS_MAX + 1}, "daily_amount_cents"),
        ({"weekly_amount_cents": 1.0}, "weekly_amount_cents"),
        ({"weekly_amount_cents": "1"}, "weekly_amount_cents"),
        ({"daily_attempts": True}, "daily_attempts"),
        ({"daily_attempts": None}, "daily_attempts"),
        ({"week_start": 7}, "week_start"),
        ({"monday_multiplier": 0}, "monday_multiplier"),
        ({"monday_multiplier": MULTIPLIER_MAX + 1}, "monday_multiplier"),
        ({"prime_gate": (1, 1)}, "prime_gate"),
        ({"duplicate_scope": "customer"}, "duplicate_scope"),
        ({"on_replay": "skip"}, "on_replay"),
        ({"on_conflict": ""}, "on_conflict"),
        ({"attempts_counted": None}, "attempts_counted"),
        ({"malformed": "drop"}, "malformed"),
    ],
)
def test_impossible_rules_cannot_be_built(changed: dict[str, Any], name: str) -> None:
    """The error names the field."""
    with pytest.raises(ValueError, match=f"^{name} must be"):
        replace(BASELINE, **changed)


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: PrimeGate(-1, 1), "global_per_day"),
        (lambda: PrimeGate(1, LIMIT_CENTS_MAX + 1), "amount_cap_cents"),
    ],
    ids=["quota", "cap"],
)
def test_impossible_gates_cannot_be_built(build: Callable[[], PrimeGate], name: str) -> None:
    """The gate's own fields have ranges too."""
    with pytest.raises(ValueError, match=f"^{name} must be"):
        build()


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the values but one."""
    return {key: value for key, value in values.items() if key != name}


@pytest.mark.parametrize(
    "change",
    [
        lambda values: without(values, "malformed"),
        lambda values: values | {"extra": 1},
        lambda values: values | {"prime_gate": {"global_per_day": 1}},
        lambda values: values | {"prime_gate": [1, 2]},
        lambda values: [values],
    ],
    ids=["missing", "unknown", "missing in the gate", "gate of another shape", "no map"],
)
def test_a_text_with_other_fields_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    """Nothing is guessed, neither a missing field nor an unknown one."""
    values = cast("dict[str, Any]", json.loads(EXPERIMENT.to_json()))

    with pytest.raises(ValueError, match="it has exactly the fields"):
        RuleSet.from_json(json.dumps(change(values)))
