"""The worker as RQ sees it: a shift is a job without a payload, and RQ's losses do no harm."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from kernel.adapters.redis.bell import SHIFT, shift_queue
from kernel.adapters.redis.client import command
from tests.support.fleet import ENDS_S, PROJECT, Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server
from tests.support.waiting import wait_until

BASELINE = PROJECT / "configs" / "baseline.yaml"
#: A worker on whose clock an hour passes at each look; told to stop in its first pause.
LONG_LIVED = """
import os, random, signal, sys
from consumers import work
class Hours(work.SystemClock):
    now = 0
    def now_ms(self):
        Hours.now += 3_600_000
        return Hours.now
    def pause_ms(self, duration):
        os.kill(os.getpid(), signal.SIGTERM)
work.SystemClock = Hours
url, ledger = sys.argv[1:]
rest = {"keys_path": None, "wait_ms": 0, "trace": None, "rng": random.Random(1)}
print(work.serve(redis_url=url, ledger=ledger, **rest))
"""


@pytest.fixture
def direct(server: Server) -> Iterator[redis.Redis]:
    """Connect to the session's server, beside the fleet."""
    connection = server.client()
    yield connection
    connection.close()


def sampled(fleet: Fleet, lines: int) -> Path:
    """Put a sample where the fleet finds it."""
    source = fleet.folder / "sample"
    source.write_bytes(sample_bytes(lines))
    return source


@pytest.mark.parametrize("count", [2, 4])
def test_every_worker_gets_its_share_of_a_backlog(fleet: Fleet, count: int) -> None:
    """Twenty thousand lines lie there when the bell is heard, and every worker commits."""
    source, output = sampled(fleet, 20_000), fleet.folder / "output"
    config = config_file(
        fleet.folder, "experiment", take="share", turn_attempts_max=256, worker_ttl_ms=60_000
    )
    fleet.make_ledger(config)
    workers = fleet.known_workers(count)
    for worker in workers:
        worker.freeze()  # nobody hears the bell before all is there
    assert fleet.produce(config, source).ends() == 0
    assert fleet.counter("commits") == 0

    for worker in workers:
        worker.thaw()

    assert fleet.collect(output).ends() == 0
    assert output.read_bytes() == memory_bytes(config, source)
    counters = fleet.view().counters
    commits = {name: n for name, n in counters.items() if name.startswith("commits:")}
    assert len(commits) == count, counters
    assert sum(commits.values()) == counters["commits"]


def test_a_ring_is_one_job_that_carries_only_the_ledgers_name(
    fleet: Fleet, direct: redis.Redis
) -> None:
    """However many lines are appended while nobody works: one job, and no line in it."""
    config = config_file(fleet.folder, "baseline", chunk_lines_max=100, ring_ms=60_000)

    assert fleet.produce(config, sampled(fleet, 2_000)).ends() == 0

    (job,) = shift_queue(direct, fleet.ledger).jobs
    assert (job.func_name, job.args, job.kwargs) == (SHIFT, [fleet.ledger], {})
    assert command(direct, "MEMORY", "USAGE", job.key) < 2_000


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_worker_told_to_stop_ends_its_turn_and_holds_nothing(
    fleet: Fleet, signum: signal.Signals, code: int
) -> None:
    """In the middle of the work: its leases are free at once, and another goes on."""
    source, output = sampled(fleet, 6_000), fleet.folder / "output"
    config = config_file(fleet.folder, "experiment", turn_attempts_max=32, lease_ms=60_000)
    first = fleet.worker()
    collector = fleet.collect(output)
    producer = fleet.produce(config, source)
    fleet.wait_for_answers(1_000)

    first.tell(signum)

    assert first.ends() == code
    assert "Traceback" not in first.said
    assert fleet.holders() == set()
    view = fleet.run_view()
    assert view is not None
    assert view.answers < 6_000
    fleet.worker()
    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == memory_bytes(config, source)
    assert fleet.counter("leases_reclaimed") == 0


def test_a_ring_that_rq_lost_is_made_good_by_an_idle_worker(
    fleet: Fleet, direct: redis.Redis
) -> None:
    """The job vanished from the queue; the tick finds lines waiting and nobody at work."""
    source, output = sampled(fleet, 500), fleet.folder / "output"
    assert fleet.produce(BASELINE, source).ends() == 0
    shift_queue(direct, fleet.ledger).empty()

    fleet.worker()

    assert fleet.collect(output).ends() == 0
    assert output.read_bytes() == memory_bytes(BASELINE, source)
    assert fleet.counter("tick_repairs") == 1


def test_idle_workers_keep_the_ledger_known_to_be_theirs(fleet: Fleet) -> None:
    """An idle worker wakes each second, so that it is counted when shares are made."""
    config = config_file(fleet.folder, "baseline", worker_ttl_ms=3_000)
    fleet.make_ledger(config)
    workers = fleet.known_workers(2)

    workers[0].kill()

    wait_until(lambda: fleet.view().workers == 1, within_s=ENDS_S, what="one to be forgotten")
    assert workers[1].popen.poll() is None


def test_a_worker_that_has_lived_for_long_begins_anew_when_rq_stumbles(
    fleet: Fleet, direct: redis.Redis
) -> None:
    """RQ ends over a queue that is no list. An hour of good service is no minute of absence."""
    fleet.make_ledger(BASELINE)
    direct.set(shift_queue(direct, fleet.ledger).key, "no list")

    ran = subprocess.run(
        [sys.executable, "-c", LONG_LIVED, fleet.url, fleet.ledger],
        capture_output=True,
        text=True,
        check=False,
        timeout=ENDS_S,
        cwd=PROJECT,
    )

    assert "(ResponseError)" in ran.stderr
    assert (ran.returncode, ran.stdout) == (0, f"{signal.SIGTERM.value}\n"), ran.stderr
