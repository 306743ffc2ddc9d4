"""The start of a fleet: all are ready or nothing ran, with real processes and real pipes."""

from __future__ import annotations

import psutil
import pytest

from kernel.engine.lifecycle import State
from kernel.errors import EXIT_INCOMPLETE, EXIT_INTEGRITY, EXIT_REDIS, EXIT_REFUSED
from kernel.runtime.deadlines import Deadlines
from kernel.runtime.failed import Failed, NotReady
from tests.support.fleet import ENDS_S
from tests.support.stand_ins import BUNDLE, Enough, Stage
from tests.support.waiting import wait_until


def test_all_workers_are_ready_before_anybody_moves_a_line(stage: Stage) -> None:
    """The handshake names pid and generation; who moves lines gets a bundle only after it."""
    supervisor = stage.supervise(
        stage.post("w1", "good"), stage.post("w2", "good"), stage.post("p", "good", "producer")
    )
    supervisor.start()
    assert [seen.is_ready for seen in supervisor.snapshot()] == [False] * 3
    assert not stage.has("p.1.began")

    supervisor.open_work(BUNDLE)

    workers = supervisor.snapshot()[:2]
    assert [(seen.is_alive, seen.is_ready, seen.generation) for seen in workers] == [
        (True, True, 1)
    ] * 2
    wait_until(lambda: stage.has("w1.ready"), within_s=ENDS_S, what="w1 to note that it is ready")
    wait_until(lambda: stage.has("w2.ready"), within_s=ENDS_S, what="w2 to note that it is ready")
    assert supervisor.life.state is State.RUNNING
    wait_until(lambda: stage.has("p.1.began"), within_s=ENDS_S, what="the producer to begin")


def test_the_secret_is_neither_on_a_command_line_nor_in_an_environment(stage: Stage) -> None:
    """Key and address go over the pipe; the descriptors' names are taken out of the environment."""
    supervisor = stage.supervise(stage.post("w1", "good"))
    supervisor.start()
    supervisor.open_work(BUNDLE)

    process = psutil.Process(supervisor.snapshot()[0].pid)
    shown = [*process.cmdline(), *process.environ().values()]
    assert not [text for text in shown if BUNDLE.master_key in text or "open-sesame" in text]
    assert "FUNDLOAD_" not in (stage.folder / "w1.1.began").read_text("utf-8")
    assert "open-sesame" not in repr(BUNDLE)
    assert BUNDLE.master_key not in repr(BUNDLE)


def test_a_worker_that_is_late_ends_the_start_and_nothing_ran(stage: Stage) -> None:
    """The error is 6 and shows what the late one said last; the producer has never begun."""
    supervisor = stage.supervise(
        *(stage.post("w1", "good"), stage.post("w2", "silent")),
        stage.post("p", "good", "producer"),
        deadlines=Deadlines(ready_ms=5_000),
    )
    supervisor.start()

    with pytest.raises(NotReady, match=r"1 of 2 workers .*w2(.|\n)*thinking about it") as late:
        supervisor.open_work(BUNDLE)

    assert late.value.exit_code == EXIT_INCOMPLETE
    assert supervisor.life.failure is State.NOT_READY
    supervisor.stop()
    assert supervisor.life.state is State.STOPPED
    assert not stage.has("p.1.began")
    assert not any(seen.is_alive for seen in supervisor.snapshot())


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ("exit-unready:4", EXIT_REDIS),
        ("exit-unready:1", EXIT_INCOMPLETE),
        ("exit-unready:5", EXIT_INTEGRITY),
        ("exit-unready:7", EXIT_REFUSED),
        ("exit-unready:0", EXIT_INCOMPLETE),
        ("broken", EXIT_INCOMPLETE),
    ],
)
def test_a_worker_that_ends_before_it_is_ready_ends_the_start_at_once(
    stage: Stage, behaviour: str, code: int
) -> None:
    """With 4 when Redis is the reason, with 5 or 7 when the ledger is, else with 6; never 0."""
    supervisor = stage.supervise(stage.post("w1", "good"), stage.post("w2", behaviour))
    supervisor.start()

    with pytest.raises(NotReady, match="w2 ended with exit code") as ended:
        supervisor.open_work(BUNDLE)

    assert ended.value.exit_code == code
    assert supervisor.life.state is State.START_FAILED


def test_the_last_words_of_a_broken_worker_are_in_the_error(stage: Stage) -> None:
    """Whoever reads the error need not look for the log."""
    supervisor = stage.supervise(stage.post("w1", "broken"))
    supervisor.start()

    with pytest.raises(NotReady, match="this is broken"):
        supervisor.open_work(BUNDLE)

    assert ("w1", "this is broken") in stage.said


def test_a_worker_under_other_rules_is_refused(stage: Stage) -> None:
    """The digest in the handshake is compared with the run's."""
    supervisor = stage.supervise(stage.post("w1", "other-rules"), stage.post("w2", "silent"))
    supervisor.start()

    with pytest.raises(Failed, match="w1 is under other rules") as refused:
        supervisor.open_work(BUNDLE)

    assert refused.value.exit_code == EXIT_INTEGRITY


def test_a_process_that_cannot_be_started_ends_the_start_in_its_turn(stage: Stage) -> None:
    """Those before it in the order given were started and are stopped; those behind it never."""
    supervisor = stage.supervise(
        stage.post("w1", "good"),
        stage.post("w2", "good")._replace(argv=(str(stage.folder / "nothing"),)),
        stage.post("w3", "good"),
    )

    with pytest.raises(NotReady, match="w2 cannot be started: No such file"):
        supervisor.start()

    assert supervisor.life.state is State.START_FAILED
    assert [seen.is_alive for seen in supervisor.snapshot()] == [True, False, False]
    supervisor.stop()
    assert not any(seen.is_alive for seen in supervisor.snapshot())


def test_every_line_of_a_process_is_passed_on_with_its_name(stage: Stage) -> None:
    """Lines come whole, and none is lost at a death."""
    supervisor = stage.supervise(stage.post("w1", "good"), stage.post("p", "done", "producer"))
    supervisor.start()
    stage.until = lambda: len(stage.said) >= 2
    supervisor.open_work(BUNDLE)

    with pytest.raises(Enough):
        supervisor.run()

    assert sorted(stage.said) == [("p", "p is at work"), ("w1", "w1 is at work")]
