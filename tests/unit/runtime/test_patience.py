"""Waiting for a run's lease: for how long, and who is taken for dead."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import pytest

from kernel.errors import LeaseHeld
from kernel.ledger.ports import StoreFull, StoreUnavailable
from kernel.ledger.units import OpenAnswer
from kernel.runtime.patience import AWAY_MS_MAX, Absence, leased, patiently

LEASE_MS = 5_000
ANSWER_MS = 2


class Time:
    """A clock that passes only by pauses and by what a store takes."""

    def __init__(self) -> None:
        self.now = 0

    def now_ms(self) -> int:
        """Return the time."""
        return self.now

    def pause_ms(self, duration: int) -> None:
        """Let time pass."""
        self.now += duration


class LeasedRun:
    """A run that belongs to somebody until a deadline, on a store that once answers late."""

    def __init__(self, time: Time, *, until: int, slow_at: int = -1, slow_ms: int = 0) -> None:
        self._time = time
        self._until = until
        self._slow_at = slow_at
        self._slow_ms = slow_ms
        #: Whether the late answer comes after a renewal that the owner had asked for before.
        self.renews = False
        #: Whether the owner lives, and renews whenever it is looked at.
        self.lives = False

    def open(self, *, run: str, owner: str, kind: Literal["produce", "collect"]) -> OpenAnswer:
        """Answer as the store does."""
        del run, owner, kind
        answered = self._time.now
        if 0 <= self._slow_at <= self._time.now:
            self._time.now += self._slow_ms
            self._slow_at = -1
            if self.renews:
                answered = self._time.now
                self._until = answered + LEASE_MS
        self._time.now += ANSWER_MS
        if self.lives:
            self._until = self._time.now + LEASE_MS
        return OpenAnswer("WAIT" if answered < self._until else "OPENED")


def opened(time: Time, run: LeasedRun) -> str:
    """Wait for the run, and return the answer."""
    return leased(time, run, run="monday", owner="me", kind="produce", lease_ms=LEASE_MS).status


def test_the_lease_of_a_dead_owner_is_waited_for() -> None:
    """It has at most its whole length left."""
    time = Time()

    assert opened(time, LeasedRun(time, until=LEASE_MS)) == "OPENED"
    assert time.now <= LEASE_MS + 200


def test_a_lease_that_is_renewed_meanwhile_is_refused() -> None:
    """Its owner is alive, and two would get into each other's way."""
    time = Time()
    run = LeasedRun(time, until=LEASE_MS)
    run.lives = True

    with pytest.raises(LeaseHeld, match="is being fed by another process"):
        opened(time, run)
    assert time.now <= LEASE_MS + 500


@pytest.mark.parametrize("slow_at", [0, 2_000, 4_900])
def test_an_owner_whose_last_word_came_late_is_still_dead(slow_at: int) -> None:
    """The store stood still, and when it went on it carried out what the dead had asked for."""
    time = Time()
    run = LeasedRun(time, until=LEASE_MS, slow_at=slow_at, slow_ms=4_000)
    run.renews = True

    assert opened(time, run) == "OPENED"


def test_an_answer_that_was_overtaken_refuses_nobody() -> None:
    """This process was frozen after the store had answered: the lease may be over by now."""
    time = Time()

    assert opened(time, LeasedRun(time, until=4_000, slow_at=3_000, slow_ms=60_000)) == "OPENED"


class Store:
    """A store that refuses until a moment, and then answers."""

    def __init__(self, time: Time, refusal: Exception, until: int) -> None:
        self._time = time
        self._refusal = refusal
        self._until = until

    def ask(self) -> str:
        """Answer, or refuse."""
        if self._time.now < self._until:
            raise self._refusal
        return "answered"


def test_a_full_store_is_waited_for_without_end_and_what_is_held_is_renewed() -> None:
    """Workers drain it, however long that takes; meanwhile a lease must not run out."""
    time, renewed = Time(), list[int]()
    full = Store(time, StoreFull("full"), until=10 * AWAY_MS_MAX)

    answer = patiently(time, full.ask, renew=lambda: renewed.append(time.now))

    assert answer == "answered"
    assert max(b - a for a, b in pairwise(renewed)) < LEASE_MS


def test_a_store_that_is_away_is_given_up_after_a_minute() -> None:
    """And not before: one that is back in time has answered."""
    time = Time()
    away = Store(time, StoreUnavailable("away"), until=AWAY_MS_MAX)
    assert patiently(time, away.ask) == "answered"

    time = Time()
    with pytest.raises(StoreUnavailable):
        patiently(time, Store(time, StoreUnavailable("away"), until=2 * AWAY_MS_MAX).ask)
    assert AWAY_MS_MAX <= time.now < 2 * AWAY_MS_MAX


def test_an_absence_is_counted_from_its_first_failure_and_anew_after_an_answer() -> None:
    """A minute of failures is too long; one answer in between, and the minute begins again."""
    time = Time()
    absence = Absence(time)
    assert not absence.is_too_long()
    time.pause_ms(AWAY_MS_MAX - 1)
    assert not absence.is_too_long()
    time.pause_ms(1)
    assert absence.is_too_long()

    absence.ended()

    assert not absence.is_too_long()
