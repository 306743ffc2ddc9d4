"""Settings of a fleet: they travel as text, and impossible ones cannot be built."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from kernel.ledger.settings import RANGES, FleetSettings
from kernel.runtime.channel import READ_WAIT_MS


def test_settings_come_back_from_their_text() -> None:
    """Every process of a ledger reads the same figures from it."""
    settings = FleetSettings(partitions=1, lease_ms=7, take="share", shuffle=True)

    assert FleetSettings.from_json(settings.to_json()) == settings
    assert settings.to_json() == FleetSettings.from_json(settings.to_json()).to_json()


def test_every_whole_number_has_a_range() -> None:
    """None was declared without one: only the policies for tests have choices instead."""
    names = {setting.name for setting in fields(FleetSettings)}

    assert names - set(RANGES) == {"take", "shuffle"}


@pytest.mark.parametrize("name", RANGES)
def test_a_value_outside_its_range_cannot_be_built(name: str) -> None:
    """Nor one that only looks like a whole number."""
    low, high = RANGES[name]
    wrong: list[Any] = [low - 1, high + 1, True, float(low), str(low), None]

    for value in wrong:
        with pytest.raises(ValueError, match=f"^{name} must be a whole number from {low} to "):
            replace(FleetSettings(), **{name: value})


@pytest.mark.parametrize(
    ("lease_ms", "renewal_ms"), [(RANGES["run_lease_ms"][0], 200), (2_999, 999), (60_000, 1_000)]
)
def test_a_run_is_renewed_several_times_within_its_lease(lease_ms: int, renewal_ms: int) -> None:
    """Also with the shortest one, in which a wait for news may come between two signs of life."""
    assert FleetSettings(run_lease_ms=lease_ms).run_renewal_ms == renewal_ms
    assert renewal_ms + READ_WAIT_MS < lease_ms


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"take": "half"}, "take must be one of auto, share, all, one"),
        ({"shuffle": 1}, "shuffle must be true or false"),
        ({"inflight_lines_max": 4_095}, "inflight_lines_max must be at least chunk_lines_max"),
        ({"shift_deadline_ms": 500}, "linger_ms must be below shift_deadline_ms"),
        ({"worker_ttl_ms": 250}, "tick_ms must be below worker_ttl_ms"),
    ],
)
def test_choices_and_pairs_are_checked(changed: dict[str, Any], sentence: str) -> None:
    """Values each in its range may still contradict one another."""
    with pytest.raises(ValueError, match=f"^{sentence}"):
        replace(FleetSettings(), **changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: {name: values[name] for name in values if name != "take"},
        lambda values: values | {"workers": 4},
        lambda values: [values],
    ],
    ids=["missing", "unknown", "no map"],
)
def test_a_text_with_other_names_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    """A ledger made by another version is not read as if it were ours."""
    text = json.dumps(change(json.loads(FleetSettings().to_json())))

    with pytest.raises(ValueError, match="they have exactly the names"):
        FleetSettings.from_json(text)
