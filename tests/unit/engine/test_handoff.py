"""Section 7, second half: a handoff that fails says which way, and nothing of the inner text."""

from __future__ import annotations

import pytest

from kernel.engine.envelope import Envelope
from kernel.engine.errors import (
    HandoffDecodeFailed,
    HandoffExecutionFailed,
    HandoffFailed,
    HandoffRoutingFailed,
    HandoffShutDown,
    HandoffTimedOut,
    HandoffTransportFailed,
    PlacementRefused,
    RoutingRefused,
)
from kernel.engine.handoff import ShutdownRequested, hand_over
from kernel.engine.runner import RunResult
from kernel.errors import (
    EXIT_BUG,
    EXIT_INTEGRITY,
    EXIT_REDIS,
    LedgerGone,
    RedisUnavailable,
    SealBroken,
)

SECRET = "customer 528, password hunter2"


def deliver_raising(error: Exception) -> HandoffFailed:
    """Hand something over to `limits` and return how it failed."""

    def deliver() -> None:
        raise error

    with pytest.raises(HandoffFailed) as failed:
        hand_over("limits", deliver)

    assert failed.value.__cause__ is error
    return failed.value


@pytest.mark.parametrize(
    ("inner", "fails_as", "kind", "message"),
    [
        (
            TimeoutError(SECRET),
            HandoffTimedOut,
            "timeout",
            "remote handoff timed out for group 'limits'",
        ),
        (
            ConnectionResetError(SECRET),
            HandoffTransportFailed,
            "transport",
            "remote handoff transport failed for group 'limits'",
        ),
        (
            RedisUnavailable(SECRET),
            HandoffTransportFailed,
            "transport",
            "remote handoff transport failed for group 'limits'",
        ),
        (
            ZeroDivisionError(SECRET),
            HandoffExecutionFailed,
            "execution",
            "remote handoff failed for group 'limits'",
        ),
        (
            RoutingRefused(SECRET, kind="batch", node="decide"),
            HandoffRoutingFailed,
            "routing",
            "remote handoff routing failed for group 'limits'",
        ),
        (
            PlacementRefused(SECRET),
            HandoffRoutingFailed,
            "routing",
            "remote handoff routing failed for group 'limits'",
        ),
        (
            SealBroken(SECRET),
            HandoffDecodeFailed,
            "decode",
            "remote handoff decode failed for group 'limits'",
        ),
        (
            UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, "bad"),
            HandoffDecodeFailed,
            "decode",
            "remote handoff decode failed for group 'limits'",
        ),
        (
            ShutdownRequested(SECRET),
            HandoffShutDown,
            "shutdown",
            "remote handoff shut down for group 'limits'",
        ),
    ],
)
def test_each_failure_has_its_kind_and_its_fixed_message(
    inner: Exception, fails_as: type[HandoffFailed], kind: str, message: str
) -> None:
    """The message names the group that failed and never the inner text."""
    failed = deliver_raising(inner)

    assert type(failed) is fails_as
    assert failed.kind == kind
    assert str(failed) == message
    assert failed.group == "limits"


@pytest.mark.parametrize(
    ("inner", "exit_code"),
    [
        (RedisUnavailable(), EXIT_REDIS),
        (LedgerGone(), EXIT_INTEGRITY),
        (ValueError(), EXIT_BUG),
    ],
)
def test_the_exit_code_is_that_of_the_world_s_failure(inner: Exception, exit_code: int) -> None:
    """That a handoff stood between changes nothing for the shell."""
    assert deliver_raising(inner).exit_code == exit_code
    assert HandoffFailed.exit_code == EXIT_BUG


def test_a_handoff_that_goes_well_returns_the_unit_s_answer() -> None:
    """And stops nothing."""
    stops: list[str] = []
    answer = hand_over("limits", lambda: ("APPENDED", 1), stop=lambda: stops.append("stopped"))

    assert answer == ("APPENDED", 1)
    assert stops == []


@pytest.mark.parametrize(
    "answer",
    [Envelope([1], "decided"), [Envelope([1], "decided")], ("APPENDED", RunResult())],
)
def test_an_envelope_that_comes_back_is_refused(answer: object) -> None:
    """Nothing returns over a boundary but the unit's own answer."""
    with pytest.raises(HandoffRoutingFailed):
        hand_over("limits", lambda: answer)


def test_after_a_failure_the_handoff_is_stopped() -> None:
    """Giving up tidily is part of failing."""
    stops: list[str] = []

    def deliver() -> None:
        raise TimeoutError

    with pytest.raises(HandoffTimedOut) as failed:
        hand_over("limits", deliver, stop=lambda: stops.append("stopped"))

    assert stops == ["stopped"]
    assert not failed.value.stop_failed


def test_if_stopping_fails_too_the_first_error_is_raised() -> None:
    """The first failure explains; the second is noted on it."""

    def deliver() -> None:
        raise TimeoutError

    def stop() -> None:
        raise ConnectionError

    with pytest.raises(HandoffTimedOut) as failed:
        hand_over("limits", deliver, stop=stop)

    assert failed.value.stop_failed
