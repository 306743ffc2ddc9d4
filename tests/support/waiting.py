"""Waiting for something to become true, with a deadline and a sentence; the only place that sleeps.

A fixed sleep is either too long or too short. This polls, ends as soon as it may, and when the
deadline passes it says what was waited for and what was seen last.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Seen = TypeVar("Seen")

#: How long to rest between two looks.
REST_S = 0.01


def wait_until(look: Callable[[], Seen], *, within_s: float, what: str) -> Seen:
    """Look again and again until what is seen is true, and return it.

    Raises:
        AssertionError: the deadline passed; names what was waited for and the last thing seen.
    """
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {within_s} s for {what}; last seen: {seen!r}")
        time.sleep(REST_S)
