"""Giving work to another group: one call, six ways to fail, each told apart by a fixed message.

The engine does not know how work crosses a boundary; it is given a function that does it (a unit of
work). What is here is how its failures are named, that nothing may come back through it, and which
error counts when giving up fails too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

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
from kernel.engine.runner import RunResult
from kernel.errors import FundloadError, RedisUnavailable, SealBroken, WrongPosition

Answer = TypeVar("Answer")


class ShutdownRequested(Exception):
    """Raised by a unit of work that was told to stop before it had acted."""


#: The first entry that fits gives the kind; what fits none failed in the execution.
FAILURES: tuple[tuple[type[BaseException], type[HandoffFailed]], ...] = (
    (TimeoutError, HandoffTimedOut),
    (ShutdownRequested, HandoffShutDown),
    (RoutingRefused, HandoffRoutingFailed),
    (PlacementRefused, HandoffRoutingFailed),
    (SealBroken, HandoffDecodeFailed),
    (WrongPosition, HandoffDecodeFailed),
    (UnicodeError, HandoffDecodeFailed),
    (RedisUnavailable, HandoffTransportFailed),
    (OSError, HandoffTransportFailed),
)


def hand_over(
    group: str,
    deliver: Callable[[], Answer],
    *,
    stop: Callable[[], object] | None = None,
) -> Answer:
    """Give work to another group.

    Args:
        group: The group that is to get it, for the message.
        deliver: The unit's call. Its answer may be any value that carries no envelope.
        stop: Called after a failure, to give up tidily.

    Raises:
        HandoffFailed: one of its six kinds; the inner error is its cause. If stopping fails too,
            this first error is raised all the same and says so in `stop_failed`.
    """
    try:
        answer = deliver()
        _refuse_envelopes(answer)
    except Exception as inner:
        failed = failure_of(inner, group=group)
        if stop is not None:
            try:
                stop()
            except Exception:  # noqa: BLE001 - the first error explains; this one is noted on it
                failed.stop_failed = True
        raise failed from inner
    return answer


def failure_of(inner: BaseException, *, group: str) -> HandoffFailed:
    """Name what went wrong; the exit code is that of the inner error, if it has one."""
    kind = next(
        (kind for fits, kind in FAILURES if isinstance(inner, fits)), HandoffExecutionFailed
    )
    failed = kind(group)
    if isinstance(inner, FundloadError):
        failed.exit_code = inner.exit_code
    return failed


def _refuse_envelopes(answer: object) -> None:
    parts = answer if isinstance(answer, list | tuple) else (answer,)
    for part in parts:
        if isinstance(part, Envelope | RunResult):
            why = "it came back over a boundary, and nothing may"
            raise RoutingRefused(why, kind=getattr(part, "kind", "run result"), node=None)
