"""Section 5, what only the form in memory can show: its laws, its bounds, and what it costs.

What both forms do is in `tests/contract/test_ports_outcomes.py`.
"""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.engine.errors import AlreadyInFlight
from kernel.engine.replies import (
    EVENTS_MAX,
    STALE_MAX,
    Counters,
    Event,
    Outcome,
    Waiter,
)

KEEP_MS = 50
OUTCOMES_MAX = 4
IDS = ("a", "b", "c", "d", "e", "f")

STATUS = {"complete": "success", "fail": "error", "cancel": "cancelled"}
COUNTED_AS = {
    "success": "completed",
    "error": "completed",
    "cancelled": "cancelled",
    "timeout": "expired",
}

Call = tuple[str, str, int]
calls = st.lists(
    st.tuples(
        st.sampled_from(("register", "extend", "complete", "fail", "cancel", "expire")),
        st.sampled_from(IDS),
        st.integers(0, 30),
    ),
    max_size=80,
)


class Book:
    """What a waiter must know, kept the slow way: lists that are searched from end to end."""

    def __init__(self) -> None:
        self.waits: dict[str, int] = {}
        self.ended: list[tuple[int, str, str]] = []
        self.seen: Counter[str] = Counter()

    def outcome_of(self, trace_id: str) -> str | None:
        """Return the status of an outcome that is still kept."""
        return next((status for _, name, status in self.ended if name == trace_id), None)

    def end(self, trace_id: str, status: str, now: int) -> None:
        """Come to an outcome."""
        del self.waits[trace_id]
        self.ended.append((now, trace_id, status))
        self.forget(now)
        self.seen[COUNTED_AS[status]] += 1

    def register(self, trace_id: str, deadline: int) -> None:
        """Wait, and forget what an earlier wait for the same came to."""
        self.ended = [kept for kept in self.ended if kept[1] != trace_id]
        self.waits[trace_id] = deadline
        self.seen["registered"] += 1

    def answered_in_vain(self, trace_id: str, now: int) -> None:
        """Count an answer that changes nothing."""
        self.forget(now)
        is_known = self.outcome_of(trace_id) is not None
        self.seen["duplicate_terminal" if is_known else "late_reply_drop"] += 1

    def counters(self) -> Counters:
        """Return what a waiter is to have counted."""
        return Counters(**self.seen, in_flight=len(self.waits))

    def forget(self, now: int) -> None:
        """Forget what is old, and what is too many."""
        self.ended = [kept for kept in self.ended if kept[0] + KEEP_MS > now][-OUTCOMES_MAX:]


def play(waiter: Waiter, book: Book, call: Call, now: int) -> None:
    """Make one call on both, and compare what they answer."""
    what, trace_id, number = call
    is_waited = trace_id in book.waits
    if what == "expire":
        due = sorted((deadline, name) for name, deadline in book.waits.items() if deadline <= now)
        assert waiter.expire(now) == tuple(name for _, name in due)
        for _, name in due:
            book.end(name, "timeout", now)
    elif what == "extend":
        assert waiter.extend(trace_id, now=now, timeout_ms=number + 1) is is_waited
        if is_waited:
            book.waits[trace_id] = now + number + 1
    elif what == "register":
        if is_waited:
            with pytest.raises(AlreadyInFlight):
                waiter.register(trace_id, now=now, timeout_ms=number + 1)
        else:
            waiter.register(trace_id, now=now, timeout_ms=number + 1)
            book.register(trace_id, now + number + 1)
    else:
        act = {"complete": waiter.complete, "fail": waiter.fail, "cancel": waiter.cancel}[what]
        assert act(trace_id, "why", now=now) is is_waited
        if is_waited:
            book.end(trace_id, STATUS[what], now)
        elif what != "cancel":
            book.answered_in_vain(trace_id, now)


@given(calls, st.integers(0, 10))
def test_a_waiter_counts_what_a_slow_book_counts(moves: list[Call], step: int) -> None:
    """Same answers, same outcomes, and registered = all outcomes + in flight, at every moment."""
    waiter, book = Waiter(keep_ms=KEEP_MS, outcomes_max=OUTCOMES_MAX), Book()

    for index, call in enumerate(moves):
        play(waiter, book, call, index * step)
        seen = waiter.counters()
        assert seen.registered == seen.completed + seen.cancelled + seen.expired + seen.in_flight
        assert seen == book.counters()

    now = len(moves) * step
    play(waiter, book, ("expire", "", 0), now)
    book.forget(now)
    for trace_id in IDS:
        outcome = waiter.poll(trace_id)
        assert (outcome.status if outcome else None) == book.outcome_of(trace_id)


def test_outcomes_are_kept_for_a_time_and_in_a_number() -> None:
    """A waiter nobody polls does not grow; whoever answers a forgotten id is late, not second."""
    waiter = Waiter(keep_ms=100, outcomes_max=2)
    for at, trace_id in enumerate("abc"):
        waiter.register(trace_id, now=at, timeout_ms=10)
        waiter.complete(trace_id, at, now=at)

    assert waiter.poll("a") is None
    assert waiter.poll("b") == Outcome("success", 1)

    waiter.expire(101)
    assert (waiter.poll("b"), waiter.poll("c")) == (None, Outcome("success", 2))
    assert not waiter.complete("b", 1, now=101)
    assert waiter.counters().late_reply_drop == 1


def test_diagnostics_keep_the_last_events_without_payloads_or_texts() -> None:
    """The newest 256, each with its time, what it was and the id; nothing of what was said."""
    waiter = Waiter()
    for at in range(100):
        waiter.register(f"r:{at}", now=at, timeout_ms=10)
        waiter.fail(f"r:{at}", "SECRET", now=at)
        waiter.complete(f"r:{at}", "SECRET", now=at)

    events = waiter.diagnostics()
    assert len(events) == EVENTS_MAX
    assert events[-3:] == (
        Event(99, "registered", "r:99"),
        Event(99, "error", "r:99"),
        Event(99, "duplicate", "r:99"),
    )
    assert "SECRET" not in repr(events)


def test_a_look_at_the_deadlines_costs_no_more_with_many_in_flight() -> None:
    """Steps counted, not time: with 20,000 in flight a look that finds nothing compares nothing."""
    waiter = Waiter()
    for at in range(20_000):
        waiter.register(f"r:{at}", now=at, timeout_ms=1_000_000)
    calls_made = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls_made
        calls_made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        ended = waiter.expire(20_000)
    finally:
        sys.setprofile(None)

    assert ended == ()
    assert calls_made < 20


def test_deadlines_that_are_moved_on_for_ever_take_no_more_room() -> None:
    """A run that gives a sign of life each second for a year keeps one deadline, not millions."""
    waiter = Waiter()
    waiter.register("r", now=0, timeout_ms=5)
    for now in range(10_000):
        waiter.extend("r", now=now, timeout_ms=5)

    held = [value for value in vars(waiter).values() if isinstance(value, list)]
    assert max(len(value) for value in held) <= 2 + STALE_MAX
    assert waiter.expire(10_003) == ()
    assert waiter.expire(10_004) == ("r",)
