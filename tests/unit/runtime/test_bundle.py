"""The bundle: what is wrong with one is said by the field's name, and the secret never shows."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from kernel.runtime.bundle import Bundle, BundleMalformed

SECRET = "c0ffee" * 8
GOOD: dict[str, Any] = {
    "redis_url": "redis://someone:open-sesame@db.invalid:6379/0",
    "ledger": "books",
    "incarnation": "first",
    "master_key": SECRET,
    "keys_file": "",
    "digest": "rules",
    "run": "monday",
    "worker": "w1",
    "generation": 3,
    "scenario": "fund-load",
    "group": "limits",
    "modules": ("one.module", "another"),
}


def test_a_bundle_is_read_as_it_was_written() -> None:
    """Text and back."""
    bundle = Bundle(**GOOD)

    assert Bundle.from_json(bundle.to_json()) == bundle
    assert asdict(bundle) == GOOD


def test_a_worker_for_any_run_has_no_run() -> None:
    """It is the one text that may be empty."""
    assert Bundle(**{**GOOD, "run": ""}).run == ""


def test_a_secret_may_be_in_a_file_instead() -> None:
    """Its path is no secret."""
    bundle = Bundle(**{**GOOD, "master_key": "", "keys_file": "prod.keys"})

    assert Bundle.from_json(bundle.to_json()) == bundle
    assert "prod.keys" in repr(bundle)


def test_another_process_gets_the_same_with_its_own_name() -> None:
    """Id and generation differ, nothing else."""
    other = Bundle(**GOOD).of("w2", 1, "egress")

    assert asdict(other) == {**GOOD, "worker": "w2", "generation": 1, "group": "egress"}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_field_is_named(name: str) -> None:
    """Each of them is needed."""
    rest = {key: value for key, value in GOOD.items() if key != name}

    with pytest.raises(BundleMalformed, match=f"'{name}' is missing"):
        Bundle.from_json(json.dumps(rest))


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("value", [None, [], True, 1.5])
def test_a_field_of_a_wrong_type_is_named(name: str, value: object) -> None:
    """Also a boolean where a number is due."""
    with pytest.raises(BundleMalformed, match=f"'{name}' (has the wrong type|is empty)"):
        Bundle.from_json(json.dumps({**GOOD, name: value}))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ledger", "", "'ledger' is empty"),
        ("generation", 0, "'generation' is empty"),
        ("master_key", "", "'master_key' is empty"),
        ("keys_file", "prod.keys", "'master_key' is set beside 'keys_file'"),
        ("master_key", "not hex", "'master_key' is not hexadecimal"),
        ("modules", ["one.module", 2], "'modules' holds what is no name"),
        ("colour", "blue", "'colour' is unknown"),
    ],
)
def test_a_field_that_cannot_be_is_named(name: str, value: object, said: str) -> None:
    """And its value is not shown."""
    with pytest.raises(BundleMalformed, match=said) as refused:
        Bundle.from_json(json.dumps({**GOOD, name: value}))

    assert "not hex" not in str(refused.value).replace("not hexadecimal", "")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '"bundle"', "null"])
def test_what_is_no_bundle_at_all_is_refused(text: str) -> None:
    """An empty one is what a supervisor leaves that gave up before it sent one."""
    with pytest.raises(BundleMalformed, match="the bundle is not"):
        Bundle.from_json(text)


def test_neither_key_nor_password_is_shown() -> None:
    """Whatever prints a bundle prints neither."""
    shown = repr(Bundle(**GOOD))

    assert SECRET not in shown
    assert "open-sesame" not in shown
    assert "db.invalid:6379" in shown
