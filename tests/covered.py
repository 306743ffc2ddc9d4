"""Which share of the kernel's branches the suite took, in all its processes; with a floor under it.

Lives here: joining what the processes noted, the table by ring, the floor. What is noted, and what
is left out, says `[tool.coverage]` in pyproject.toml. A branch is one way out of a line that has
several; lines are no part of the figure, as most of them have one way only and would flatter it.

    coverage run -m pytest && python -m tests.covered
"""

from __future__ import annotations

import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from coverage import Coverage
from coverage.exceptions import CoverageWarning

FLOOR: Final = 0.95
REPORT: Final = Path("build/coverage/report.json")


class Module(NamedTuple):
    """A module's branches: how many there are, and those that nobody took, as two line numbers."""

    path: str
    ways: int
    missing: list[tuple[int, int]]

    @property
    def ring(self) -> str:
        """The folder of the kernel that it lies in."""
        parts = Path(self.path).parts
        return parts[1] if len(parts) > 2 else "(top)"


def noted() -> list[Module]:
    """Join what every process noted since `coverage erase`."""
    coverage = Coverage()
    with warnings.catch_warnings():
        # One that was killed while it wrote leaves half a file.
        warnings.simplefilter("ignore", CoverageWarning)
        coverage.combine()
    coverage.json_report(outfile=str(REPORT))
    files: Mapping[str, Any] = json.loads(REPORT.read_bytes())["files"]
    return [
        # Where nothing of the kernel was executed, the report has no branches at all.
        Module(path, file["summary"].get("num_branches", 0), file.get("missing_branches", []))
        for path, file in files.items()
    ]


def judged(modules: Iterable[Module]) -> tuple[str, bool]:
    """Return the table and whether the share is high enough; if it is not, with what is missing."""
    ways, missing = Counter[str](), Counter[str]()
    lines = []
    for module in modules:
        for key in (module.ring, "kernel"):
            ways[key] += module.ways
            missing[key] += len(module.missing)
        if module.missing:
            pairs = (f"{line}->{'end' if to < 0 else to}" for line, to in module.missing)
            lines.append(f"{module.path}: {' '.join(pairs)}")
    is_enough = ways["kernel"] > 0 and ways["kernel"] - missing["kernel"] >= FLOOR * ways["kernel"]
    table = [
        f"{ring:12} {ways[ring] - missing[ring]:5} of {ways[ring]:5} branches taken, "
        f"{100 * (ways[ring] - missing[ring]) / (ways[ring] or 1):.1f} %"
        for ring in sorted(ways, key=lambda ring: (ring == "kernel", ring))
    ]
    if not is_enough:
        table = [*lines, *table, f"fewer than {FLOOR:.0%} of the kernel's branches were taken"]
    return "\n".join(table), is_enough


def main() -> int:
    """Print the table; 1 where it is not enough."""
    table, is_enough = judged(noted())
    sys.stdout.write(f"{table}\n")
    return 0 if is_enough else 1


if __name__ == "__main__":
    sys.exit(main())
