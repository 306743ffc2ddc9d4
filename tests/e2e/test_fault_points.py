"""Every fault point: the process is killed there, started again, and no byte differs.

The points are `kernel.runtime.faults.POINTS`, around each effect of each process. One run kills one
process of each role; the sharing policy with dense gates makes sure that commits park. A collector
that is to die at its barrier is a strict one, and there the server syncs every write.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from kernel.errors import EXIT_REFUSED
from kernel.runtime.faults import EFFECTS, POINTS
from tests.support.fleet import Fleet, Member, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.unwatched

LINES = 2_400
#: At which time the process dies: early ones see the least state, later ones the most.
TIMES = {
    "producer.open": 1,
    "producer.finish": 1,
    "producer.leave": 1,
    "producer.ring": 1,
    "collector.open": 1,
    "collector.finish": 1,
    "collector.checkpoint": 1,
    "collector.ack": 1,
    "collector.leave": 1,
    "collector.settle": 2,  # there are two for certain: an answer's, and that of the run's end
    "worker.end_shift": 1,
    "worker.ring": 1,
    "worker.wait": 1,
    "worker.tick": 1,
}
#: Reached only when an attempt raises: `test_halts.py` kills a worker at each of the two.
ELSEWHERE = {"worker.fail.before", "worker.fail.after"}


def of_role(role: str) -> list[str]:
    """Return the points of a role that this test walks."""
    return [p for p in POINTS if p.startswith(f"{role}.") and p not in ELSEWHERE]


ROUNDS = list(zip_longest(*(of_role(role) for role in EFFECTS)))


@pytest.fixture
def synced(server: Server) -> Iterator[None]:
    """Let the server sync every write, as a strict collector wants it; then as it was."""
    client = server.client()
    client.config_set("appendfsync", "always")
    yield
    client.config_set("appendfsync", server.fsync)
    client.close()


def at(point: str | None) -> str:
    """Say when to die at a point; nothing for none."""
    if point is None:
        return ""
    return f"{point}.{TIMES.get(point.rpartition('.')[0], 3)}"


def sharing(fleet: Fleet) -> Path:
    """Make turns small and gates dense, and let workers share, so that commits park."""
    return config_file(
        fleet.folder,
        "experiment",
        chunk_lines_max=64,
        turn_attempts_max=32,
        take="share",
        shuffle=True,
        linger_ms=50,
        run_lease_ms=600,
        ring_ms=300,
        worker_ttl_ms=60_000,  # who died stays known for as long as the test takes
    )


@pytest.mark.row("worker killed -9 anywhere")
@pytest.mark.row("producer killed")
@pytest.mark.row("collector killed")
@pytest.mark.parametrize("points", ROUNDS, ids=lambda points: " ".join(filter(None, points)))
def test_a_process_killed_at_any_point_changes_no_byte(
    fleet: Fleet, points: tuple[str | None, ...], request: pytest.FixtureRequest
) -> None:
    """Producer, worker and collector each die at one point and are started again."""
    in_producer, in_worker, in_collector = points
    strict: tuple[str, ...] = ()
    if in_collector is not None and in_collector.startswith("collector.settle."):
        request.getfixturevalue("synced")
        strict = ("--durability", "strict")
    source, output = fleet.folder / "sample", fleet.folder / "output"
    source.write_bytes(sample_bytes(LINES, per_day=40))
    config = sharing(fleet)
    fleet.make_ledger(config)
    # A worker that is known but dead: so the doomed one shares with it, and rings for it.
    fleet.known_workers(1)[0].kill()
    doomed = {
        "worker": fleet.worker(fault=at(in_worker)),
        "collect": fleet.collect(output, *strict, fault=at(in_collector)),
        "produce": fleet.produce(config, source, fault=at(in_producer)),
    }
    again: dict[str, Callable[[], Member]] = {
        "worker": lambda: fleet.worker(),  # noqa: PLW0108 - its options are not ours to give
        "collect": lambda: fleet.collect(output, *strict),
        "produce": lambda: fleet.produce(config, source),
    }
    dies = {"worker": in_worker, "collect": in_collector, "produce": in_producer}
    started_again: dict[str, Member] = {}

    def all_done() -> bool:
        for verb, member in doomed.items():
            if verb not in started_again and member.popen.poll() == -signal.SIGKILL:
                started_again[verb] = again[verb]()
        met = all(verb in started_again for verb, point in dies.items() if point)
        return met and output.exists() and all(ended(verb) for verb in ("collect", "produce"))

    def ended(verb: str) -> bool:
        code = started_again.get(verb, doomed[verb]).popen.poll()
        # Killed between the rename and its word about it, a collector finds its output published.
        assert code in (None, 0, EXIT_REFUSED), started_again.get(verb, doomed[verb]).said
        return code is not None

    wait_until(all_done, within_s=40, what="every process to die at its point, and the run to end")

    assert output.read_bytes() == memory_bytes(config, source)
