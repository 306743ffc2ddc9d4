"""Configuration files for tests: one with every section in it, and changed copies of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kernel.adapters.config import Config, read_config
from kernel.errors import ConfigError

#: Stands for a key that is left out.
ABSENT = object()
#: What is said of a value that should have been a map.
SECTION = "must be a section with keys of its own"


def valid() -> dict[str, Any]:
    """Return a file's values with every section in it."""
    return {
        "version": 1,
        "rules": {
            "limits": {
                "daily_amount": "5000.00",
                "weekly_amount": "20000.00",
                "daily_attempts": 3,
            },
            "week_start": "SUN",
            "monday_multiplier": {"enabled": True, "multiplier": "1.0005"},
            "prime_gate": {"enabled": True, "global_per_day": 2, "amount_cap": "0.01"},
            "idempotency": {
                "scope": "customer_and_id",
                "on_replay": "drop",
                "on_conflict": "decline",
            },
            "attempts": {"count": "accepted"},
            "malformed": "skip",
        },
        "fleet": {"partitions": 4, "take": "one", "shuffle": True},
    }


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the valid values with another one at a path, or without it when ABSENT."""
    values = valid()
    section: dict[str, Any] = values
    *owners, name = path.split(".")
    for owner in owners:
        section = section[owner]
    section.pop(name, None)
    if value is not ABSENT:
        section[name] = value
    return values


def read(folder: Path, values: object) -> Config:
    """Write values as YAML, in a file of the folder, and read it."""
    return read_text(folder, yaml.safe_dump(values))


def read_text(folder: Path, text: str) -> Config:
    """Write a file into the folder and read it."""
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def refusal(folder: Path, text: str) -> str:
    """Return what is said about a file that cannot be used."""
    with pytest.raises(ConfigError) as caught:
        read_text(folder, text)
    return str(caught.value)
