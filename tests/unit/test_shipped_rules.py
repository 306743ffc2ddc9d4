"""The shipped configuration files mean what the oracle's configurations say.

Two people read the rules: one wrote the files in `configs/`, the other the constants of the oracle.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kernel.adapters.config import read_config
from tests.support.mistakes import PROJECT
from tests.support.oracle import BASELINE, CLASSIC, EXPERIMENT
from tests.support.serial import rules_of

SHIPPED = [("baseline", BASELINE), ("experiment", EXPERIMENT), ("classic", CLASSIC)]


@pytest.mark.parametrize(("name", "expected"), SHIPPED)
def test_a_shipped_file_read_by_the_program_is_the_oracles_rule_set(
    name: str, expected: dict[str, Any]
) -> None:
    """Keys left out have the defaults that the rules give them."""
    config = read_config(PROJECT / "configs" / f"{name}.yaml")

    assert config.rules == rules_of(expected)


@pytest.mark.parametrize(("name", "expected"), SHIPPED)
def test_the_text_of_a_shipped_file_says_the_same_without_the_programs_reader(
    name: str, expected: dict[str, Any]
) -> None:
    """A file plus the plain rules for what it leaves out is the oracle's configuration."""
    text = (PROJECT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
    written = yaml.safe_load(text)["rules"]

    assert set(written) <= set(expected)
    assert BASELINE | written == expected
