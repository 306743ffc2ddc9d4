"""Enqueuing and working one RQ job per attempt, measured (`one_job_each.py` is the job).

`python -m tests.bench.rq_form (enqueue|work) URL CONFIG INPUT` is one of its two processes. Each
splits off its own start-up: everything until it could begin. They run one after the other, so that
neither waits for the other.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from kernel.adapters.config import read_config
from tests.bench.fleet import start_server
from tests.bench.meter import Usage, cpu_of, peak_of, run_to_end
from tests.bench.one_job_each import BYTES_AS_TEXT, JOB, ROWS, begin
from tests.bench.report import PRODUCER, REDIS, WORKERS, Measured


def measure(config: Path, sample: Path, lines: int, expected: Path) -> Measured:
    """Decide a short sample, one RQ job for each line, on a server of its own."""
    with ExitStack() as stack:
        server, client = start_server(stack)
        startup_s = cpu_of(server.pid)
        argv = (server.url, str(config), str(sample))
        enqueued, enqueue_peak = _run("enqueue", *argv)
        worked, work_peak = _run("work", *argv)
        used_s = cpu_of(server.pid) - startup_s
        server_peak = peak_of(server.pid)
        found: Any = client.lrange(ROWS, 0, -1)
        return Measured(
            form="RQ, one job each",
            lines=lines,
            seconds=enqueued["seconds"] + worked["seconds"],
            roles={
                PRODUCER: (Usage(enqueued["startup_s"], enqueued["cpu_s"], enqueue_peak),),
                REDIS: (Usage(startup_s, used_s, server_peak),),
                WORKERS: (Usage(worked["startup_s"], worked["cpu_s"], work_peak),),
            },
            counts={},
            is_equal=b"".join(found) == expected.read_bytes(),
        )


def _run(what: str, *argv: str) -> tuple[dict[str, float], int]:
    ended = run_to_end(sys.executable, "-m", "tests.bench.rq_form", what, *argv)
    told: dict[str, float] = json.loads(ended.said)
    return told, ended.peak_bytes


def main(what: str, url: str, config_path: str, input_path: str) -> None:
    """Be one of the two processes and print the figures as JSON."""
    client = Redis.from_url(url)
    queue = Queue("attempts", connection=client, serializer=JSONSerializer)
    act = _enqueuing(queue, input_path) if what == "enqueue" else _working(queue, config_path)
    startup_s, began = time.process_time(), time.perf_counter()
    act()
    cpu_s, seconds = time.process_time() - startup_s, time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "startup_s": startup_s, "cpu_s": cpu_s}))


def _enqueuing(queue: Queue, input_path: str) -> Callable[[], None]:
    lines = Path(input_path).read_bytes().removesuffix(b"\n").split(b"\n")

    def enqueue() -> None:
        for number, line in enumerate(lines, 1):
            queue.enqueue(JOB, number, line.decode(BYTES_AS_TEXT), result_ttl=0)

    return enqueue


def _working(queue: Queue, config_path: str) -> Callable[[], None]:
    begin(queue.connection, read_config(config_path).rules)
    worker = SimpleWorker([queue], connection=queue.connection, serializer=JSONSerializer)

    def work() -> None:
        worker.work(burst=True, logging_level="WARNING")

    return work


if __name__ == "__main__":
    main(*sys.argv[1:])
