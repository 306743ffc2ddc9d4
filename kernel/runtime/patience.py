"""Time for a process, and what it does while the store is away or a run belongs to somebody else.

Everything that waits waits here: on a clock that is given, so that the simulator's time is its own.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal, Protocol, TypeVar

from kernel.errors import LeaseHeld
from kernel.ledger.ports import LeasePort, StoreFull, StoreUnavailable, gone
from kernel.ledger.units import OpenAnswer

Answer = TypeVar("Answer")

#: A store that is away for longer ends the process (exit 4).
AWAY_MS_MAX = 60_000
#: Pause before the store is asked again: from, and doubled up to.
RETRY_MS = 20
RETRY_MS_MAX = 500
#: Pause between two looks at a lease or a run that belongs to somebody else, or is not there yet.
LOOK_MS = 100


class Clock(Protocol):
    """Time for a process: from some point in the past, and the only way to pause."""

    def now_ms(self) -> int:
        """Milliseconds, never backwards."""

    def pause_ms(self, duration: int) -> None:
        """Wait; returns early when the process is told to stop."""


class SystemClock:
    """The machine's clock; `stop` ends a pause early."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now_ms(self) -> int:
        """Milliseconds since the machine started."""
        return time.monotonic_ns() // 1_000_000

    def pause_ms(self, duration: int) -> None:
        """Wait, unless stopped."""
        self._stopped.wait(duration / 1000)

    def stop(self) -> None:
        """End this pause and all later ones at once."""
        self._stopped.set()


def patiently(
    clock: Clock, ask: Callable[[], Answer], *, renew: Callable[[], object] | None = None
) -> Answer:
    """Ask the store until it answers; the same request each time, so its token makes it one.

    Args:
        clock: Whose time passes.
        ask: One request.
        renew: Called while the store is full, so that a lease does not run out meanwhile.

    Raises:
        StoreUnavailable: it was away for longer than `AWAY_MS_MAX`. A full store is waited for
            without end: workers drain it.
    """
    began = clock.now_ms()
    pause = RETRY_MS
    while True:
        try:
            return ask()
        except StoreFull:
            began = clock.now_ms()
            if renew is not None:
                renew()
        except StoreUnavailable:
            if clock.now_ms() - began >= AWAY_MS_MAX:
                raise
        clock.pause_ms(pause)
        pause = min(pause * 2, RETRY_MS_MAX)


class Absence:
    """How long the store has been away, for a loop that goes on by itself after each failure."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: int | None = None

    def ended(self) -> None:
        """The store answered."""
        self._since = None

    def is_too_long(self) -> bool:
        """Say whether the store, which did not answer now, has been away for `AWAY_MS_MAX`."""
        now = self._clock.now_ms()
        self._since = now if self._since is None else self._since
        return now - self._since >= AWAY_MS_MAX


class Opens(Protocol):
    """The one method of the ports that leases a run."""

    def open(self, *, run: str, owner: str, kind: Literal["produce", "collect"]) -> OpenAnswer:
        """Lease a run; see `kernel.ledger.ports`."""


def leased(
    clock: Clock,
    port: Opens,
    *,
    run: str,
    owner: str,
    kind: Literal["produce", "collect"],
    lease_ms: int,
) -> OpenAnswer:
    """Lease a run, waiting for the lease of an owner that may be dead; ABSENT is an answer.

    Counted is only time in which the store answered promptly, and this process ran. A store that
    was away may carry out late what a dead owner had asked for, and that renews its lease; and an
    answer that was late may have been overtaken.

    Raises:
        LeaseHeld: it was renewed while we waited: its owner is alive.
        LedgerGone: the ledger is not there any more.
        StoreUnavailable: the store stayed away.
    """
    began = clock.now_ms()
    while True:
        asked = clock.now_ms()
        answer = patiently(clock, lambda: port.open(run=run, owner=owner, kind=kind))
        answered = clock.now_ms()
        if answered - asked > LOOK_MS:
            began = answered
        if answer.status == "GONE":
            raise gone(f"the ledger of run {run}")
        if answer.status != "WAIT":
            return answer
        if answered - began > lease_ms + 2 * LOOK_MS:
            verb = "fed" if kind == "produce" else "collected"
            raise LeaseHeld(
                f"run {run} is being {verb} by another process; wait for it, or stop it first"
            )
        clock.pause_ms(LOOK_MS)


@contextlib.contextmanager
def leaving(
    port: LeasePort, *, run: str, owner: str, kind: Literal["produce", "collect"]
) -> Iterator[None]:
    """Give a run's lease back at the end of what is done here, however it ends.

    Asked once: a lease that stays because the store did not answer runs out by itself.
    """
    try:
        yield
    finally:
        with contextlib.suppress(StoreUnavailable):
            port.leave(run=run, owner=owner, kind=kind)
