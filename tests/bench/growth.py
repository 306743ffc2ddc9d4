"""Growth: what an attempt costs by lines, customers, partitions and workers, and what it leaves.

Here: which sizes there are, and the tables. Not here: the fleet, the bytes in Redis
(`standing.py`), the picture (`plot.py`). One size is varied at a time; the memory profile is run on
each input, for its answers and its own figures.
"""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from producer.sample import default_customers
from tests.bench import fleet, in_memory, report
from tests.bench.meter import Ended, run_verb
from tests.bench.plan import Plan, Told, at_least_one, config_with
from tests.bench.plot import plot
from tests.bench.report import ALONE, COLLECTOR, PRODUCER, REDIS, WORKERS, Measured
from tests.bench.standing import LINES_MAX, Stored, measure_stored

LINES: Final = 1_000_000
#: Times the lines: a tenth and all of them, and with `--largest` five times as many.
SMALLER, LARGEST = 10, 5
CUSTOMERS_LESS: Final = (1_000, 100, 10, 1)
PARTITIONS: Final = 16
OTHER_PARTITIONS: Final = (1, 64)
START_LINES: Final = 1_000
FLEET: Final = (PRODUCER, REDIS, WORKERS, COLLECTOR)


class Size(NamedTuple):
    """One input, and the fleets that decide it."""

    varied: str
    lines: int
    #: None: as many as the sample has by itself.
    customers: int | None
    #: Partitions and workers.
    fleets: tuple[tuple[int, int], ...]


class Row(NamedTuple):
    """One size, decided by one fleet; by none, in memory."""

    varied: str
    lines: int
    customers: int
    partitions: int
    workers: int
    measured: Measured

    @property
    def size(self) -> dict[str, Any]:
        """Return all but the figures."""
        return {name: value for name, value in self._asdict().items() if name != "measured"}


class Start(NamedTuple):
    """A short input from the command to its end: wall seconds, CPU of all its processes."""

    form: str
    ended: Ended
    is_equal: bool


def tell(plan: Plan, folder: Path) -> Told:
    """Take every size, look at the bytes, start from nothing; and draw what was found."""
    rows = [row for size in _sizes(plan) for row in _decided(plan, size, folder)]
    stored = _stored(plan, folder) if plan.wants("stored") else None
    starts = list(_starts(plan, folder)) if plan.wants("start") else []
    at_least_one([*rows, *starts, *([stored] if stored else [])], plan.only)
    figures: dict[str, Any] = {
        "growth": [{**row.size, **report.as_mapping(row.measured)} for row in rows],
        "stored": stored and stored._asdict(),
        "start": [
            {"form": one.form, "wall_s": one.ended.seconds, "cpu_s": one.ended.cpu_s}
            for one in starts
        ],
    }
    if plan.plot is not None:
        plan.plot.write_text(plot(figures["growth"]), "utf-8")
    tables = [_table(rows)] if rows else []
    tables += [_stored_table(stored)] if stored else []
    tables += [_start_table(starts)] if starts else []
    wrong = [
        f"{row.lines} lines, {row.customers} customers, {row.partitions} partitions, "
        f"{row.workers} workers: other answers"
        for row in rows
        if not row.measured.is_equal
    ]
    wrong += [f"{one.form}: other answers" for one in starts if not one.is_equal]
    return Told(f"sample lines; AOF everysec; {plan.machine}", tables, figures, wrong=wrong)


