"""`python -m tests.bench`: take one table's figures, print it, fail on a wrong answer.

Here: the options, and which table each of them asks for. Not here: how a figure is taken; each
table has a module of its own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from producer.sample import PER_DAY
from tests.bench import durability, forms, growth, latency, price, shapes
from tests.bench.meter import ROOT, BenchFailed, check_platform
from tests.bench.plan import LINES, Plan, Told

RQ_LINES: Final = 1_000


class Table(NamedTuple):
    """One table: who takes its figures, on how many lines, and what the option says of it."""

    tell: Callable[[Plan, Path], Told]
    lines: int
    help: str


#: Name of the option -> the table. `forms` is what is run without any.
TABLES: Final = {
    "forms": Table(forms.tell, LINES, "Fleet, memory profile, forms by hand; the default."),
    "memory": Table(forms.tell_memory, 1_000_000, "Hold memory to its bound; no forms by hand."),
    "durability": Table(durability.tell, LINES, "What losing nothing costs."),
    "price": Table(price.tell, price.LINES, "What reasons, traces, files and seals cost."),
    "shapes": Table(shapes.tell, shapes.LINES, "Extreme inputs: is there a cliff?"),
    "growth": Table(growth.tell, growth.LINES, "By lines, customers, partitions, workers; bytes."),
    "latency": Table(latency.tell, latency.LINES, "Open loop by the client, beside a file too."),
}


def _counts(_ctx: click.Context, _param: click.Parameter, text: str) -> tuple[int, ...]:
    """Read `1,2`."""
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = ()
    if not counts or min(counts) < 1:
        raise click.BadParameter("whole numbers from 1 on, as in 1,2")
    return counts


def _choices(command: Callable[..., None]) -> Callable[..., None]:
    """Give each table its option."""
    for name, table in reversed(TABLES.items()):
        said = f"{table.help}  [{table.lines:,} lines]"
        command = click.option(f"--{name}", "name", flag_value=name, help=said)(command)
    return command


@click.command(epilog="Example: python -m tests.bench --lines 50000 --workers 2 --profile")
@_choices
@click.option("--lines", type=click.IntRange(min=1), help="Lines of the input.")
@click.option("--per-day", type=click.IntRange(min=1), default=PER_DAY, show_default=True)
@click.option("--workers", default="1,2", show_default=True, callback=_counts)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=ROOT / "configs" / "experiment.yaml",
    show_default="configs/experiment.yaml",
)
@click.option("--repeat", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--rq-lines",
    type=click.IntRange(min=0),
    default=RQ_LINES,
    show_default=True,
    help="forms: lines for one RQ job each, and from 1/5 to 20 times as many for the other forms "
    "written by hand; 0 leaves them out.",
)
@click.option("--profile", "is_commanded", is_flag=True, help="forms: the server's commands too.")
@click.option(
    "--cprofile",
    "profiled",
    type=click.Choice(["producer", "worker", "collector"]),
    help="forms: leave ROLE.pstats here; the figures are spoilt by it.",
)
@click.option("--only", default="", help="Only the rows whose name contains this text.")
@click.option(
    "--take",
    "takes",
    type=click.Choice(["share", "all", "one"]),
    multiple=True,
    default=("share", "all"),
    show_default=True,
    help="shapes: how workers take partitions.",
)
@click.option(
    "--rates",
    default="100,1000,5000",
    show_default=True,
    callback=_counts,
    help="latency: attempts a second.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="latency: how long each load lasts; twice as long a fleet idles.",
)
@click.option("--largest", "is_largest", is_flag=True, help="growth: five times the lines, too.")
@click.option("--plot", type=click.Path(path_type=Path), help="growth: draw it there, as SVG.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures there.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the tables there.")
def main(
    *,
    name: str | None,
    lines: int | None,
    json_path: Path | None,
    markdown: Path | None,
    **asked: Any,  # noqa: ANN401 - fields of Plan, checked by click
) -> None:
    """Measure what an attempt costs: fleet, memory profile, and the forms people write by hand.

    CPU time and its ratios are the figures; attempts/s depend on what else the machine does. Exit
    code 1 means that a form gave other answers, or that memory exceeded its bound.
    """
    table = TABLES[name or "forms"]
    plan = Plan(lines=lines or table.lines, **asked)
    try:
        check_platform()
        with tempfile.TemporaryDirectory(prefix="fl-") as folder:
            told = table.tell(plan, Path(folder))
    except BenchFailed as failure:
        sys.exit(f"bench: {failure}")
    print(told.text)
    if markdown is not None:
        markdown.write_text(told.markdown, "utf-8")
    if json_path is not None:
        figures = {"sample": told.heading, **told.figures, "said": list(told.said)}
        json_path.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if told.wrong:
        sys.exit("bench: " + "; ".join(told.wrong))


if __name__ == "__main__":
    main()
