"""Enqueuing and working one RQ job per attempt, measured (`one_job_each.py` is the job).

`python -m tests.bench.rq_form (enqueue|work|fork) URL CONFIG INPUT` is one of its two processes:
`work` is RQ's SimpleWorker, `fork` its default worker, which forks for each job.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer

from kernel.adapters.config import read_config
from tests.bench.in_two_steps import act_measured
from tests.bench.in_two_steps import measure as measure_steps
from tests.bench.one_job_each import BYTES_AS_TEXT, JOB, begin
from tests.bench.report import Measured


def measure(
    config: Path, sample: Path, lines: int, expected: Path, *, forking: bool = False
) -> Measured:
    """Decide a short sample, one RQ job for each line, on a server of its own."""
    form = "RQ, one job each, forking" if forking else "RQ, one job each"
    steps = ("enqueue", "fork" if forking else "work")
    argv = (str(config), str(sample))
    return measure_steps("tests.bench.rq_form", form, steps, argv, lines, expected)


def main(what: str, url: str, config_path: str, input_path: str) -> None:
    """Be one of the two processes."""
    client = Redis.from_url(url)
    queue = Queue("attempts", connection=client, serializer=JSONSerializer)
    if what == "enqueue":
        act_measured(_enqueuing(queue, input_path))
    else:
        act_measured(_working(queue, config_path, SimpleWorker if what == "work" else Worker))


def _enqueuing(queue: Queue, input_path: str) -> Callable[[], None]:
    lines = Path(input_path).read_bytes().removesuffix(b"\n").split(b"\n")

    def enqueue() -> None:
        for number, line in enumerate(lines, 1):
            queue.enqueue(JOB, number, line.decode(BYTES_AS_TEXT), result_ttl=0)

    return enqueue


def _working(
    queue: Queue, config_path: str, kind: type[SimpleWorker | Worker]
) -> Callable[[], None]:
    begin(queue.connection, read_config(config_path).rules)
    worker = kind([queue], connection=queue.connection, serializer=JSONSerializer)

    def work() -> None:
        worker.work(burst=True, logging_level="WARNING")

    return work


if __name__ == "__main__":
    main(*sys.argv[1:])
