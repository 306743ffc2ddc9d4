"""`fundload supervise`: workers kept at work on a host, and restarted in the middle of a run."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from kernel.errors import EXIT_INCOMPLETE, EXIT_INTEGRITY, EXIT_SIGTERM
from kernel.runtime.failed import NotReady
from kernel.runtime.holding import hold_found
from kernel.runtime.spawned import COMMAND, Post
from kernel.runtime.supervisor import Supervisor
from tests.support.fleet import ENDS_S, PROJECT, Fleet, Member, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.versions import OtherVersion
from tests.support.waiting import wait_until

BASELINE = PROJECT / "configs" / "baseline.yaml"
#: More than are decided while two workers are restarted.
LINES = 30_000
STEP = 300
GONE_S = 5.0
READY = re.compile(r"^supervisor \| (\S+): ready, generation (\d+), pid (\d+), holds", re.MULTILINE)


def generations(supervisor: Member, count: int) -> dict[str, int]:
    """Wait until so many starts of workers are in the log; return the last pid of each."""
    wait_until(
        lambda: len(READY.findall(supervisor.said)) >= count,
        within_s=ENDS_S,
        what=f"{count} ready workers in the log",
    )
    return {name: int(pid) for name, _, pid in READY.findall(supervisor.said)}


def feed_until(fleet: Fleet, producer: Member, said: str, by: Member) -> bytes:
    """Feed lines, some at a time, each time until all are answered; return what was fed."""
    lines = sample_bytes(LINES).splitlines(keepends=True)
    assert producer.popen.stdin is not None
    for fed in range(STEP, LINES + 1, STEP):
        producer.popen.stdin.write(b"".join(lines[fed - STEP : fed]))
        producer.popen.stdin.flush()
        fleet.wait_for_answers(fed)
        if said in by.said:
            return b"".join(lines[:fed])
    by.wait_for(said)  # on a very busy machine
    return b"".join(lines)


@pytest.mark.row("a new version rolled out in a run")
def test_a_rolling_restart_in_a_run_changes_no_byte_and_no_lease_runs_out(
    fleet: Fleet, tmp_path: Path
) -> None:
    """All workers come back in the version that lies there by then; what they held is given back.

    So that nobody waits for a dead one's lease: not one is reclaimed by the tick.
    """
    source, output = tmp_path / "source", tmp_path / "output"
    config = config_file(tmp_path, "experiment", chunk_lines_max=64, turn_attempts_max=32)
    fleet.make_ledger(config)
    version = OtherVersion(tmp_path / "tree")
    fleet.variables = version.variables
    supervisor = fleet.supervise(2)
    fleet.variables = {}
    supervisor.wait_for(f"2 workers are ready on ledger {fleet.ledger}")
    collector = fleet.collect(output)
    producer = fleet.produce(config, "-", stdin=subprocess.PIPE)
    version.edit("consumers/work.py", "is ready on ledger", "is ready in a new version on")

    supervisor.tell(signal.SIGHUP)
    fed = feed_until(fleet, producer, "all workers are restarted", supervisor)

    assert producer.popen.stdin is not None
    producer.popen.stdin.close()
    assert (producer.ends(), collector.ends()) == (0, 0)
    source.write_bytes(fed)
    assert output.read_bytes() == memory_bytes(config, source)
    assert len(re.findall(r"\.2 is ready in a new version", supervisor.said)) == 2
    assert "starting it again" not in supervisor.said
    counters = fleet.view().counters
    assert counters["commits"] > 0
    assert counters.get("leases_reclaimed", 0) == 0
    supervisor.tell(signal.SIGTERM)
    assert supervisor.ends() == EXIT_SIGTERM
    assert "group limits has stopped (graceful)" in supervisor.said


def test_workers_are_kept_at_work_and_end_with_their_supervisor(fleet: Fleet) -> None:
    """One that is killed comes back; all end in seconds when the supervisor itself is killed."""
    fleet.make_ledger(BASELINE)
    supervisor = fleet.supervise(2)
    name, pid = next(iter(generations(supervisor, 2).items()))

    psutil.Process(pid).kill()

    pids = generations(supervisor, 3)
    assert pids[name] != pid
    assert f"{name} was ended by signal 9; starting it again in 0.1 s" in supervisor.said
    processes = [psutil.Process(one) for one in pids.values()]
    assert len(processes) == 2
    supervisor.kill()
    assert psutil.wait_procs(processes, timeout=GONE_S)[1] == []


@pytest.mark.row("a new version rolled out in a run")
def test_a_new_version_that_cannot_work_ends_the_supervisor_with_6(
    fleet: Fleet, tmp_path: Path
) -> None:
    """A crash loop of the worker that is restarted, with its last words."""
    fleet.make_ledger(BASELINE)
    version = OtherVersion(tmp_path / "tree")
    fleet.variables = version.variables
    supervisor = fleet.supervise(1)
    supervisor.wait_for("1 workers are ready")
    version.edit("consumers/work.py", "from random import Random", "from random import Gone")

    supervisor.tell(signal.SIGHUP)

    assert supervisor.ends() == EXIT_INCOMPLETE
    assert (
        "5 ends in a row, each within 10 s of its start, so it is not tried again"
        in supervisor.said
    )
    assert "ImportError: cannot import name 'Gone'" in supervisor.said
    assert "group limits has stopped (graceful)" in supervisor.said


def test_a_worker_told_to_stop_gives_back_at_once_what_status_shows_it_to_hold(
    fleet: Fleet, tmp_path: Path
) -> None:
    """It ends behind its turn, and nobody waits until its leases, here long ones, are over."""
    source = tmp_path / "source"
    source.write_bytes(sample_bytes(6_000))
    config = config_file(tmp_path, "experiment", turn_attempts_max=32, lease_ms=60_000)
    fleet.make_ledger(config)
    worker = fleet.worker()
    worker.wait_for("is ready")
    fleet.produce(config, source)
    fleet.freeze_holding([worker], holding=1, after_answers=500)
    ((name, parts),) = fleet.view().held().items()

    place = ("--redis-url", fleet.url, "--ledger", fleet.ledger)
    as_json, as_text = (
        fleet.start("status", *place, *options).popen.communicate()[0]
        for options in (["--json"], [])
    )
    worker.tell(signal.SIGTERM)
    worker.thaw()

    assert worker.ends() == EXIT_SIGTERM
    assert fleet.holders() == set()
    assert fleet.counter("leases_reclaimed") == 0
    assert json.loads(as_json)["held"] == {name: list(parts)}
    assert f"worker {name} holds {len(parts)} partitions".encode() in as_text


@pytest.mark.parametrize(
    ("field", "says"), [("incarnation", "was dropped and made anew"), ("ledger", "is gone")]
)
@pytest.mark.row("a ledger made anew under the same name")
def test_a_worker_that_finds_another_ledger_under_the_name_ends_with_5(
    fleet: Fleet, field: str, says: str
) -> None:
    """Its bundle knows which ledger it was started for: it neither works on another nor waits."""
    fleet.make_ledger(BASELINE)
    holding = hold_found(fleet.url, fleet.ledger, print, keys_path=None, wait_ms=0)
    changed: dict[str, Any] = {field: "another"}
    bundle = replace(holding.bundle(), **changed)
    argv = (*COMMAND, "worker", "--redis-url", fleet.url, "--ledger", bundle.ledger)
    supervisor = Supervisor([Post("w1", "worker", argv)], say=lambda *_: None)
    supervisor.start()

    with pytest.raises(NotReady, match=says) as ended:
        supervisor.open_work(bundle)

    assert ended.value.exit_code == EXIT_INTEGRITY
    supervisor.stop()
