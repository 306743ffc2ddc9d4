"""Fault points: before and after every effect of a fleet process, a place where it can be killed.

Off unless the environment names one: `FUNDLOAD_FAULT=<role>.<effect>.<before|after>.<n>` kills the
process with SIGKILL at that effect's n-th time. The points lie around the ports, the bell and the
output as they are handed to a process, so an effect cannot be added without its two points.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from kernel.errors import UsageError

VARIABLE: Final = "FUNDLOAD_FAULT"
#: Effects by role, in the words of the ports, of the bell and of the output file.
EFFECTS: Final[dict[str, tuple[str, ...]]] = {
    "producer": ("open", "read_ids", "append", "ring", "finish", "leave"),
    "worker": ("tick", "take", "load", "commit", "fail", "ring", "wait", "end_shift"),
    "collector": ("open", "read", "settle", "write", "checkpoint", "ack", "leave", "finish"),
}
#: Every fault point there is.
POINTS: Final = tuple(
    f"{role}.{effect}.{when}"
    for role, effects in EFFECTS.items()
    for effect in effects
    for when in ("before", "after")
)

Target = TypeVar("Target")


def mortal(role: str, target: Target) -> Target:
    """Return what was given, or in its place one that dies where the environment says.

    Raises:
        UsageError: the environment names a point that does not exist.
    """
    named = os.environ.get(VARIABLE)
    if named is None:
        return target
    point, _, time = named.rpartition(".")
    if point not in POINTS or not time.isdecimal():
        raise UsageError(f"{VARIABLE} names no fault point; take one of {', '.join(POINTS)}")
    where, effect, when = point.split(".")
    if where != role or not hasattr(target, effect):
        return target
    return cast("Target", _Mortal(target, effect, when, int(time)))


class _Mortal:
    """Stands in for a port, a bell or an output, and ends the process at one call."""

    def __init__(self, target: object, effect: str, when: str, time: int) -> None:
        self._target = target
        self._effect = effect
        self._when = when
        self._left = time

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the target has
        found = getattr(self._target, name)
        return self._dying(found) if name == self._effect else found

    def _dying(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - handed on as it came
            self._left -= 1
            if not self._left and self._when == "before":
                die()
            answer = act(*arguments, **named)
            if not self._left and self._when == "after":
                die()
            return answer

        return call


def die() -> None:
    """End this process as a power cut would: nothing is flushed, nobody is told."""
    os.kill(os.getpid(), signal.SIGKILL)
