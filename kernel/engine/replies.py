"""Reply correlation: who waits for which answer, and the one outcome that each wait comes to.

Here: the outcomes, and the form of the waiter that lives in one process. Not here: the form that
other processes can ask (`kernel.adapters.redis.outcomes`; one suite holds both to one behaviour),
who waits for what, time. All times are milliseconds of whatever clock the caller keeps to.

1. A wait comes to exactly one outcome, whichever is first: an answer, an error, a cancel, or a
   deadline that somebody has looked at (`expire`). One that nobody looked at takes no answer away.
2. An answer that comes behind an outcome is a duplicate, one for an id that is not known is late.
   Both are counted and change nothing.
3. Outcomes are kept for a bounded time and in a bounded number, so a waiter nobody polls does not
   grow; one that is forgotten makes its id unknown again.
4. What is kept for diagnosis names what happened to which id: no payload, no text of an error.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Literal, NamedTuple

from kernel.engine.errors import AlreadyInFlight, WaitRefused

Status = Literal["success", "error", "cancelled", "timeout"]
What = Literal["registered", "success", "error", "cancelled", "timeout", "duplicate", "late"]

#: How long an outcome is kept, and how many of them.
KEEP_MS = 600_000
OUTCOMES_MAX = 65_536
#: Events kept for diagnosis.
EVENTS_MAX = 256
#: Deadlines that were moved or are no longer waited for may make up this much beside half the heap.
STALE_MAX = 64


class Outcome(NamedTuple):
    """What a wait came to. `payload` is a success's; the others have a reason, as a sentence."""

    status: Status
    payload: object = None
    reason: str = ""


#: What a wait comes to when its deadline has passed.
EXPIRED = Outcome("timeout", None, "no answer in time")


class Counters(NamedTuple):
    """What a waiter has seen: registered = completed + cancelled + expired + in_flight."""

    registered: int = 0
    #: Answers that were the first: successes and errors.
    completed: int = 0
    cancelled: int = 0
    expired: int = 0
    #: Answers behind an outcome.
    duplicate_terminal: int = 0
    #: Answers to what nobody waits for.
    late_reply_drop: int = 0
    in_flight: int = 0


class Event(NamedTuple):
    """Something that happened to an id."""

    at_ms: int
    what: What
    trace_id: str


def check_wait(trace_id: object, timeout_ms: object) -> None:
    """Refuse an id that names nothing, and a time that is none.

    Raises:
        WaitRefused: naming the argument.
    """
    if not isinstance(trace_id, str) or not trace_id:
        raise WaitRefused("trace_id", "must be a text that is not empty")
    if isinstance(timeout_ms, bool) or not isinstance(timeout_ms, int) or timeout_ms <= 0:
        raise WaitRefused("timeout_ms", "must be a positive whole number of milliseconds")


