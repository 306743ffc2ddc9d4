"""`python -m tests.bench`: run all forms on one sample, print the tables, fail on a wrong answer.

Here: options, and which forms run on what. Not here: how a form is run and what its figures mean.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click

from producer.sample import PER_DAY, default_customers
from tests.bench import durability as price
from tests.bench import fleet, in_memory, report, rq_form, streams_form
from tests.bench.meter import ROOT, BenchFailed, check_platform, run_verb
from tests.bench.report import Measured

LINES = 200_000
#: Enough to see memory grow, if it grew.
MEMORY_LINES = 1_000_000
RQ_LINES = 1_000
#: The forms written by hand get lines by what each costs, so that all take a few seconds.
FORKS_LESS = 5
STREAMS_MORE = 5
PIPELINED_MORE = 20
COMMANDS_SHOWN = 12


@dataclass(frozen=True)
class Plan:
    """What was asked for."""

    lines: int
    per_day: int
    workers: tuple[int, ...]
    config: Path
    rq_lines: int
    repeat: int
    profiled: str | None

    @property
    def heading(self) -> str:
        """Name the input and the machine: figures of others are not to be compared."""
        customers = default_customers(self.lines, self.per_day)
        return (
            f"{self.lines:,} sample lines, {self.per_day:,} attempts a day, {customers:,} "
            f"customers; {self.config.name}; Python {platform.python_version()}, "
            f"{platform.machine()}, AOF everysec; least CPU of {self.repeat} run(s)"
        )


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


def make_sample(plan: Plan, folder: Path) -> Path:
    """Write the sample that all forms decide."""
    sample = folder / "sample.txt"
    size = ("--lines", str(plan.lines), "--per-day", str(plan.per_day))
    run_verb("sample", *size, "--output", str(sample))
    return sample


def measure(plan: Plan, folder: Path) -> Results:
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
    others = _others(plan, sample, folder) if plan.rq_lines else []
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


def commands_table(commands: list[tuple[str, int, int]]) -> str:
    """Show what the server spent its time on; a script's commands count in the script as well."""
    lines = [f"{'command':<24}{'calls':>10}{'µs':>12}{'µs a call':>12}"]
    for name, calls, usec in commands[:COMMANDS_SHOWN]:
        lines.append(f"{name:<24}{calls:>10,}{usec:>12,}{usec / calls:>12.1f}")
    return "\n".join(lines)


def write_json(path: Path, plan: Plan, results: Results) -> None:
    """Write the figures for a program to read."""
    told = {"sample": plan.heading, "forms": [report.as_mapping(one) for one in results.all]}
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")


def show(plan: Plan, results: Results, *, commands: bool, markdown: Path | None) -> None:
    """Print the tables and what they come to."""
    said = report.verdicts(results.fleets, results.memory, results.others)
    text = "\n\n".join((plan.heading, report.tables(results.all), "\n".join(said)))
    print(text)
    if commands:
        print(f"\n{commands_table(results.commands)}")
    if markdown is not None:
        markdown.write_text(text.replace("\n".join(said), "\n".join(f"- {s}" for s in said)) + "\n")


def show_durability(plan: Plan, folder: Path, markdown: Path | None) -> None:
    """Run the fleet under each durability on the same sample, and print the price of each.

    Raises:
        BenchFailed: a process failed, or gave other answers.
    """
    sample, expected = make_sample(plan, folder), folder / "memory.txt"
    in_memory.measure(plan.config, sample, plan.lines, expected)
    workers = max(plan.workers)
    case = fleet.FleetCase(plan.config, sample, expected, plan.lines, workers, folder)
    several = price.measure(case, plan.repeat)
    if not all(one.is_equal for one in several):
        raise BenchFailed("other answers under another durability")
    text = f"{plan.heading.replace(', AOF everysec', '')}; {workers} workers\n\n"
    text += price.table(several)
    text += "\n\nattempts/s depend on what else the machine and its disk do."
    print(text)
    if markdown is not None:
        markdown.write_text(text + "\n", "utf-8")


def worker_counts(_ctx: click.Context, _param: click.Parameter, text: str) -> tuple[int, ...]:
    """Read `1,2`."""
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = ()
    if not counts or min(counts) < 1:
        raise click.BadParameter("counts of workers, as in 1,2")
    return counts


@click.command(epilog="Example: python -m tests.bench --lines 50000 --workers 2 --profile")
@click.option("--lines", type=click.IntRange(min=1), help=f"Sample lines.  [default: {LINES}]")
@click.option("--per-day", type=click.IntRange(min=1), default=PER_DAY, show_default=True)
@click.option("--workers", default="1,2", show_default=True, callback=worker_counts)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=ROOT / "configs" / "experiment.yaml",
    show_default="configs/experiment.yaml",
)
@click.option(
    "--rq-lines",
    type=click.IntRange(min=0),
    default=RQ_LINES,
    show_default=True,
    help="Lines for one RQ job each, and from 1/5 to 20 times as many for the other forms written "
    "by hand; 0 leaves them out.",
)
@click.option("--repeat", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--memory", is_flag=True, help="Hold memory to its bound: 1,000,000 lines, no RQ.")
@click.option("--durability", is_flag=True, help="Show what losing nothing costs, and no RQ.")
@click.option("--profile", is_flag=True, help="Show the server's dearest commands as well.")
@click.option(
    "--cprofile",
    "profiled",
    type=click.Choice(["producer", "worker", "collector"]),
    help="Leave ROLE.pstats here; the figures are spoilt by it.",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures there.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the tables there.")
def main(
    *,
    lines: int | None,
    rq_lines: int,
    memory: bool,
    durability: bool,
    profile: bool,
    json_path: Path | None,
    markdown: Path | None,
    **asked: Any,  # noqa: ANN401 - fields of Plan, checked by click
) -> None:
    """Measure what an attempt costs: fleet, memory profile, and the forms people write by hand.

    CPU time and its ratios are the figures; attempts/s depend on what else the machine does. Exit
    code 1 means that a form gave other answers, or that memory exceeded its bound.
    """
    many = lines or (MEMORY_LINES if memory else LINES)
    plan = Plan(lines=many, rq_lines=0 if memory else rq_lines, **asked)
    try:
        check_platform()
        with tempfile.TemporaryDirectory(prefix="fl-") as folder:
            if durability:
                show_durability(plan, Path(folder), markdown)
                return
            results = measure(plan, Path(folder))
    except BenchFailed as failure:
        sys.exit(f"bench: {failure}")
    show(plan, results, commands=profile, markdown=markdown)
    if json_path is not None:
        write_json(json_path, plan, results)
    wrong = [f"{one.form}: other answers" for one in results.all if not one.is_equal]
    if memory:
        wrong += [said for one in results.fleets for said in report.too_large(one)]
    if wrong:
        sys.exit("bench: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
