"""No cliff: the fleet on inputs of extreme shapes, by workers and by how they take partitions.

Here: which rows there are, and the table. Not here: the inputs (`inputs.py`) and the fleet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench import fleet, in_memory, report
from tests.bench.inputs import SHAPES, write_input
from tests.bench.plan import Plan, Told, at_least_one, config_with
from tests.bench.report import COLLECTOR, PRODUCER, REDIS, WORKERS, Measured

LINES: Final = 50_000
FLEET: Final = (PRODUCER, REDIS, WORKERS, COLLECTOR)


class Row(NamedTuple):
    """One shape, decided once."""

    shape: str
    #: How workers take partitions; empty in memory, where there is nobody to share with.
    take: str
    workers: int
    measured: Measured


def tell(plan: Plan, folder: Path) -> Told:
    """Run every shape in memory, and on the fleet in each way."""
    rows = at_least_one(list(_rows(plan, folder)), plan.only)
    head = f"{plan.lines:,} lines of each shape; AOF everysec; {plan.machine}"
    figures = [
        {
            "shape": row.shape,
            "take": row.take,
            "workers": row.workers,
            **report.as_mapping(row.measured),
        }
        for row in rows
    ]
    wrong = [
        f"{row.shape}, {row.take}, {row.workers}: other answers"
        for row in rows
        if not row.measured.is_equal
    ]
    return Told(head, [_table(rows)], {"shapes": figures}, _cliffs(rows), wrong)


def _rows(plan: Plan, folder: Path) -> Iterator[Row]:
    configs = {take: config_with(plan.config, folder, take=take) for take in plan.takes}
    for shape in SHAPES:
        if not plan.wants(shape.name):
            continue
        source, expected = folder / "shape.txt", folder / "memory.txt"
        write_input(shape, plan.lines, source)
        memory = in_memory.measure(plan.config, source, plan.lines, expected)
        yield Row(shape.name, "", 0, memory)
        for take, config in configs.items():
            for workers in plan.workers:
                case = fleet.FleetCase(config, source, expected, plan.lines, workers, folder)
                several = [fleet.measure(case).measured for _ in range(plan.repeat)]
                yield Row(shape.name, take, workers, report.least(several))


def _table(rows: Sequence[Row]) -> str:
    head = ["shape", "take", "workers", "attempts/s", "CPU µs an attempt", *FLEET]
    shown = [[*head, "turns", "parks", "same answers"]]
    for row in rows:
        one = row.measured
        roles = [f"{one.us(role):,.2f}" if role in one.roles else report.NONE for role in FLEET]
        counts = [
            f"{one.counts[name]:,}" if one.counts else report.NONE for name in ("turns", "parks")
        ]
        who = [row.take or "memory", str(row.workers or report.NONE)]
        speed = [f"{one.per_second:,.0f}", f"{one.us_all:,.2f}"]
        shown.append([row.shape, *who, *speed, *roles, *counts, report.yes_or_no(one.is_equal)])
    return report.table(shown)


def _cliffs(rows: Sequence[Row]) -> list[str]:
    """Say of each way of sharing where it costs most, beside the plain input."""
    said = []
    for take, workers in dict.fromkeys((row.take, row.workers) for row in rows if row.take):
        several = {
            row.shape: row.measured for row in rows if (row.take, row.workers) == (take, workers)
        }
        plain = several.get(SHAPES[0].name)
        if plain is not None and len(several) > 1:
            name, dearest = max(several.items(), key=lambda item: item[1].us_all)
            times, slower = report.ratio(dearest, plain), plain.per_second / dearest.per_second
            said.append(
                f"{take}, {workers} worker(s): {name} costs most, {times:.1f} times the CPU of the "
                f"plain input and {slower:.1f} times its time."
            )
    return said
