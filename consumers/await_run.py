"""The verb `wait`: another process waits for a run, and learns what became of it.

Here: looking, as often as it takes, at what the run's own processes have told the ledger. Not here:
who tells it (`kernel.runtime.run_wait`). A wait reads and, where nobody gives a sign of life for
a run any more, expires it; it never touches the run itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kernel.adapters.redis import keys
from kernel.adapters.redis.attached import Attached
from kernel.adapters.redis.client import Client
from kernel.adapters.redis.outcomes import RedisOutcomes
from kernel.adapters.redis.status import read_run, was_submitted
from kernel.engine.replies import Outcome
from kernel.errors import Incomplete
from kernel.ledger.units import RunView
from kernel.runtime.build import SAID_MS, awaited, reached
from kernel.runtime.patience import LOOK_MS, SystemClock, patiently
from kernel.runtime.run_wait import RunWait

#: How often it is looked whether a run still gives signs of life.
EXPIRE_MS = 1_000


class Seen(NamedTuple):
    """One look: what the run came to, if anything, and its record, if it has begun."""

    outcome: Outcome | None
    view: RunView | None


class Watched:
    """One run of one ledger, as any process can see it."""

    def __init__(self, client: Client, ledger: str, run: str, outcomes: RedisOutcomes) -> None:
        self._client = client
        self._ledger = ledger
        self._run = run
        self._outcomes = outcomes

    def look(self) -> Seen:
        """Look once.

        Raises:
            LedgerGone, StoreUnavailable: as they say.
        """
        # In this order: a run that ends between two of these looks is in flight at the first one.
        is_in_flight = self._outcomes.is_in_flight(self._run)
        outcome = self._outcomes.poll(self._run)
        view = read_run(self._client, self._ledger, self._run)
        if outcome is None and not is_in_flight and (is_complete(view) or self._is_told(view)):
            # It was collected so long ago that its outcome is forgotten; its record is not.
            outcome = Outcome("success")
        return Seen(outcome, view)

    def _is_told(self, view: RunView | None) -> bool:
        """Say whether the run is a client's, finished and answered: nobody else will collect it."""
        is_answered = view is not None and view.lines is not None and view.answers >= view.lines
        return is_answered and was_submitted(self._client, self._ledger, self._run)

    def expire(self) -> None:
        """End the waits that nobody gives a sign of life for.

        Raises:
            LedgerGone, StoreUnavailable: as they say.
        """
        self._outcomes.expire()


def is_complete(view: RunView | None) -> bool:
    """Say whether all rows of a run are safe with a collector."""
    return view is not None and view.lines is not None and view.written >= view.lines


def wait_for_end(
    redis_url: str, ledger: str, run: str, *, timeout_ms: int | None, say: Callable[[str], None]
) -> Seen:
    """Wait until it is known what became of a run, also of one that has not begun yet.

    Raises:
        Incomplete: it is not known within `timeout_ms` (None is for ever).
        LedgerGone: the ledger is not there any more.
        RedisUnsuitable, StoreUnavailable: the server is not fit, or stays away.
    """
    keys.check_name(ledger, "ledger")
    keys.check_name(run, "run")
    clock = SystemClock()
    wait = RunWait(run, clock, wait_ms=timeout_ms)
    client = reached(redis_url)
    record = awaited(client, ledger, clock, timeout_ms, say)
    outcomes = RedisOutcomes(Attached(client, ledger, record))
    watched = Watched(client, ledger, run, outcomes)
    said, expired = clock.now_ms(), 0
    while True:
        seen = patiently(clock, watched.look)
        if seen.outcome is not None:
            return seen
        if wait.is_over():
            within_s = (timeout_ms or 0) / 1000
            raise Incomplete(f"run {run} has not ended within {within_s:g} s: {so_far(seen)}")
        now = clock.now_ms()
        if now - expired >= EXPIRE_MS:
            patiently(clock, watched.expire)
            expired = now
        if now - said >= SAID_MS:
            say(f"waiting for run {run}: {so_far(seen)}")
            said = now
        clock.pause_ms(LOOK_MS)


def so_far(seen: Seen) -> str:
    """Say how far a run is that has not ended."""
    view = seen.view
    if view is None:
        return "it has not begun"
    total = "an unknown number of" if view.lines is None else f"{view.lines:,}"
    return f"{view.answers:,} of {total} lines are answered, {view.written:,} written"
