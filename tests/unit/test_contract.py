"""`fundload check` and `fundload config schema`: what a configuration comes to, before any run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from kernel.adapters.config import read_config
from kernel.errors import UsageError
from kernel.runtime.contract import check, config
from tests.support.fleet import PROJECT
from tests.unit.config_files import changed, valid
from tests.unit.test_config_rejected import REJECTED

CONFIGS = sorted((PROJECT / "configs").glob("*.yaml"))
#: An editor lets these pass, the reader does not: ranges of numbers in quotes, what one key asks of
#: another, `16.0` (a whole number to JSON), and a line end, which `$` passes over in Python alone.
READER_ALONE = [
    ("version", 1.0),
    ("rules.limits.daily_amount", "1.00\n"),
    ("rules.limits.daily_amount", "10000000000000.01"),
    ("rules.limits.daily_attempts", 3.0),
    ("rules.monday_multiplier", {"enabled": True}),
    ("rules.monday_multiplier.multiplier", "0"),
    ("rules.monday_multiplier.multiplier", "0.0000"),
    ("rules.monday_multiplier.multiplier", "100.0001"),
    ("rules.prime_gate", {"enabled": True}),
    ("fleet.partitions", 16.0),
]


def schema() -> Draft202012Validator:
    """Return the schema as the verb prints it, checked against the draft it names."""
    printed = json.loads(CliRunner().invoke(config, ["schema"]).output)
    assert printed["$schema"] == Draft202012Validator.META_SCHEMA["$schema"]
    Draft202012Validator.check_schema(printed)
    return Draft202012Validator(printed)


def test_the_schema_takes_what_the_reader_takes() -> None:
    """An editor marks nothing in the shipped files, nor in one with every section."""
    for values in [valid(), *(yaml.safe_load(path.read_text()) for path in CONFIGS)]:
        assert [error.message for error in schema().iter_errors(values)] == []


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    """Each rejected shape is marked while it is typed, but for a list of what no schema can say."""
    validator = schema()

    passed = [
        (path, value) for path, value, _ in REJECTED if validator.is_valid(changed(path, value))
    ]

    assert passed == READER_ALONE


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_contract_names_digest_groups_and_partitions(path: Path) -> None:
    """Both forms say the same; the digest is the one that batches and ledgers carry."""
    for_people = CliRunner().invoke(check, ["--config", str(path)])
    for_machines = CliRunner().invoke(check, ["--config", str(path), "--json"])

    assert (for_people.exit_code, for_machines.exit_code) == (0, 0)
    contract: dict[str, Any] = json.loads(for_machines.output)
    assert contract["digest"] == read_config(path).rules.digest
    assert contract["groups"] == {
        "ingress": ["parse", "classify", "partition"],
        "limits": ["features", "decide"],
        "egress": ["format"],
    }
    told = for_people.output.splitlines()
    assert told[0] == f"{path} can be used"
    assert told[1].startswith(f"rules {contract['digest']} ")
    assert any(f"{contract['fleet']['partitions']} partitions" in line for line in told)


def test_a_ledger_without_a_server_is_a_mistake_of_the_command_line() -> None:
    """It says what is missing."""
    asked = CliRunner(env={"FUNDLOAD_REDIS_URL": None}).invoke(
        check, ["--config", str(CONFIGS[0]), "--ledger", "prod"]
    )

    assert isinstance(asked.exception, UsageError)
    assert "needs --redis-url" in str(asked.exception)
