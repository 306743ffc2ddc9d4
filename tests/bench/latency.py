"""How long an answer takes at a fixed rate, how many RQ jobs that spends, and what idling costs.

Here: the fleet around the load generator, and the tables. Not here: the generator, which is a
process of its own (`open_loop.py`).
"""

from __future__ import annotations

import filecmp
import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.bench import in_memory, report
from tests.bench.fleet import LEDGER, Fleet, FleetCase, start_server
from tests.bench.meter import cpu_of, run_to_end
from tests.bench.plan import Plan, Told, at_least_one, make_sample
from tests.support.waiting import wait_until

#: Of the file under way: more than a fleet decides meanwhile.
LINES: Final = 1_000_000
ALONE, WITH_FILE = "alone", "a file under way"
IDLE: Final = "idle"
#: Where RQ names the living ones.
RQ_WORKERS: Final = "rq:workers"
#: Longer than a shift lingers.
IDLE_WITHIN_S: Final = 60.0


class Row(NamedTuple):
    """One rate, alone or beside a file."""

    rate: int
    beside: str
    figures: dict[str, Any]
    is_equal: bool


class Idle(NamedTuple):
    """Nothing to do for some seconds: shares of a core, in per cent."""

    seconds: float
    worker: float
    redis: float


def tell(plan: Plan, folder: Path) -> Told:
    """Take every rate, alone and beside a file, and let a fleet idle."""
    workers = max(plan.workers)
    expected = folder / "memory.txt"
    case = FleetCase(plan.config, folder / "sample.txt", expected, plan.lines, workers, folder)
    rows = list(_rows(plan, case))
    idle = _idle(case, 2 * plan.seconds) if plan.wants(IDLE) else None
    at_least_one([*rows, *([idle] if idle else [])], plan.only)
    tables, figures = (
        [],
        [
            {"rate": row.rate, "beside": row.beside, "same_answers": row.is_equal, **row.figures}
            for row in rows
        ],
    )
    if rows:
        tables.append(_table(rows))
    if idle:
        tables.append(_idle_table(idle))
    head = (
        f"open loop for {plan.seconds:g} s, latency from the planned time; {workers} workers; "
        f"AOF everysec; {plan.machine}"
    )
    return Told(
        head,
        tables,
        {"latency": figures, "idle": idle and idle._asdict()},
        [
            f"{row.rate:,}/s: the file was done before the load; give more --lines."
            for row in rows
            if row.figures["file"] == "ended first"
        ],
        [f"{row.rate:,}/s, {row.beside}: other answers" for row in rows if not row.is_equal],
    )


def _rows(plan: Plan, case: FleetCase) -> Iterator[Row]:
    for beside in (ALONE, WITH_FILE):
        wanted = [rate for rate in plan.rates if plan.wants(f"{rate}/s, {beside}")]
        if wanted and beside == WITH_FILE:
            make_sample(plan, case.folder)
            in_memory.measure(case.config, case.sample, case.lines, case.expected)
        for rate in wanted:
            yield _measure(case, rate, plan.seconds, beside)


def _measure(case: FleetCase, rate: int, seconds: float, beside: str) -> Row:
    """Put a load on a fleet of its own."""
    with ExitStack() as stack:
        server, client = start_server(stack, case.server)
        fleet = Fleet(case, server, client, stack)
        fleet.make_ledger()
        workers = fleet.start_workers()
        writing = [fleet.start_collector()] if beside == WITH_FILE else []
        for started in (*workers, *writing):
            started.wait_ready()
        jobs_before = jobs_of(client)
        reading = [fleet.start_producer()] if beside == WITH_FILE else []
        for started in reading:
            started.wait_ready()
        before_s = [cpu_of(server.pid), *(worker.used_s() for worker in workers)]
        load = (server.url, LEDGER, str(rate), str(seconds), str(case.folder))
        ended = run_to_end(sys.executable, "-m", "tests.bench.open_loop", *load)
        after_s = [cpu_of(server.pid), *(worker.used_s() for worker in workers)]
        figures = json.loads(ended.said)
        has_ended = any(started.has_ended for started in writing)
        for started in (*writing, *reading):
            started.wait_end()
        figures["rq_jobs"] = _jobs_at_rest(client, case.workers) - jobs_before
        is_equal = _is_equal(case) and (not writing or fleet.is_equal())
    redis_s, *workers_s = (after - before for before, after in zip(before_s, after_s, strict=True))
    figures |= {"redis_cpu_s": redis_s, "workers_cpu_s": sum(workers_s)}
    figures["file"] = ("ended first" if has_ended else "all through") if writing else report.NONE
    return Row(rate, beside, figures, is_equal)


