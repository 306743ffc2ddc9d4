"""The fleet: a server of its own, and the processes that a user starts, by the same commands.

Here: starting them in order, the moments between which is measured, and what the ledger counted.
Not here: the clocks (`meter.py`).

1. The ledger is made by feeding an empty input, so that all may be ready before the first line.
2. The producer starts last. When it says that it is ready, all marks are set: there begins the work
   of all. It ends when the collector has, which is when the output has its name.
3. The server keeps an append-only file (everysec) and knows the one setting that we recommend.
"""

from __future__ import annotations

import filecmp
import re
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import redis

from kernel.adapters.redis.ledger import find
from kernel.adapters.redis.status import read_ledger
from kernel.ledger.scenario import EGRESS, GRAPH, INGRESS, LIMITS
from kernel.runtime.bundle import Bundle
from tests.bench.meter import BenchFailed, Started, Usage, cpu_of, peak_of, run_verb
from tests.bench.report import COLLECTOR, PRODUCER, REDIS, TRIPS, WORKERS, Measured
from tests.support.server import Server

LEDGER: Final = "bench"
RUN: Final = "sample"
#: `deploy/redis.conf` says why.
SERVER_SETTINGS: Final = {"hash-max-listpack-entries": "16"}


@dataclass(frozen=True)
class FleetCase:
    """What to run: rules and sizes, input, how many workers, and whom to profile."""

    config: Path
    sample: Path
    expected: Path
    lines: int
    workers: int
    folder: Path
    #: `producer`, `worker` or `collector`; leaves `<role>.pstats` there and spoils the figures.
    profiled: str | None = None
    profiles: Path = Path()
    #: What the server is told beside `SERVER_SETTINGS`, and a verb beside what it needs.
    server: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class FleetResult:
    """The figures, and the server's own counts of commands while they were measured."""

    measured: Measured
    commands: list[tuple[str, int, int]]


def start_server(
    stack: ExitStack, settings: Mapping[str, str] | None = None
) -> tuple[Server, redis.Redis]:
    """Start a server that ends with the stack."""
    server = stack.enter_context(Server())
    client = server.client()
    stack.callback(client.close)
    for name, value in {**SERVER_SETTINGS, **(settings or {})}.items():
        client.config_set(name, value)
    return server, client


def measure(case: FleetCase) -> FleetResult:
    """Decide the sample on a fleet of its own.

    Raises:
        BenchFailed: a process failed.
    """
    with ExitStack() as stack:
        server, client = start_server(stack, case.server)
        return Fleet(case, server, client, stack).run()


