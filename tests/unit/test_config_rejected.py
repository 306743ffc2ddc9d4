"""Every shape of a configuration that is rejected, one case each, with its full path."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.config_files import ABSENT, SECTION, changed, refusal

AMOUNT = "must be an amount in quotes with two decimals"
WHOLE = "must be a whole number"
SWITCH = "must be true or false"
FACTOR = "must be a number in quotes, above 0"

REJECTED: list[tuple[str, object, str]] = [
    ("version", ABSENT, "missing"),
    ("version", 2, "must be at most 1"),
    ("version", 0, "must be at least 1"),
    ("version", "1", WHOLE),
    ("version", 1.0, WHOLE),
    ("version", True, WHOLE),
    ("version", None, WHOLE),
    ("extra", 1, "unknown key; known here are version, rules, fleet"),
    ("rules", ABSENT, "missing"),
    ("rules", None, SECTION),
    ("rules", [], SECTION),
    ("rules", "baseline", SECTION),
    ("rules.daily_amount", "1.00", "unknown key; known here are limits, week_start"),
    ("rules.limits", ABSENT, "missing"),
    ("rules.limits", [1], SECTION),
    ("rules.limits.monthly_amount", "1.00", "unknown key; known here are daily_amount, "),
    ("rules.limits.daily_amount", ABSENT, "missing"),
    ("rules.limits.daily_amount", 5000.0, AMOUNT),
    ("rules.limits.daily_amount", 5000, AMOUNT),
    ("rules.limits.daily_amount", None, AMOUNT),
    ("rules.limits.daily_amount", True, AMOUNT),
    ("rules.limits.daily_amount", ["5000.00"], AMOUNT),
    ("rules.limits.daily_amount", "5000", AMOUNT),
    ("rules.limits.daily_amount", "5000.0", AMOUNT),
    ("rules.limits.daily_amount", "5000.000", AMOUNT),
    ("rules.limits.daily_amount", "5,000.00", AMOUNT),
    ("rules.limits.daily_amount", "$5000.00", AMOUNT),
    ("rules.limits.daily_amount", "-1.00", AMOUNT),
    ("rules.limits.daily_amount", " 1.00", AMOUNT),
    ("rules.limits.daily_amount", "1.00\n", AMOUNT),
    ("rules.limits.daily_amount", "1e3.00", AMOUNT),
    ("rules.limits.daily_amount", "\u0661.00", AMOUNT),
    ("rules.limits.daily_amount", "10000000000000.01", "must be at most 10000000000000.00"),
    ("rules.limits.weekly_amount", ABSENT, "missing"),
    ("rules.limits.weekly_amount", 20000.0, AMOUNT),
    ("rules.limits.daily_attempts", ABSENT, "missing"),
    ("rules.limits.daily_attempts", "3", WHOLE),
    ("rules.limits.daily_attempts", 3.0, WHOLE),
    ("rules.limits.daily_attempts", True, WHOLE),
    ("rules.limits.daily_attempts", -1, "must be at least 0"),
    ("rules.limits.daily_attempts", 10**9 + 1, "must be at most 1000000000"),
    ("rules.limits.daily_attempts", 10**30, WHOLE),
    ("rules.week_start", "Monday", "must be 'MON', 'TUE'"),
    ("rules.week_start", "mon", "must be 'MON', 'TUE'"),
    ("rules.week_start", 0, "must be 'MON', 'TUE'"),
    ("rules.week_start", None, "must be 'MON', 'TUE'"),
    ("rules.monday_multiplier", True, SECTION),
    ("rules.monday_multiplier", {"enabled": True}, "needs multiplier while enabled is true"),
    ("rules.monday_multiplier.on", True, "unknown key; known here are enabled, multiplier"),
    ("rules.monday_multiplier.enabled", ABSENT, "missing"),
    ("rules.monday_multiplier.enabled", 1, SWITCH),
    ("rules.monday_multiplier.enabled", "true", SWITCH),
    ("rules.monday_multiplier.multiplier", 2, FACTOR),
    ("rules.monday_multiplier.multiplier", 1.5, FACTOR),
    ("rules.monday_multiplier.multiplier", "0", FACTOR),
    ("rules.monday_multiplier.multiplier", "0.0000", FACTOR),
    ("rules.monday_multiplier.multiplier", "100.0001", FACTOR),
    ("rules.monday_multiplier.multiplier", "1.00000", FACTOR),
    ("rules.monday_multiplier.multiplier", "-2", FACTOR),
    ("rules.monday_multiplier.multiplier", "1.", FACTOR),
    ("rules.monday_multiplier.multiplier", "x2", FACTOR),
    ("rules.monday_multiplier.multiplier", None, FACTOR),
    ("rules.prime_gate", "on", SECTION),
    ("rules.prime_gate", {"enabled": True}, "needs global_per_day, amount_cap while enabled"),
    ("rules.prime_gate.quota", 1, "unknown key"),
    ("rules.prime_gate.enabled", "yes", SWITCH),
    ("rules.prime_gate.global_per_day", True, WHOLE),
    ("rules.prime_gate.global_per_day", -1, "must be at least 0"),
    ("rules.prime_gate.amount_cap", 9999.0, AMOUNT),
    ("rules.idempotency", "id", SECTION),
    ("rules.idempotency.key", "id", "unknown key"),
    ("rules.idempotency.scope", "customer", "must be 'id' or 'customer_and_id'"),
    ("rules.idempotency.on_replay", "skip", "must be 'decline' or 'drop'"),
    ("rules.idempotency.on_conflict", True, "must be 'decline' or 'drop'"),
    ("rules.attempts", "all", SECTION),
    ("rules.attempts.counted", "all", "unknown key; known here are count"),
    ("rules.attempts.count", "some", "must be 'all' or 'accepted'"),
    ("rules.malformed", "drop", "must be 'decline' or 'skip'"),
    ("fleet", None, SECTION),
    ("fleet", [], SECTION),
    ("fleet.workers", 4, "unknown key; known here are partitions, "),
    ("fleet.partitions", "16", WHOLE),
    ("fleet.partitions", 16.0, WHOLE),
    ("fleet.partitions", True, WHOLE),
    ("fleet.lease_ms", "1s", WHOLE),
    ("fleet.take", "half", "must be 'auto', 'share', 'all' or 'one'"),
    ("fleet.shuffle", 1, SWITCH),
    ("fleet.shuffle", "no", SWITCH),
]


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        pytest.param(*case, id=f"{case[0]}={'absent' if case[1] is ABSENT else ascii(case[1])}")
        for case in REJECTED
    ],
)
def test_a_wrong_value_is_refused_with_its_full_path(
    tmp_path: Path, path: str, value: object, sentence: str
) -> None:
    """Exactly one error is told for one wrong place: where it is, and what to write instead."""
    told = refusal(tmp_path, yaml.safe_dump(changed(path, value))).split("\n")

    assert told[0] == f"{tmp_path / 'rules.yaml'}: this configuration cannot be used"
    assert len(told) == 2
    assert told[1].startswith(f"  {path}: {sentence}")
