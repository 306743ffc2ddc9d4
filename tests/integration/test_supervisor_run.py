"""What follows from a death of one of its processes: with real processes and real signals."""

from __future__ import annotations

import os
import signal

import pytest

from kernel.engine.lifecycle import State
from kernel.errors import EXIT_BUG, EXIT_INCOMPLETE, EXIT_INTEGRITY, EXIT_REFUSED
from kernel.runtime.failed import CrashLoop, Failed
from kernel.runtime.spawned import Post, Shares
from kernel.runtime.supervisor import Supervisor
from tests.support.stand_ins import BUNDLE, Enough, Stage, seen


def at_work(stage: Stage, *posts: Post) -> Supervisor:
    """Start these and wait until they are ready."""
    supervisor = stage.supervise(*posts)
    supervisor.start()
    supervisor.open_work(BUNDLE)
    stage.opened()
    return supervisor


def test_a_killed_worker_is_started_again_as_the_next_generation(stage: Stage) -> None:
    """Another process, ready again, and its bundle says the second start."""
    supervisor = at_work(stage, stage.post("w1", "good"), stage.post("w2", "good"))
    first = seen(supervisor, "w1")
    os.kill(first.pid, signal.SIGKILL)
    stage.until = lambda: seen(supervisor, "w1").is_ready and seen(supervisor, "w1").generation == 2

    with pytest.raises(Enough):
        supervisor.run()

    assert stage.has("w1.2.began")
    assert seen(supervisor, "w1").pid != first.pid
    assert seen(supervisor, "w2").generation == 1
    assert any(
        who == "supervisor" and "w1 was ended by signal 9" in text for who, text in stage.said
    )


def test_a_crash_loop_ends_the_run_with_6_and_the_last_words(stage: Stage) -> None:
    """Five deaths in ten seconds; the other worker is stopped by the same way out as always."""
    supervisor = at_work(stage, stage.post("w1", "exit:1"), stage.post("w2", "good"))

    with pytest.raises(CrashLoop, match=r"w1 ended with exit code 1(.|\n)*w1 is at work") as loop:
        supervisor.run()

    assert loop.value.exit_code == EXIT_INCOMPLETE
    assert seen(supervisor, "w1").generation == 5
    assert supervisor.life.state is State.WORKER_FAILED
    supervisor.stop()
    assert not seen(supervisor, "w2").is_alive


@pytest.mark.row("Redis killed and started again")
def test_an_exit_because_redis_is_away_does_not_count_as_a_crash(stage: Stage) -> None:
    """Five such deaths, as many as a crash loop, and the sixth start is at work."""
    supervisor = at_work(stage, stage.post("w1", "exit-until:4,6"))
    stage.until = lambda: seen(supervisor, "w1").is_ready and seen(supervisor, "w1").generation == 6

    with pytest.raises(Enough):
        supervisor.run()


@pytest.mark.parametrize("code", [EXIT_INTEGRITY, EXIT_REFUSED])
def test_a_worker_whose_ledger_is_another_ends_the_run_with_its_code(
    stage: Stage, code: int
) -> None:
    """Starting it again would not change what is stored."""
    supervisor = at_work(stage, stage.post("w1", f"exit:{code}"), stage.post("w2", "good"))

    with pytest.raises(Failed, match=f"w1 ended with exit code {code}") as failed:
        supervisor.run()

    assert failed.value.exit_code == code


@pytest.mark.parametrize(
    ("given", "code"), [(7, EXIT_REFUSED), (5, EXIT_INTEGRITY), (1, EXIT_BUG), (99, EXIT_BUG)]
)
def test_who_moves_lines_ends_the_run_with_its_own_exit_code(
    stage: Stage, given: int, code: int
) -> None:
    """A code that is none of ours is a bug of ours."""
    supervisor = at_work(
        stage, stage.post("w1", "good"), stage.post("p", f"exit:{given}", "producer")
    )

    with pytest.raises(Failed, match=f"p ended with exit code {given}") as failed:
        supervisor.run()

    assert failed.value.exit_code == code


def test_a_killed_collector_is_started_again_and_the_run_ends_well(stage: Stage) -> None:
    """A signal is no failure of its own: the next one goes on where it was."""
    supervisor = at_work(
        stage,
        stage.post("w1", "good"),
        stage.post("p", "done", "producer"),
        stage.post("c", "killed-until:3", "collector"),
    )
    stage.until = lambda: stage.has("c.3.began")

    with pytest.raises(Enough):
        supervisor.run()


def test_a_producer_whose_work_is_lost_is_started_again(stage: Stage) -> None:
    """It was done; a server that came back without the end of the run has it done again."""
    supervisor = at_work(
        stage, stage.post("p", "done", "producer"), stage.post("c", "good", "collector")
    )

    def is_undone() -> bool:
        if supervisor.is_done("producer") and not stage.has("p.2.began"):
            supervisor.undo("producer", "the end is lost")
        return stage.has("p.2.began")

    stage.until = is_undone
    with pytest.raises(Enough):
        supervisor.run()

    assert ("supervisor", "the end is lost; starting p again") in stage.said


def test_a_producer_whose_pipe_is_read_cannot_be_undone(stage: Stage) -> None:
    """The run ends as incomplete, and says what to do."""
    supervisor = at_work(
        stage, stage.post("p", "done", "producer", "stdin"), stage.post("c", "good", "collector")
    )

    def undo() -> bool:
        supervisor.undo("producer", "the end is lost")
        return False

    stage.until = undo
    with pytest.raises(Failed, match="the end is lost, and stdin cannot be gone on") as failed:
        supervisor.run()

    assert failed.value.exit_code == EXIT_INCOMPLETE


@pytest.mark.parametrize("shares", ["stdin", "stdout"])
def test_who_shares_a_stream_cannot_go_on_after_a_kill(stage: Stage, shares: Shares) -> None:
    """What was read from a pipe is gone, and what was written to one is out."""
    supervisor = at_work(
        stage, stage.post("w1", "good"), stage.post("p", "killed-until:2", "producer", shares)
    )

    with pytest.raises(Failed, match=f"p was ended by signal 9, and {shares}") as failed:
        supervisor.run()

    assert failed.value.exit_code == EXIT_INCOMPLETE


def test_the_run_ends_when_all_who_move_lines_are_done(stage: Stage) -> None:
    """Then the workers are asked to stop, and each group's end is noted once."""
    supervisor = at_work(
        stage,
        stage.post("w1", "good"),
        stage.post("w2", "good"),
        stage.post("p", "done", "producer"),
        stage.post("c", "done", "collector"),
    )

    supervisor.run()
    supervisor.stop()

    assert supervisor.life.state is State.STOPPED
    assert supervisor.life.failure is None
    assert supervisor.stops == [(group, "graceful") for group in ("limits", "ingress", "egress")]


def test_the_run_ends_soon_after_the_collector_when_nobody_reads_any_more(stage: Stage) -> None:
    """A producer that goes on for nobody is stopped with the others."""
    supervisor = at_work(
        stage, stage.post("p", "good", "producer"), stage.post("c", "done", "collector")
    )

    supervisor.run()
    supervisor.stop()

    assert supervisor.stops == [("ingress", "graceful"), ("egress", "graceful")]
