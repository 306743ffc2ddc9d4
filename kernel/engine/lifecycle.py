"""The life of a fleet as a table: which state follows which, on what event.

    init → starting → ready → running → draining → stopped

Beside this line there are five failures. Three of them (`start_failed`, `not_ready`,
`worker_failed`) are left by draining like any other state; `stop_timeout` is left by killing what
did not stop; `stop_failed` is an end. Here: states, events, the table. Not here: processes, time.

1. What is not in the table is an error and changes nothing.
2. The first failure is remembered: it is the reason, whatever the stopping adds to it.
3. The README shows what `drawn` returns, and a test holds it to that.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a fleet is in its life."""

    INIT = "init"
    STARTING = "starting"
    READY = "ready"
    RUNNING = "running"
    DRAINING = "draining"
    STOPPED = "stopped"
    START_FAILED = "start_failed"
    NOT_READY = "not_ready"
    WORKER_FAILED = "worker_failed"
    STOP_TIMEOUT = "stop_timeout"
    STOP_FAILED = "stop_failed"


class Event(Enum):
    """What happens to a fleet."""

    START = "start"
    #: A process could not be started, or ended before it was ready.
    START_ERROR = "start_error"
    #: Not every worker said in time that it is ready.
    READY_LATE = "ready_late"
    #: Every worker has said that it is ready.
    ALL_READY = "all_ready"
    #: The lines begin to flow.
    RUN = "run"
    #: A worker ended again and again, or a process on which the run depends failed.
    WORKER_LOST = "worker_lost"
    #: Ask everybody to stop.
    DRAIN = "drain"
    #: Nobody is left.
    ALL_STOPPED = "all_stopped"
    #: Somebody did not stop in time and is killed.
    GRACE_OVER = "grace_over"
    #: Somebody cannot even be killed.
    STOP_ERROR = "stop_error"


FAILURES = frozenset(
    {
        State.START_FAILED,
        State.NOT_READY,
        State.WORKER_FAILED,
        State.STOP_TIMEOUT,
        State.STOP_FAILED,
    }
)

TRANSITIONS: dict[State, dict[Event, State]] = {
    State.INIT: {Event.START: State.STARTING},
    State.STARTING: {
        Event.ALL_READY: State.READY,
        Event.START_ERROR: State.START_FAILED,
        Event.READY_LATE: State.NOT_READY,
        Event.WORKER_LOST: State.WORKER_FAILED,
        Event.DRAIN: State.DRAINING,
    },
    State.READY: {
        Event.RUN: State.RUNNING,
        Event.WORKER_LOST: State.WORKER_FAILED,
        Event.DRAIN: State.DRAINING,
    },
    State.RUNNING: {
        Event.WORKER_LOST: State.WORKER_FAILED,
        Event.DRAIN: State.DRAINING,
    },
    State.START_FAILED: {Event.DRAIN: State.DRAINING},
    State.NOT_READY: {Event.DRAIN: State.DRAINING},
    State.WORKER_FAILED: {Event.DRAIN: State.DRAINING},
    State.DRAINING: {
        Event.ALL_STOPPED: State.STOPPED,
        Event.GRACE_OVER: State.STOP_TIMEOUT,
        Event.STOP_ERROR: State.STOP_FAILED,
    },
    State.STOP_TIMEOUT: {
        Event.ALL_STOPPED: State.STOPPED,
        Event.STOP_ERROR: State.STOP_FAILED,
    },
    State.STOPPED: {},
    State.STOP_FAILED: {},
}


class NotInTable(Exception):
    """An event came in a state that does not know it: a bug of ours."""

    def __init__(self, state: State, event: Event) -> None:
        """Name both."""
        super().__init__(f"a fleet that is {state.value} knows no {event.value}")
        self.state = state
        self.event = event


class Lifecycle:
    """One fleet's way through the table."""

    def __init__(self) -> None:
        self.state = State.INIT
        self.failure: State | None = None

    def on(self, event: Event) -> State:
        """Go where the table says, and return the new state.

        Raises:
            NotInTable: the state does not know the event; nothing has changed.
        """
        state = TRANSITIONS[self.state].get(event)
        if state is None:
            raise NotInTable(self.state, event)
        self.state = state
        if state in FAILURES and self.failure is None:
            self.failure = state
        return state
