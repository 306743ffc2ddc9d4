"""What it costs to lose nothing: one fleet, under each durability, and a table of the price.

Here: which durabilities there are, and the table. Not here: the fleet (`fleet.py`). A barrier on
`everysec` is not among them: the server that we bring answers it before the file is synced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.bench import fleet, in_memory, report
from tests.bench.plan import Plan, Told, make_sample
from tests.bench.report import COLLECTOR, REDIS, Measured


@dataclass(frozen=True)
class Durability:
    """How the server keeps its file, and whether the collector waits for it."""

    file: str
    is_strict: bool
    loses: str

    @property
    def settings(self) -> dict[str, str]:
        """What the server is told."""
        if self.file == "off":
            return {"appendonly": "no"}
        return {"appendfsync": self.file}

    @property
    def options(self) -> dict[str, tuple[str, ...]]:
        """What the collector is told."""
        return {"collect": ("--durability", "strict")} if self.is_strict else {}


ALL: Final = (
    Durability("off", is_strict=False, loses="everything"),
    Durability("everysec", is_strict=False, loses="the last 1 to 2 s"),
    Durability("always", is_strict=False, loses="nothing answered"),
    Durability("always", is_strict=True, loses="nothing answered"),
)


def tell(plan: Plan, folder: Path) -> Told:
    """Run the fleet under each durability on the same sample, and show the price of each.

    Raises:
        BenchFailed: a process failed.
    """
    sample, expected = make_sample(plan, folder), folder / "memory.txt"
    in_memory.measure(plan.config, sample, plan.lines, expected)
    workers = max(plan.workers)
    case = fleet.FleetCase(plan.config, sample, expected, plan.lines, workers, folder)
    several = _measure(case, plan.repeat)
    return Told(
        f"{plan.heading.replace('; AOF everysec', '')}; {workers} workers",
        [_table(several)],
        {
            "durabilities": [
                {"aof": one.file, "strict": one.is_strict, **report.as_mapping(measured)}
                for one, measured in zip(ALL, several, strict=True)
            ]
        },
        ["attempts/s depend on what else the machine and its disk do."],
        report.different(several),
    )


def _measure(case: fleet.FleetCase, repeat: int) -> list[Measured]:
    """Run the fleet under each durability.

    Raises:
        BenchFailed: a process failed.
    """
    several = []
    for one in ALL:
        asked = replace(case, server=one.settings, options=one.options)
        results = [fleet.measure(asked).measured for _ in range(repeat)]
        several.append(report.least(results))
    return several


def _table(several: Sequence[Measured]) -> str:
    """Show what each costs, and what a crash of the server's machine loses."""
    rows = [
        ["AOF", "barrier", "lost in a crash", "CPU µs an attempt", REDIS, COLLECTOR, "attempts/s"]
    ]
    for one, measured in zip(ALL, several, strict=True):
        figures = [measured.us_all, measured.us(REDIS), measured.us(COLLECTOR)]
        cells = [f"{figure:,.2f}" for figure in figures]
        barrier = "WAITAOF 1 0" if one.is_strict else "none"
        rows.append([one.file, barrier, one.loses, *cells, f"{measured.per_second:,.0f}"])
    return report.table(rows)
