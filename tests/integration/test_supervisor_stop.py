"""How processes are stopped and restarted, with real ones, some of which do not want to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kernel.engine.lifecycle import State
from kernel.runtime.deadlines import Deadlines
from kernel.runtime.supervisor import Supervisor
from tests.support.fleet import ENDS_S
from tests.support.marked import GONE_S
from tests.support.stand_ins import BUNDLE, PROMPT, Enough, Stage, seen
from tests.support.waiting import wait_until


def with_stubborn(stage: Stage, deadlines: Deadlines = PROMPT) -> Supervisor:
    """Have two workers at work, one of which does not end when it is asked to, and a producer."""
    posts = (stage.post("w1", "stubborn"), stage.post("w2", "good"))
    supervisor = stage.supervise(*posts, stage.post("p", "good", "producer"), deadlines=deadlines)
    supervisor.start()
    supervisor.open_work(BUNDLE)
    wait_until(lambda: stage.has("w1.stubborn"), within_s=ENDS_S, what="w1 to be stubborn")
    return supervisor


def test_a_process_that_does_not_stop_in_time_is_killed_and_that_is_noted(stage: Stage) -> None:
    """Its group has a forced end, the others a graceful one; a second stop changes nothing."""
    supervisor = with_stubborn(stage, Deadlines(stop_ms=2_000))
    pid = seen(supervisor, "w1").pid

    supervisor.stop()
    supervisor.stop()

    assert supervisor.stops == [("limits", "forced"), ("ingress", "graceful")]
    assert ("w1", "w1 stays") in stage.said
    assert [text for who, text in stage.said if who == "supervisor"] == [f"w1 ({pid}) is killed"]
    assert supervisor.life.state is State.STOPPED
    assert supervisor.life.failure is State.STOP_TIMEOUT


def test_a_drain_that_fails_still_goes_on_to_stop(stage: Stage) -> None:
    """Whoever is told their words is gone: the error is raised when nobody is left."""
    supervisor = with_stubborn(stage)
    processes = [psutil.Process(one.pid) for one in supervisor.snapshot()]
    stage.is_deaf = True

    with pytest.raises(BrokenPipeError):
        supervisor.stop()

    assert not any(process.is_running() for process in processes)
    assert supervisor.life.state is State.STOPPED
    assert supervisor.life.failure is State.STOP_TIMEOUT
    assert ("limits", "forced") in supervisor.stops


def test_without_draining_all_are_killed_at_once(stage: Stage) -> None:
    """Nobody is asked, and that is no failure: it was wanted so."""
    supervisor = with_stubborn(stage, Deadlines(drain_inflight=False))

    supervisor.stop()

    assert supervisor.stops == [("limits", "forced"), ("ingress", "forced")]
    assert ("w1", "w1 stays") not in stage.said
    assert supervisor.life.state is State.STOPPED
    assert supervisor.life.failure is None


def test_workers_are_restarted_one_at_a_time_each_ready_before_the_next_goes(stage: Stage) -> None:
    """A stubborn one is killed when its time is over; nobody else is missed meanwhile."""
    stage.held = {"w2.2": (3, 7)}
    supervisor = with_stubborn(stage, Deadlines(stop_ms=2_000))
    missing: set[int] = set()

    def is_over() -> bool:
        workers = supervisor.snapshot()[:2]
        missing.add(sum(not worker.is_ready for worker in workers))
        return ("supervisor", "all workers are restarted") in stage.said

    stage.until = is_over
    supervisor.restart()
    with pytest.raises(Enough):
        supervisor.run()

    assert [one.generation for one in supervisor.snapshot()] == [2, 2, 1]
    assert missing == {0, 1}
    assert seen(supervisor, "w2").partitions == (3, 7)
    assert ("supervisor", "w1 does not end, so it is killed") in stage.said
    assert not any("starting it again" in text for _, text in stage.said)


OWNER = """
import sys
from pathlib import Path
from tests.support.stand_ins import BUNDLE, Stage

stage = Stage(Path(sys.argv[1]))
supervisor = stage.supervise(stage.post("w1", "good"), stage.post("w2", "stubborn"))
supervisor.start()
supervisor.open_work(BUNDLE)
print(*(one.pid for one in supervisor.snapshot()), flush=True)
supervisor.run()
"""


def test_all_end_by_themselves_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    """Within five seconds, also who ignores SIGTERM: the lifeline asks first, then does not ask."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        stubborn = tmp_path / "w2.stubborn"
        wait_until(stubborn.exists, within_s=ENDS_S, what="w2 to be stubborn")
        processes = [psutil.Process(pid) for pid in pids]
        owner.kill()

    assert len(processes) == 2
    _, alive = psutil.wait_procs(processes, timeout=GONE_S)
    assert alive == []
