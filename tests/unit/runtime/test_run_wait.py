"""What became of a run, as an exit code: every way to end, and what is told of it."""

from __future__ import annotations

import pytest

from kernel import errors
from kernel.adapters.files.partial import OutputClosed
from kernel.engine.replies import Outcome
from kernel.runtime.failed import Failed
from kernel.runtime.run_wait import SILENT_MS, RunWait, code_of, outcome_of, sentence_of
from kernel.runtime.signals import Terminated
from tests.support.workshop import HandClock

ENDS: list[tuple[BaseException, str, int]] = [
    (KeyboardInterrupt(), "cancelled", 130),
    (Terminated(), "cancelled", 143),
    (OutputClosed(32, "the reader has left"), "cancelled", 0),
    (errors.Incomplete("line 3 waits"), "error", 6),
    (errors.SealBroken("not ours"), "error", 5),
    (errors.RedisUnavailable("no answer"), "error", 4),
    (errors.OutputExists("it is there"), "error", 7),
    (errors.UsageError("no such thing"), "error", 2),
    (Failed("the producer has failed", code=7), "error", 7),
    (ZeroDivisionError("SECRET"), "error", 1),
]


@pytest.mark.parametrize(("error", "status", "code"), ENDS, ids=lambda value: str(value)[:20])
def test_each_end_is_an_outcome_and_the_outcome_is_the_exit_code(
    error: BaseException, status: str, code: int
) -> None:
    """The code of the error's own class, also where only the outcome has come across."""
    wait = RunWait("monday", HandClock())

    wait.end(error)

    assert (wait.outcome.status, code_of(wait.outcome)) == (status, code)
    if isinstance(error, errors.FundloadError):
        assert sentence_of(wait.outcome) == str(error)
        assert code == error.exit_code
    assert "SECRET" not in wait.outcome.reason


def test_the_rows_written_are_a_success_and_nothing_behind_it_counts() -> None:
    """First wins: a signal that comes when all is written takes nothing back."""
    wait = RunWait("monday", HandClock())

    wait.complete(12)
    wait.end(KeyboardInterrupt())

    assert wait.outcome == Outcome("success", {"lines": 12})
    assert code_of(wait.outcome) == errors.EXIT_DONE


def test_a_run_that_does_not_begin_in_time_expires_and_that_is_6() -> None:
    """At its deadline, not before; what is raised then changes nothing."""
    clock = HandClock()
    wait = RunWait("monday", clock, wait_ms=200)

    clock.pause_ms(199)
    assert not wait.is_over()
    clock.pause_ms(1)
    assert wait.is_over()
    wait.end(errors.Refused("not begun"))

    assert (wait.outcome.status, code_of(wait.outcome)) == ("timeout", errors.EXIT_INCOMPLETE)


def test_a_run_without_a_limit_is_waited_for_as_long_as_it_takes() -> None:
    """Each look is a sign of life."""
    clock = HandClock()
    wait = RunWait("monday", clock)
    for _ in range(10):
        clock.pause_ms(SILENT_MS - 1)
        assert not wait.is_over()


def test_of_a_long_sentence_only_the_beginning_is_told() -> None:
    """A failed process's last words stay on its terminal; the rest is one line that fits."""
    told = outcome_of(errors.Incomplete("the worker ended; its last words:\n" + "x" * 5_000))
    assert told.reason == "exit 6: the worker ended; its last words:"
    assert len(outcome_of(errors.Incomplete("y" * 5_000)).reason) < 1_100


@pytest.mark.parametrize(
    ("reason", "code"), [("exit 999: x", 1), ("exit 3: x", 1), ("", 6), ("exit five", 6)]
)
def test_a_code_that_is_none_of_ours_is_not_taken_over(reason: str, code: int) -> None:
    """Whoever can write Redis cannot make `wait` end with any number."""
    assert code_of(Outcome("error", None, reason)) == code
