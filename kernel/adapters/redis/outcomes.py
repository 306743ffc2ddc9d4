"""Reply correlation on Redis: any process may wait for what another one answers.

The same behaviour as `kernel.engine.replies.Waiter`, under the same suite. The keys are the
ledger's, so they go with it; a payload is a JSON value, and a small one.

1. Time is the server's, the only clock that all processes share; only tests pass a number.
2. A repeat after a lost answer is no second outcome: `register` is told that it is in flight, an
   answer counts as a duplicate, and `poll` says what it came to.
3. A ledger that is gone raises `LedgerGone` from every method, a store that is away
   `StoreUnavailable`. Waits may grow a full store: they are few and small.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from kernel.adapters.redis.client import command, store_errors
from kernel.adapters.redis.scripts import Scripts
from kernel.engine.errors import AlreadyInFlight
from kernel.engine.replies import (
    EXPIRED,
    Counters,
    Event,
    Outcome,
    What,
    check_wait,
)
from kernel.ledger.ports import gone

if TYPE_CHECKING:
    from kernel.adapters.redis.attached import Attached
    from kernel.adapters.redis.client import Argument

#: Outcomes of runs are few, and somebody may ask on the Monday after.
KEEP_MS = 7 * 24 * 3_600_000
OUTCOMES_MAX = 10_000
#: Waits that end in one step of the server's.
EXPIRED_AT_ONCE = 1_000


class RedisOutcomes:
    """What is waited for on one ledger; one thread at a time."""

    def __init__(
        self, ledger: Attached, *, keep_ms: int = KEEP_MS, outcomes_max: int = OUTCOMES_MAX
    ) -> None:
        """Bound how long outcomes are kept (milliseconds), and how many."""
        self._ledger = ledger
        self._scripts = Scripts(ledger.client)
        self._bounds = (keep_ms, outcomes_max)

    def register(self, trace_id: str, *, timeout_ms: int, now: int | None = None) -> None:
        """Wait for an answer. An id that has come to an outcome may be waited for again.

        Raises:
            AlreadyInFlight: it is waited for already, or this is a repeat.
            WaitRefused: the id is empty, or the time-out is not a positive int.
        """
        check_wait(trace_id, timeout_ms)
        if self._step("register", now, trace_id, timeout_ms, *self._bounds)[0] == b"IN_FLIGHT":
            raise AlreadyInFlight(trace_id)

    def extend(self, trace_id: str, *, timeout_ms: int, now: int | None = None) -> bool:
        """Move the deadline of what is in flight. False: it is not.

        Raises:
            WaitRefused: as `register` does.
        """
        check_wait(trace_id, timeout_ms)
        flights = self._ledger.key("flights")
        seconds, micros = self._read(("TIME",))[0]
        at = int(seconds) * 1000 + int(micros) // 1000 if now is None else now
        moved = (("ZADD", flights, "XX", at + timeout_ms, trace_id), ("ZSCORE", flights, trace_id))
        return self._read(*moved)[1] is not None

    def complete(self, trace_id: str, payload: object, *, now: int | None = None) -> bool:
        """Answer. True: this was the first; otherwise it is counted and changes nothing.

        Raises:
            TypeError, ValueError: the payload is no JSON value.
        """
        return self._conclude(trace_id, Outcome("success", payload), now)

    def fail(self, trace_id: str, reason: str, *, now: int | None = None) -> bool:
        """Answer with an error; as `complete`."""
        return self._conclude(trace_id, Outcome("error", None, reason), now)

    def cancel(self, trace_id: str, reason: str, *, now: int | None = None) -> bool:
        """Stop waiting. False: it is not waited for; that is not counted."""
        return self._conclude(trace_id, Outcome("cancelled", None, reason), now)

    def expire(self, now: int | None = None) -> tuple[str, ...]:
        """End what is due, and return the ids, earliest deadline first."""
        ended: list[str] = []
        while True:
            step = self._step("expire", now, _text(EXPIRED), *self._bounds, EXPIRED_AT_ONCE)
            ended += [trace_id.decode() for trace_id in step[1:]]
            if len(step) <= EXPIRED_AT_ONCE:
                return tuple(ended)

    def poll(self, trace_id: str) -> Outcome | None:
        """Return what it came to, as often as asked; None: in flight, unknown or forgotten."""
        (found,) = self._read(("HGET", self._ledger.key("outcomes"), trace_id))
        return None if found is None else Outcome(*json.loads(found))

    def is_in_flight(self, trace_id: str) -> bool:
        """Say whether it is waited for."""
        return self._read(("ZSCORE", self._ledger.key("flights"), trace_id))[0] is not None

    def counters(self) -> Counters:
        """Return what was counted so far, by whomever."""
        waited, flights = (self._ledger.key(name) for name in ("waited", "flights"))
        flat, in_flight = self._read(("HGETALL", waited), ("ZCARD", flights))
        pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
        return Counters(**{name.decode(): int(n) for name, n in pairs}, in_flight=in_flight)

    def diagnostics(self) -> tuple[Event, ...]:
        """Return the last events, oldest first."""
        (log,) = self._read(("LRANGE", self._ledger.key("flight_log"), 0, -1))
        return tuple(_event(entry.decode()) for entry in reversed(log))

    def _conclude(self, trace_id: str, outcome: Outcome, now: int | None) -> bool:
        step = self._step("conclude", now, trace_id, outcome.status, _text(outcome), *self._bounds)
        return bool(step[0] == b"FIRST")

    def _step(self, script: str, now: int | None, *arguments: Argument) -> list[Any]:
        ledger = self._ledger
        first = (ledger.record.incarnation, "" if now is None else now * 1000)
        step = self._scripts.run(script, [ledger.record_key], [*first, *arguments])
        if step[0] == b"GONE":
            raise gone(f"ledger {ledger.name}")
        return step

    def _read(self, *commands: tuple[Argument, ...]) -> list[Any]:
        """Send plain commands in one step, behind a look whether the ledger is the same one."""
        ledger = self._ledger
        with store_errors():
            pipe = ledger.client.pipeline(transaction=True)
            pipe.hget(ledger.record_key, "incarnation")
            for parts in commands:
                command(pipe, *parts)
            incarnation, *answers = pipe.execute()
        if incarnation is None or incarnation.decode() != ledger.record.incarnation:
            raise gone(f"ledger {ledger.name}")
        return answers


def _text(outcome: Outcome) -> str:
    return json.dumps(outcome, allow_nan=False, separators=(",", ":"))


def _event(entry: str) -> Event:
    at_ms, what, trace_id = entry.split(" ", 2)
    return Event(int(at_ms), cast("What", what), trace_id)
