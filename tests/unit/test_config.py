"""The configuration file: what the shipped ones say, what becomes of each key, how errors are told.

Every single rejected shape is in `test_config_rejected.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from kernel.adapters.config import Config, read_config
from kernel.domain.ruleset import LIMIT_CENTS_MAX, MULTIPLIER_MAX, PrimeGate, RuleSet
from kernel.errors import EXIT_USAGE, ConfigError
from kernel.ledger.settings import RANGES, FleetSettings
from tests.unit.config_files import SECTION, changed, read, refusal, valid

CONFIGS = Path(__file__).parents[2] / "configs"
BASELINE = RuleSet(daily_amount_cents=500_000, weekly_amount_cents=2_000_000, daily_attempts=3)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("baseline", BASELINE),
        (
            "experiment",
            replace(BASELINE, monday_multiplier=20_000, prime_gate=PrimeGate(1, 999_900)),
        ),
        (
            "classic",
            replace(
                BASELINE,
                duplicate_scope="customer_and_id",
                on_replay="drop",
                on_conflict="drop",
                attempts_counted="accepted",
                malformed="skip",
            ),
        ),
    ],
)
def test_the_shipped_configurations_say_what_the_rules_pin(name: str, rules: RuleSet) -> None:
    """All three are read, with the fleet's defaults."""
    assert read_config(CONFIGS / f"{name}.yaml") == Config(rules, FleetSettings())


def test_no_other_configuration_is_shipped() -> None:
    """A fourth file would be shipped without a test of what it says."""
    assert {path.stem for path in CONFIGS.glob("*.y*ml")} == {"baseline", "experiment", "classic"}


def test_every_key_reaches_the_rules(tmp_path: Path) -> None:
    """A file that sets each key to something else than its default."""
    config = read(tmp_path, valid())

    assert config.rules == RuleSet(
        daily_amount_cents=500_000,
        weekly_amount_cents=2_000_000,
        daily_attempts=3,
        week_start=6,
        monday_multiplier=10_005,
        prime_gate=PrimeGate(global_per_day=2, amount_cap_cents=1),
        duplicate_scope="customer_and_id",
        on_replay="drop",
        on_conflict="decline",
        attempts_counted="accepted",
        malformed="skip",
    )
    assert config.fleet == FleetSettings(partitions=4, take="one", shuffle=True)


@pytest.mark.parametrize("name", RANGES)
def test_every_setting_of_the_fleet_can_be_set_in_its_range(tmp_path: Path, name: str) -> None:
    """The file knows all settings, by the same name and with the same bounds."""
    value = getattr(FleetSettings(), name) + 1
    assert getattr(read(tmp_path, changed("fleet", {name: value})).fleet, name) == value

    low, high = RANGES[name]
    for outside in (low - 1, high + 1):
        told = refusal(tmp_path, yaml.safe_dump(changed("fleet", {name: outside})))
        assert f"\n  fleet.{name}: must be at " in told


def test_a_lease_shorter_than_what_its_renewals_need_is_refused(tmp_path: Path) -> None:
    """Its own producer or collector would lose the run to another one; the path is told whole."""
    told = refusal(tmp_path, yaml.safe_dump(changed("fleet", {"run_lease_ms": 599})))

    assert "\n  fleet.run_lease_ms: must be at least 600" in told


def test_the_values_of_a_feature_that_is_off_are_left_out(tmp_path: Path) -> None:
    """Off is off: rules that decide alike have one digest."""
    values = changed("rules.prime_gate.enabled", value=False)
    values["rules"]["monday_multiplier"] = {"enabled": False}

    rules = read(tmp_path, values).rules

    assert (rules.prime_gate, rules.monday_multiplier) == (None, None)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0.00", 0),
        ("0.01", 1),
        ("0005000.00", 500_000),
        ("10000000000000.00", LIMIT_CENTS_MAX),
    ],
)
def test_amounts_become_whole_cents(tmp_path: Path, text: str, cents: int) -> None:
    """Decimal text, without any float on the way."""
    config = read(tmp_path, changed("rules.limits.daily_amount", text))

    assert config.rules.daily_amount_cents == cents


@pytest.mark.parametrize(
    ("text", "multiplier"),
    [("2", 20_000), ("1.5", 15_000), ("0.0001", 1), ("100", MULTIPLIER_MAX), ("100.0", 1_000_000)],
)
def test_multipliers_become_ten_thousandths(tmp_path: Path, text: str, multiplier: int) -> None:
    """Decimal text with at most four decimals."""
    config = read(tmp_path, changed("rules.monday_multiplier.multiplier", text))

    assert config.rules.monday_multiplier == multiplier


@pytest.mark.parametrize(
    ("fleet", "sentence"),
    [
        ({"chunk_lines_max": 8192, "inflight_lines_max": 8191}, "fleet.inflight_lines_max must"),
        ({"linger_ms": 2000}, "fleet.linger_ms must be below shift_deadline_ms"),
        ({"tick_ms": 5000}, "fleet.tick_ms must be below worker_ttl_ms"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    tmp_path: Path, fleet: dict[str, int], sentence: str
) -> None:
    """Each is in its range; together they would stall or forget healthy workers."""
    assert f"\n  {sentence}" in refusal(tmp_path, yaml.safe_dump(changed("fleet", fleet)))


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    """One start, one list: nobody corrects a file key by key."""
    values = changed("rules.limits.daily_amount", 5000.0)
    values["version"] = 3
    values["fleet"] = {"partitions": 0, "worker": 1}

    told = refusal(tmp_path, yaml.safe_dump(values))

    paths = [line.split(":")[0].strip() for line in told.split("\n")[1:]]
    assert paths == [
        "version",
        "rules.limits.daily_amount",
        "fleet.partitions",
        "fleet.worker",
    ]


def test_a_refused_configuration_ends_a_command_with_exit_2(tmp_path: Path) -> None:
    """The class carries the code."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, {})

    assert caught.value.exit_code == EXIT_USAGE == 2


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- 1\n", "rules\n", "1\n", "null\n"])
def test_a_file_that_is_no_map_is_refused(tmp_path: Path, text: str) -> None:
    """With the keys that it should have."""
    told = refusal(tmp_path, text)

    assert told.endswith(f"\n  the file: {SECTION}: version, rules, fleet")


def test_keys_from_the_file_are_shown_harmlessly(tmp_path: Path) -> None:
    """A name can hold anything, also what a terminal would obey; numbers are no names."""
    values = valid() | {"\x1b[2Jcleared" * 9: 1, 7: 1}

    told = refusal(tmp_path, yaml.safe_dump(values, allow_unicode=False))

    assert "\x1b" not in told
    assert "\n  '\\x1b[2Jcleared\\x1b" in told
    assert "\n  '7': unknown key; known here are version, rules, fleet" in told
    assert max(map(len, told.split("\n"))) < 200