class Waiter:
    """Waits for answers, in this process; nothing of it blocks."""

    def __init__(self, *, keep_ms: int = KEEP_MS, outcomes_max: int = OUTCOMES_MAX) -> None:
        """Bound how long outcomes are kept (milliseconds), and how many."""
        self._keep_ms = keep_ms
        self._outcomes_max = outcomes_max
        self._deadlines: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        self._outcomes: dict[str, tuple[int, Outcome]] = {}  # oldest first
        self._counts = dict.fromkeys(Counters._fields, 0)
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)

    def register(self, trace_id: str, *, now: int, timeout_ms: int) -> None:
        """Wait for an answer. An id that has come to an outcome may be waited for again.

        Raises:
            AlreadyInFlight: it is waited for already.
            WaitRefused: the id is empty, or the time-out is not a positive int.
        """
        check_wait(trace_id, timeout_ms)
        if trace_id in self._deadlines:
            raise AlreadyInFlight(trace_id)
        self._forget(now)
        self._outcomes.pop(trace_id, None)
        self._counts["registered"] += 1
        self._note(now, "registered", trace_id)
        self._set_deadline(trace_id, now + timeout_ms)

    def extend(self, trace_id: str, *, now: int, timeout_ms: int) -> bool:
        """Move the deadline of what is in flight: there was a sign of life. False: it is not.

        Raises:
            WaitRefused: as `register` does.
        """
        check_wait(trace_id, timeout_ms)
        if trace_id not in self._deadlines:
            return False
        self._set_deadline(trace_id, now + timeout_ms)
        return True

    def complete(self, trace_id: str, payload: object, *, now: int) -> bool:
        """Answer. True: this was the first; otherwise it is counted and changes nothing."""
        return self._answer(trace_id, Outcome("success", payload), now)

    def fail(self, trace_id: str, reason: str, *, now: int) -> bool:
        """Answer with an error; as `complete`."""
        return self._answer(trace_id, Outcome("error", None, reason), now)

    def cancel(self, trace_id: str, reason: str, *, now: int) -> bool:
        """Stop waiting. False: it is not waited for; a wish is no answer, so it is not counted."""
        if trace_id not in self._deadlines:
            return False
        self._end(trace_id, Outcome("cancelled", None, reason), now)
        self._forget(now)
        return True

    def expire(self, now: int) -> tuple[str, ...]:
        """End all waits whose deadline is `now` or before, and return their ids, earliest first."""
        ended = []
        while self._heap and self._heap[0][0] <= now:
            deadline, trace_id = heapq.heappop(self._heap)
            if self._deadlines.get(trace_id) == deadline:
                self._end(trace_id, EXPIRED, now)
                ended.append(trace_id)
        for trace_id in sorted(ended):  # of one moment, the first by name are forgotten first
            self._outcomes[trace_id] = self._outcomes.pop(trace_id)
        self._forget(now)
        return tuple(ended)

    def poll(self, trace_id: str) -> Outcome | None:
        """Return what it came to, as often as asked; None: in flight, unknown or forgotten."""
        kept = self._outcomes.get(trace_id)
        return None if kept is None else kept[1]

    def counters(self) -> Counters:
        """Return what was counted so far."""
        return Counters(**{**self._counts, "in_flight": len(self._deadlines)})

    def diagnostics(self) -> tuple[Event, ...]:
        """Return the last events, oldest first."""
        return tuple(self._events)

    def _answer(self, trace_id: str, outcome: Outcome, now: int) -> bool:
        if trace_id in self._deadlines:
            self._end(trace_id, outcome, now)
            self._forget(now)
            return True
        self._forget(now)
        is_known = trace_id in self._outcomes
        self._counts["duplicate_terminal" if is_known else "late_reply_drop"] += 1
        self._note(now, "duplicate" if is_known else "late", trace_id)
        return False

    def _end(self, trace_id: str, outcome: Outcome, now: int) -> None:
        del self._deadlines[trace_id]
        self._counts[COUNTED[outcome.status]] += 1
        self._note(now, outcome.status, trace_id)
        self._outcomes[trace_id] = (now, outcome)

    def _set_deadline(self, trace_id: str, deadline: int) -> None:
        self._deadlines[trace_id] = deadline
        heapq.heappush(self._heap, (deadline, trace_id))
        if len(self._heap) > 2 * len(self._deadlines) + STALE_MAX:
            self._heap = [(due, waiting) for waiting, due in self._deadlines.items()]
            heapq.heapify(self._heap)

    def _forget(self, now: int) -> None:
        while self._outcomes:
            oldest = next(iter(self._outcomes))
            is_old = self._outcomes[oldest][0] + self._keep_ms <= now
            if not is_old and len(self._outcomes) <= self._outcomes_max:
                return
            del self._outcomes[oldest]

    def _note(self, now: int, what: What, trace_id: str) -> None:
        self._events.append(Event(now, what, trace_id))


#: The counter of each way to end.
COUNTED: dict[Status, str] = {
    "success": "completed",
    "error": "completed",
    "cancelled": "cancelled",
    "timeout": "expired",
}
