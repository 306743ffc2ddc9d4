"""A worker that stood still while others went on, and then goes on too: nothing happens twice.

SIGSTOP is what a laptop's lid, a hypervisor or a swapping machine does to a process. Its lease runs
out, another decides its partitions, and it wakes up with a commit in its hands.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.support.fleet import ENDS_S, Fleet, Member, config_file
from tests.support.history import cursor_moves
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.proxy import Proxy
from tests.support.server import Server
from tests.support.waiting import wait_until

LINES = 6_000
FROZEN = pytest.mark.row("worker frozen past its lease, then resumed")


def quick_config(fleet: Fleet) -> Path:
    """Make turns small and leases short."""
    return config_file(
        fleet.folder, "experiment", chunk_lines_max=256, turn_attempts_max=64, lease_ms=300
    )


def refused(worker: Member) -> dict[str, int]:
    """Return how often a worker that has ended was refused, by the server's word."""
    (told,) = re.findall(r"parks((?:, \d+ [A-Z]+)*), \d+ repairs", worker.said)
    return {word: int(count) for count, word in re.findall(r"(\d+) ([A-Z]+)", told)}


@FROZEN
def test_a_commit_that_comes_late_is_answered_behind(fleet: Fleet, server: Server) -> None:
    """Frozen with its commit on the way; another decides all; then the commit arrives."""
    source, output = fleet.folder / "sample", fleet.folder / "output"
    source.write_bytes(sample_bytes(LINES))
    since, config = server.hold_tail(), quick_config(fleet)
    fleet.make_ledger(config)
    with Proxy(server.socket) as proxy:
        proxy.hold_up("commit", at=3)
        first = fleet.start("worker", "--redis-url", proxy.url, "--ledger", fleet.ledger)
        collector, producer = fleet.collect(output), fleet.produce(config, source)
        proxy.wait_until_held()
        first.freeze()
        second = fleet.worker()

        assert (producer.ends(), collector.ends()) == (0, 0)
        answer = proxy.let_go("commit")

        takes = proxy.times("take")
        first.thaw()
        wait_until(lambda: proxy.times("take") > takes, within_s=ENDS_S, what="the first to go on")
        fleet.stop_workers([first, second])
    assert b"BEHIND" in answer
    assert_once(fleet, server, since)
    assert output.read_bytes() == memory_bytes(config, source)


@FROZEN
def test_a_worker_that_wakes_up_again_and_again_changes_no_byte(
    fleet: Fleet, server: Server
) -> None:
    """Two workers are frozen in turns, each for longer than its lease, with leases in hand."""
    source, output = fleet.folder / "sample", fleet.folder / "output"
    source.write_bytes(sample_bytes(LINES))
    since, config = server.hold_tail(), quick_config(fleet)
    fleet.make_ledger(config)
    workers = fleet.known_workers(2)
    collector, producer = fleet.collect(output), fleet.produce(config, source)
    for number, share in enumerate((0.1, 0.3, 0.5, 0.7)):
        fleet.wait_for_answers(int(share * LINES))
        workers[number % 2].freeze()
        fleet.wait_for_answers(int((share + 0.1) * LINES))
        workers[number % 2].thaw()

    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == memory_bytes(config, source)
    assert_once(fleet, server, since)
    fleet.stop_workers(workers)
    for worker in workers:
        assert worker.popen.returncode == 128 + signal.SIGTERM
        assert set(refused(worker)) <= {"BEHIND", "STALE"}


def assert_once(fleet: Fleet, server: Server, since: int) -> None:
    """Hold the ledger's history to this: no cursor moved twice the same way, no line too many."""
    moves = cursor_moves(server, fleet.ledger, since=since)
    ends = {part.partition: part.end for part in fleet.view().partitions if part.end}
    for partition, reaches in moves.items():
        assert reaches == sorted(set(reaches)), f"partition {partition!r} went back"
    assert {int(p): reaches[-1] for p, reaches in moves.items()} == ends
    view = fleet.run_view()
    assert view is not None
    assert (view.answers, sum(view.tally.values())) == (LINES, LINES)
