"""Workers of one ledger kept at work on this host: what `fundload supervise` does.

Here: who is started, what SIGHUP means, and a line in the log for each change. Not here: starting,
watching and ending processes, which the supervisor of `fundload run` does (`supervisor.py`).

1. The ids of the workers name host and supervisor: several hosts may work on one ledger.
2. This process needs the server only to find the ledger, and to say who holds what; when it is away
   the workers wait for it by themselves.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import NamedTuple

from kernel.adapters.redis.client import shown
from kernel.ledger.ports import StoreUnavailable
from kernel.runtime.deadlines import Deadlines
from kernel.runtime.holding import Holding, hold_found
from kernel.runtime.members import Snapshot
from kernel.runtime.progress import Every, PlainScreen
from kernel.runtime.spawned import COMMAND, Post
from kernel.runtime.supervisor import Supervisor
from kernel.runtime.verbs import worker_name

LOOK_S = 1.0


class Crew(NamedTuple):
    """Who is to be kept at work, and on what."""

    redis_url: str
    ledger: str
    keys_path: str | None
    workers: int
    trace: str | None


def keep(crew: Crew, *, wait_ms: int | None, deadlines: Deadlines) -> None:
    """Keep workers at work until a signal ends it.

    Raises:
        FundloadError: why it ended by itself.
        KeyboardInterrupt, Terminated: it was told to.
    """
    said = PlainScreen()
    hangup = HangUp()
    holding = hold_found(
        crew.redis_url, crew.ledger, said.line, keys_path=crew.keys_path, wait_ms=wait_ms
    )
    log = ChangeLog(said)
    supervisor = Supervisor(
        posts(crew),
        say=lambda who, text: said.line(text, who),
        tick=lambda: tick(supervisor, hangup, log),
        held=lambda: held(holding),
        deadlines=deadlines,
    )
    try:
        supervisor.start()
        supervisor.open_work(holding.bundle())
        said.line(f"{crew.workers} workers are ready on ledger {crew.ledger}", "supervisor")
        supervisor.run()
    finally:
        supervisor.stop()
        for stop in supervisor.stops:
            said.line(f"group {stop.group} has stopped ({stop.how})", "supervisor")


def posts(crew: Crew) -> list[Post]:
    """Return who is to be started. The address on a command line never shows a password."""
    place: tuple[str, ...] = ("--redis-url", shown(crew.redis_url), "--ledger", crew.ledger)
    if crew.trace is not None:
        place = (*place, "--trace", crew.trace)
    return [
        Post(f"{worker_name()}-{number}", "worker", (*COMMAND, "worker", *place))
        for number in range(1, crew.workers + 1)
    ]


def held(holding: Holding) -> dict[str, tuple[int, ...]]:
    """Return which partitions each worker of the ledger holds; nothing while the server is away."""
    try:
        view = holding.look()
    except StoreUnavailable:
        return {}
    return {} if view is None else view.held()


def tick(supervisor: Supervisor, hangup: HangUp, log: ChangeLog) -> None:
    """Do what is due between two looks at the workers."""
    if hangup.take():
        supervisor.restart()
    if log.is_due():
        log.note(supervisor.snapshot())


class HangUp:
    """Remembers a SIGHUP until somebody asks."""

    def __init__(self) -> None:
        self._has_come = False
        signal.signal(signal.SIGHUP, self._note)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        self._has_come = True

    def take(self) -> bool:
        """Say whether one has come since the last call."""
        has_come, self._has_come = self._has_come, False
        return has_come


class ChangeLog:
    """Writes a line for each worker of which something has changed but what it holds."""

    def __init__(self, said: PlainScreen) -> None:
        self._said = said
        self._before: dict[str, Snapshot] = {}
        self._due = Every(LOOK_S)

    def is_due(self) -> bool:
        """Say whether it is time to look."""
        return self._due.is_due()

    def note(self, seen: list[Snapshot]) -> None:
        """Write what has changed."""
        for one in seen:
            known = one._replace(partitions=())
            if self._before.get(one.id) != known:
                self._before[one.id] = known
                self._said.line(described(one), "supervisor")


def described(one: Snapshot) -> str:
    """Return what is known of a worker as a line of the log."""
    state = "ready" if one.is_ready else "starting" if one.is_alive else "down"
    return (
        f"{one.id}: {state}, generation {one.generation}, pid {one.pid}, "
        f"holds {len(one.partitions)} partitions"
    )