def _is_equal(case: FleetCase) -> bool:
    """Decide what was asked in memory, in the order that the ledger gave it, and compare."""
    asked, expected = case.folder / "asked.txt", case.folder / "asked-memory.txt"
    in_memory.measure(case.config, asked, case.lines, expected)
    return filecmp.cmp(case.folder / "answered.txt", expected, shallow=False)


def jobs_of(client: Any) -> int:  # noqa: ANN401 - a client, untyped
    """Return how many RQ jobs the living workers have done, as RQ counts them."""
    records = [client.hgetall(key) for key in client.smembers(RQ_WORKERS)]
    return sum(
        int(record.get(name, 0))
        for record in records
        for name in (b"successful_job_count", b"failed_job_count")
    )


def _jobs_at_rest(client: Any, workers: int) -> int:  # noqa: ANN401 - a client, untyped
    """Return the same once nobody is at a job: RQ counts a job when it is over."""

    def are_idle() -> bool:
        states = [client.hget(key, "state") for key in client.smembers(RQ_WORKERS)]
        return states == [b"idle"] * workers

    wait_until(are_idle, within_s=IDLE_WITHIN_S, what="the workers to idle")
    return jobs_of(client)


def _idle(case: FleetCase, seconds: float) -> Idle:
    """Let a fleet do nothing."""
    with ExitStack() as stack:
        server, client = start_server(stack, case.server)
        fleet = Fleet(case, server, client, stack)
        fleet.make_ledger()
        workers = fleet.start_workers()
        for worker in workers:
            worker.wait_ready()
        _jobs_at_rest(client, case.workers)
        before_s, redis_before_s = [worker.used_s() for worker in workers], cpu_of(server.pid)
        began = time.perf_counter()
        time.sleep(seconds)
        used_s = [worker.used_s() - one for worker, one in zip(workers, before_s, strict=True)]
        redis_s, lasted_s = cpu_of(server.pid) - redis_before_s, time.perf_counter() - began
    worker_share = sum(used_s) / len(used_s) / lasted_s
    return Idle(lasted_s, 100 * worker_share, 100 * redis_s / lasted_s)


def _table(rows: list[Row]) -> str:
    head = ["attempts/s", "beside", "p50 ms", "p99 ms", "max ms", "sent late, p99 ms", "RQ jobs"]
    shown = [[*head, "CPU µs an attempt: client", "Redis", "workers", "file", "same answers"]]
    for row in rows:
        found, many = row.figures, row.figures["attempts"]
        times = [f"{found[name]:,.2f}" for name in ("p50_ms", "p99_ms", "max_ms", "late_p99_ms")]
        # Beside a file, server and workers have other things to do than these attempts.
        shared = [f"{found[name] * 1e6 / many:,.0f}" for name in ("redis_cpu_s", "workers_cpu_s")]
        if row.beside == WITH_FILE:
            shared = [report.NONE, report.NONE]
        cells = [f"{found['rq_jobs']:,}", f"{found['cpu_s'] * 1e6 / many:,.0f}", *shared]
        is_equal = report.yes_or_no(row.is_equal)
        shown.append([f"{row.rate:,}", row.beside, *times, *cells, found["file"], is_equal])
    return report.table(shown)


def _idle_table(idle: Idle) -> str:
    head = ["nothing to do", "a worker, % of a core", "Redis, % of a core"]
    row = [f"for {idle.seconds:.1f} s", f"{idle.worker:.2f}", f"{idle.redis:.2f}"]
    return report.table([head, row])
