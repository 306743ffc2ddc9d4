"""What the storms play: rules, sizes and settings, in turn.

Small turns, small chunks and few lines in flight make a run last and let every fault hit the middle
of something; the shipped settings are in between, with many more lines.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.support.fleet import config_file

Setting = int | str | bool

SMALL: dict[str, Setting] = {
    "chunk_lines_max": 256,
    "inflight_lines_max": 2_048,
    "turn_attempts_max": 128,
}
_SHARING: dict[str, Setting] = SMALL | {"take": "share", "keep_rows_min": 1_024}


class Plan(NamedTuple):
    """One storm's run."""

    rules: str
    form: str
    lines: int
    settings: dict[str, Setting]
    #: Lines that pass in a day: the fewer, the more often a gate is waited for.
    per_day: int = 400

    @property
    def name(self) -> str:
        """Rules and form in two words."""
        return f"{self.rules}, {self.form}"

    def config(self, folder: Path) -> Path:
        """Write the configuration."""
        return config_file(folder, self.rules, **self.settings)


PLANS = (
    Plan("experiment", "small turns", 60_000, SMALL),
    Plan("baseline", "small turns", 60_000, SMALL),
    Plan("experiment", "as shipped", 600_000, {}),
    Plan("baseline", "as shipped", 600_000, {}),
    Plan("experiment", "sharing", 40_000, _SHARING, per_day=24),
)