def _sizes(plan: Plan) -> Iterator[Size]:
    """Yield the sizes that are asked for."""
    lines, many = plan.lines, max(plan.workers)
    fleets = tuple((PARTITIONS, workers) for workers in plan.workers)
    small = max(1, lines // SMALLER)
    others = tuple((partitions, many) for partitions in OTHER_PARTITIONS)
    sizes = [Size("lines", one, None, fleets) for one in (small, lines)]
    sizes += [Size("lines", lines * LARGEST, None, fleets)] * plan.is_largest
    sizes += [Size("partitions", small, None, others)]
    for less in CUSTOMERS_LESS:
        sizes.append(Size("customers", lines, max(1, lines // less), ((PARTITIONS, many),)))
    return (size for size in sizes if plan.wants(f"{size.varied} {size.lines}"))


def _write_sample(plan: Plan, lines: int, customers: int | None, path: Path) -> int:
    """Write a sample, and return how many customers it has."""
    many = customers or default_customers(lines, plan.per_day)
    size = ("--lines", str(lines), "--customers", str(many), "--per-day", str(plan.per_day))
    run_verb("sample", *size, "--output", str(path), "--force")
    return many


def _decided(plan: Plan, size: Size, folder: Path) -> Iterator[Row]:
    sample, expected = folder / "sample.txt", folder / "memory.txt"
    customers = _write_sample(plan, size.lines, size.customers, sample)
    memory = in_memory.measure(plan.config, sample, size.lines, expected)
    yield Row(size.varied, size.lines, customers, 0, 0, memory)
    for partitions, workers in size.fleets:
        config = config_with(plan.config, folder, partitions=partitions)
        case = fleet.FleetCase(config, sample, expected, size.lines, workers, folder)
        several = [fleet.measure(case).measured for _ in range(plan.repeat)]
        least = report.least(several)
        yield Row(size.varied, size.lines, customers, partitions, workers, least)


def _stored(plan: Plan, folder: Path) -> Stored:
    lines = min(max(1, plan.lines // SMALLER), LINES_MAX // 2)
    sample = folder / "sample.txt"
    _write_sample(plan, lines, None, sample)
    return measure_stored(fleet.FleetCase(plan.config, sample, sample, lines, 1, folder))


def _starts(plan: Plan, folder: Path) -> Iterator[Start]:
    """Run `fundload run` on a short input: with a server of its own, and in memory."""
    sample, expected = folder / "short.txt", folder / "short-memory.txt"
    _write_sample(plan, START_LINES, None, sample)
    files = ("run", "--config", str(plan.config), "--input", str(sample), "--force")
    forms = {"--profile memory": (("--profile", "memory"), expected)}
    for workers in plan.workers:
        words = ("--workers", str(workers))
        forms[" ".join(words)] = (words, folder / f"short-{workers}.txt")
    for form, (words, output) in forms.items():
        ends = [run_verb(*files, *words, "--output", str(output)) for _ in range(plan.repeat)]
        least = min(ends, key=lambda ended: ended.cpu_s)
        yield Start(form, least, filecmp.cmp(output, expected, shallow=False))


def _table(rows: Sequence[Row]) -> str:
    head = ["varied", "lines", "customers", "partitions", "workers", "CPU µs an attempt", *FLEET]
    peaks = [f"peak MB: {FLEET[0]}", *FLEET[1:]]
    shown = [[*head, *peaks, "attempts/s", "same answers"]]
    for row in rows:
        one = row.measured
        sizes = [f"{n:,}" if n else "memory" for n in row[1:5]]
        roles = [f"{one.us(role):,.2f}" if role in one.roles else report.NONE for role in FLEET]
        mb = [f"{one.peak_mb(role):,.0f}" if role in one.roles else report.NONE for role in FLEET]
        if ALONE in one.roles:
            mb[0] = f"{one.peak_mb(ALONE):,.0f}"
        figures = [f"{one.us_all:,.2f}", *roles, *mb, f"{one.per_second:,.0f}"]
        shown.append([row.varied, *sizes, *figures, report.yes_or_no(one.is_equal)])
    return report.table(shown)


def _stored_table(stored: Stored) -> str:
    rows = [["bytes in Redis", "each", "how many"]]
    for name, many, total in (
        ("id, in the registry", stored.ids, stored.ids_bytes),
        ("queued attempt, in the logs", stored.queued, stored.queued_bytes),
        ("customer-week, in the windows", stored.customer_weeks, stored.windows_bytes),
        (
            "attempt, all of the server, before it is decided",
            stored.queued,
            stored.all_bytes_queued,
        ),
        (
            "attempt, all of the server, decided, not collected",
            stored.queued,
            stored.all_bytes_decided,
        ),
    ):
        rows.append([name, f"{total / max(1, many):,.1f}", f"{many:,}"])
    return report.table(rows)


def _start_table(starts: Sequence[Start]) -> str:
    rows = [[f"`fundload run`, {START_LINES:,} lines", "wall s", "CPU s", "same answers"]]
    for one in starts:
        figures = [f"{one.ended.seconds:.2f}", f"{one.ended.cpu_s:.2f}"]
        rows.append([f"`{one.form}`", *figures, report.yes_or_no(one.is_equal)])
    return report.table(rows)