class Fleet:
    """One fleet from its first process to its last."""

    def __init__(
        self, case: FleetCase, server: Server, client: redis.Redis, stack: ExitStack
    ) -> None:
        self._case = case
        self._server = server
        self._client: Any = client
        self._stack = stack
        self._output = case.folder / "fleet.txt"
        self._place = ("--redis-url", server.url, "--ledger", LEDGER)
        self._written = ("--run", RUN, "--output", str(self._output), "--force")

    def run(self) -> FleetResult:
        """Start all, wait for the output, stop all, and read what there is to read."""
        self.make_ledger()
        workers, collector = self.start_workers(), self.start_collector()
        for started in (*workers, collector):
            started.wait_ready()
        self._client.config_resetstat()
        producer = self.start_producer()
        producer.wait_ready()
        began, server_began_s = time.perf_counter(), cpu_of(self._server.pid)
        for started in (*workers, collector, producer):
            started.mark_ready()
        collector.wait_end()
        seconds = time.perf_counter() - began
        server_s = cpu_of(self._server.pid) - server_began_s
        used = [worker.used_s() for worker in workers]
        commands, trips = commands_of(self._client), trips_of(self._client)
        producer.wait_end()
        for worker, used_s in zip(workers, used, strict=True):
            worker.stop(used_s)
        redis_usage = Usage(server_began_s, server_s, peak_of(self._server.pid))
        measured = Measured(
            form=f"fleet, {len(workers)} worker{'s'[: len(workers) - 1]}",
            lines=self._case.lines,
            seconds=seconds,
            roles={
                PRODUCER: (producer.usage(),),
                REDIS: (redis_usage,),
                WORKERS: tuple(worker.usage() for worker in workers),
                COLLECTOR: (collector.usage(),),
            },
            counts={**self._counts(producer, workers), TRIPS: trips},
            is_equal=self.is_equal(),
        )
        return FleetResult(measured, commands)

    def make_ledger(self) -> None:
        """Make the ledger as any first producer does, and note what its processes are told."""
        empty = self._case.folder / "empty.txt"
        empty.write_bytes(b"")
        source = ("--config", str(self._case.config), "--input", str(empty))
        run_verb("produce", *source, *self._place, "--run", "empty")
        record = find(self._client, LEDGER)
        assert record is not None, "a producer makes the ledger"
        self._bundle = Bundle(
            redis_url=self._server.url,
            ledger=LEDGER,
            incarnation=record.incarnation,
            master_key=record.master_key,
            keys_file="",
            digest=record.digest,
            run=RUN,
            worker="bench",
            generation=1,
            scenario=GRAPH.scenario_id,
            group="-",
            modules=GRAPH.modules,
        )

    def start_workers(self) -> list[Started]:
        """Start the workers; the ledger is there."""
        names = [f"w{number + 1}" for number in range(self._case.workers)]
        return [self._start(name, "worker", *self._place) for name in names]

    def start_collector(self) -> Started:
        """Start who writes the output."""
        return self._start("collector", "collect", *self._place, *self._written)

    def start_producer(self) -> Started:
        """Start who reads the input."""
        source = ("--config", str(self._case.config), "--input", str(self._case.sample))
        return self._start("producer", "produce", *source, *self._place, "--run", RUN)

    def is_equal(self) -> bool:
        """Tell whether the output is what was expected."""
        return filecmp.cmp(self._output, self._case.expected, shallow=False)

    def _start(self, name: str, verb: str, *argv: str) -> Started:
        case = self._case
        role = "worker" if name[1:].isdigit() else name
        group = {PRODUCER: INGRESS, COLLECTOR: EGRESS}.get(name, LIMITS)
        is_profiled = case.profiled == role and name not in ("w2", "w3", "w4")
        started = Started(
            verb,
            *argv,
            *case.options.get(verb, ()),
            bundle=self._bundle.of(name, 1, group),
            folder=case.folder,
            profile=case.profiles / f"{role}.pstats" if is_profiled else None,
        )
        return self._stack.enter_context(started)

    def _counts(self, producer: Started, workers: list[Started]) -> dict[str, int]:
        """Return appends and turns as the processes said them, and the ledger's commits."""
        view = read_ledger(self._client, LEDGER)
        assert view is not None
        return {
            "appends": _said(producer, r"(\d+) appends"),
            "turns": sum(_said(worker, r"(\d+) turns") for worker in workers),
            "parks": sum(_said(worker, r"(\d+) parks") for worker in workers),
            "commits": view.counters.get("commits", 0),
        }


def commands_of(client: Any) -> list[tuple[str, int, int]]:  # noqa: ANN401 - a client, untyped
    """Return the server's commands with calls and microseconds, the dearest first.

    What a script calls is counted by itself and again in the script.
    """
    found = [
        (name.removeprefix("cmdstat_"), int(stat["calls"]), int(stat["usec"]))
        for name, stat in client.info("commandstats").items()
    ]
    return sorted(found, key=lambda row: -row[2])


def trips_of(client: Any) -> int:  # noqa: ANN401 - a client, untyped
    """Return how many round trips there were at most, since the server's counts began.

    Every round trip, a pipeline too, is read from a socket and answered into one; a long request or
    answer takes more than one turn of the server's loop. So the smaller count is a bound, and for
    what is sent here within a few per cent the number.
    """
    stats = client.info("stats")
    return int(min(stats["total_reads_processed"], stats["total_writes_processed"]))


def _said(started: Started, pattern: str) -> int:
    """Return a number that a process said at its end."""
    found = re.findall(pattern, started.words())
    if not found:
        raise BenchFailed(f"{started.name} did not say its totals: {started.words()}")
    return int(found[-1])
