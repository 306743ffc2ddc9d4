"""Time-outs of a supervisor: whole, positive, and no boolean among them."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.runtime.deadlines import Deadlines


@pytest.mark.parametrize("name", ["ready_ms", "stop_ms", "kill_ms"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "10", True, None])
def test_a_time_out_is_a_positive_whole_number(name: str, value: object) -> None:
    """Anything else is refused by its name."""
    changed: dict[str, Any] = {name: value}

    with pytest.raises(ValueError, match=name):
        Deadlines(**changed)


@pytest.mark.parametrize("value", [0, 1, "yes", None])
def test_whether_to_drain_is_a_boolean(value: Any) -> None:  # noqa: ANN401 - none of its types
    """Anything else is refused by its name."""
    with pytest.raises(ValueError, match="drain_inflight"):
        Deadlines(drain_inflight=value)
