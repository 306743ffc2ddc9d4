"""What each thing costs that one may want or not: the same run with one of them changed.

Here: which things there are, and the table. Not here: the fleet. Sealing cannot be switched off, so
its price is measured by itself: every batch and every reply of such a run is sealed and opened, as
producer, worker and collector do together, in this process.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from kernel.engine.keyring import FixedKeys
from kernel.engine.sealing import Seals
from tests.bench import durability, fleet, in_memory, report
from tests.bench.plan import Plan, Told, at_least_one, make_sample
from tests.bench.report import COLLECTOR, PRODUCER, REDIS, WORKERS, Measured
from tests.bench.standing import LINES_MAX, filled

LINES: Final = 200_000
AS_IT_IS: Final = "as it is (AOF everysec)"
SEALING: Final = "seals, by themselves"
ROUNDS: Final = 5
FLEET: Final = (PRODUCER, REDIS, WORKERS, COLLECTOR)


@dataclass(frozen=True)
class Choice:
    """One thing changed: what the server and the verbs are told."""

    name: str
    server: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Row(NamedTuple):
    """The same run, with one thing changed."""

    name: str
    measured: Measured


class Sealing(NamedTuple):
    """Sealing and opening all that a run seals, in µs of CPU an attempt."""

    lines: int
    batches: int
    batches_us: float
    replies: int
    replies_us: float

    @property
    def us(self) -> float:
        """Return both together."""
        return self.batches_us + self.replies_us


def choices(folder: Path) -> Iterator[Choice]:
    """Yield what may be changed; the first changes nothing."""
    yield Choice(AS_IT_IS)
    yield Choice("--reasons", options={"collect": ("--reasons", str(folder / "reasons.txt"))})
    trace = ("--trace", str(folder / "trace.jsonl"))
    yield Choice(
        "--trace, everybody", options=dict.fromkeys(("produce", "worker", "collect"), trace)
    )
    for one in durability.ALL:
        if one.file != "everysec":
            strict = ", --durability strict" if one.is_strict else ""
            yield Choice(f"AOF {one.file}{strict}", server=one.settings, options=one.options)


def tell(plan: Plan, folder: Path) -> Told:
    """Run the fleet once for each thing that may be changed."""
    sample, expected = make_sample(plan, folder), folder / "memory.txt"
    in_memory.measure(plan.config, sample, plan.lines, expected)
    workers = max(plan.workers)
    case = fleet.FleetCase(plan.config, sample, expected, plan.lines, workers, folder)
    rows = []
    for choice in choices(folder):
        if plan.wants(choice.name):
            asked = replace(case, server=choice.server, options=choice.options)
            several = [_measure(asked, folder) for _ in range(plan.repeat)]
            rows.append(Row(choice.name, report.least(several)))
    sealing = _sealing(plan, folder) if plan.wants(SEALING) else None
    at_least_one([*rows, *([sealing] if sealing else [])], plan.only)
    figures: dict[str, Any] = {
        "price": [{"changed": row.name, **report.as_mapping(row.measured)} for row in rows],
        "sealing": sealing and {**sealing._asdict(), "cpu_us_per_attempt": sealing.us},
    }
    wrong = [f"{row.name}: other answers" for row in rows if not row.measured.is_equal]
    said = [_sealing_sentence(sealing)] if sealing else []
    tables = [_table(rows)] if rows else []
    return Told(f"{plan.heading}; {workers} workers", tables, figures, said, wrong)


def _measure(case: fleet.FleetCase, folder: Path) -> Measured:
    """Run the fleet, with nothing left of what an earlier one wrote beside its output."""
    for name in ("reasons.txt", "trace.jsonl"):
        (folder / name).unlink(missing_ok=True)
    return fleet.measure(case).measured


def _sealing(plan: Plan, folder: Path) -> Sealing:
    """Take all that a run seals off a ledger, and seal and open it under a key of ours."""
    lines = min(plan.lines, LINES_MAX // 2)
    sample = make_sample(replace(plan, lines=lines), folder)
    with filled(fleet.FleetCase(plan.config, sample, sample, lines, 1, folder)) as (standing, _):
        batches = standing.batches()
        standing.decide()
        replies = standing.replies()
    return Sealing(
        lines=lines,
        batches=len(batches),
        batches_us=_us("batch", batches, lines),
        replies=len(replies),
        replies_us=_us("reply", replies, lines),
    )


def _us(kind: Literal["batch", "reply"], sealed: Sequence[bytes], lines: int) -> float:
    """Return the least µs of CPU an attempt of several rounds; only sizes matter to a seal."""
    seals = Seals(FixedKeys(bytes(range(32))), ledger="bench", incarnation="bench")
    spent = []
    for _ in range(ROUNDS):
        before_s = time.process_time()
        for body in sealed:
            seals.open(kind, seals.seal(kind, body))
        spent.append((time.process_time() - before_s) * 1e6 / lines)
    return min(spent)


def _table(rows: Sequence[Row]) -> str:
    head = ["changed", "CPU µs an attempt", f"more than {AS_IT_IS}", *FLEET, "attempts/s"]
    shown = [[*head, "same answers"]]
    plain = next((row.measured.us_all for row in rows if row.name == AS_IT_IS), None)
    for name, one in rows:
        more = report.NONE if plain is None or name == AS_IT_IS else f"{one.us_all - plain:+,.2f}"
        roles = [f"{one.us(role):,.2f}" for role in FLEET]
        figures = [f"{one.us_all:,.2f}", more, *roles, f"{one.per_second:,.0f}"]
        shown.append([name, *figures, report.yes_or_no(one.is_equal)])
    return report.table(shown)


def _sealing_sentence(sealing: Sealing) -> str:
    return (
        f"Sealing cannot be switched off. By itself, sealing and opening the {sealing.batches:,} "
        f"batches and {sealing.replies:,} replies of {sealing.lines:,} lines costs "
        f"{sealing.batches_us:.3f} + {sealing.replies_us:.3f} µs an attempt."
    )
