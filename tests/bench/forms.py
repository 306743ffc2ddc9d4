"""The main table: the fleet, the memory profile and the forms people write by hand, on one sample.

Here: which forms run on what. Not here: how a form is run and what its figures mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from tests.bench import fleet, in_memory, report, rq_form, streams_form
from tests.bench.plan import Plan, Told, make_sample
from tests.bench.report import Measured

#: The forms written by hand get lines by what each costs, so that all take a few seconds.
FORKS_LESS: Final = 5
STREAMS_MORE: Final = 5
PIPELINED_MORE: Final = 20
COMMANDS_SHOWN: Final = 12


@dataclass(frozen=True)
class Results:
    """What came of it."""

    memory: Measured
    fleets: list[Measured]
    #: The forms that people write by hand, on fewer lines: RQ jobs first, then consumer groups.
    others: list[Measured]
    commands: list[tuple[str, int, int]]

    @property
    def all(self) -> list[Measured]:
        """Every form that was measured."""
        return [*self.fleets, self.memory, *self.others]


def tell(plan: Plan, folder: Path) -> Told:
    """Run all forms, and compare them."""
    return _told(plan, _measure(plan, folder))


def tell_memory(plan: Plan, folder: Path) -> Told:
    """Run the fleet, and hold the memory of who reads and who writes to its bound."""
    results = _measure(plan, folder, by_hand=False)
    return _told(plan, results, [said for one in results.fleets for said in report.too_large(one)])


def _told(plan: Plan, results: Results, too_large: list[str] | None = None) -> Told:
    tables = [report.tables(results.all)]
    if plan.is_commanded:
        tables.append(_commands_table(results.commands))
    return Told(
        plan.heading,
        tables,
        {"forms": [report.as_mapping(one) for one in results.all]},
        report.verdicts(results.fleets, results.memory, results.others),
        [*report.different(results.all), *(too_large or ())],
    )


def _measure(plan: Plan, folder: Path, *, by_hand: bool = True) -> Results:
    """Make the sample and run all forms on it."""
    sample, expected = make_sample(plan, folder), folder / "memory.txt"
    memory = report.least(
        [in_memory.measure(plan.config, sample, plan.lines, expected) for _ in range(plan.repeat)]
    )
    fleets = []
    commands: list[tuple[str, int, int]] = []
    for workers in plan.workers:
        case = fleet.FleetCase(
            plan.config, sample, expected, plan.lines, workers, folder, plan.profiled
        )
        results = [fleet.measure(case) for _ in range(plan.repeat)]
        fleets.append(report.least([result.measured for result in results]))
        commands = results[-1].commands
    others = _others(plan, sample, folder) if by_hand and plan.rq_lines else []
    return Results(memory, fleets, others, commands)


def _others(plan: Plan, sample: Path, folder: Path) -> list[Measured]:
    """Run the forms written by hand, each on as many of the sample's first lines as it can bear."""

    def first(lines: int) -> tuple[Path, Path, int, Path]:
        lines = min(lines, plan.lines)
        short, expected = folder / f"first-{lines}.txt", folder / f"first-{lines}-memory.txt"
        if not expected.exists():
            with sample.open("rb") as whole:
                short.write_bytes(b"".join(islice(whole, lines)))
            in_memory.measure(plan.config, short, lines, expected)
        return plan.config, short, lines, expected

    many = plan.rq_lines
    return [
        rq_form.measure(*first(many)),
        rq_form.measure(*first(max(1, many // FORKS_LESS)), forking=True),
        streams_form.measure(*first(many * STREAMS_MORE), many=1),
        streams_form.measure(*first(many * PIPELINED_MORE), many=streams_form.PIPELINED),
    ]


def _commands_table(commands: list[tuple[str, int, int]]) -> str:
    """Show what the server spent its time on; a script's commands count in the script as well."""
    rows = [["command", "calls", "µs", "µs a call"]]
    for name, calls, usec in commands[:COMMANDS_SHOWN]:
        rows.append([name, f"{calls:,}", f"{usec:,}", f"{usec / calls:,.1f}"])
    return report.table(rows)
