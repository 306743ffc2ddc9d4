"""The redis profile of `fundload run`: server, ledger and processes in the right order, and back.

Here: who is started, what happens meanwhile each second, and the way out. Not here: how processes
are watched (`supervisor.py`), what the server and the ledger are (`server.py`, `holding.py`), the
command (`run.py`).

1. Beside a server of our own, the processes are started at once: their imports take longer than the
   server, and they wait for their bundles. At somebody else's server the ledger comes first, so
   that a refusal starts nothing.
2. The way out is the same for every end: processes, ledger, server. Whoever is left over when even
   that is broken off ends at the end of the lifelines.
"""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple

from kernel.adapters.config import Config
from kernel.adapters.files.source import STANDARD
from kernel.adapters.redis import keys
from kernel.adapters.redis.client import shown
from kernel.engine.replies import Outcome
from kernel.errors import RedisUnavailable
from kernel.ledger.units import RunView
from kernel.runtime.build import check_keeps
from kernel.runtime.failed import NotReady
from kernel.runtime.holding import Holding, hold_named, hold_throwaway
from kernel.runtime.patience import SystemClock
from kernel.runtime.progress import Every, Meter, Screen
from kernel.runtime.run_wait import RunWait
from kernel.runtime.server import EmbeddedServer
from kernel.runtime.spawned import COMMAND, Post, Shares
from kernel.runtime.supervisor import Supervisor
from kernel.runtime.wanted import Wanted, descriptor_of, estimated_lines, is_pipe

RENEW_S = 1.0
SWEEP_S = 10.0
AWAY_SAID_S = 5.0
#: How often a run whose producer is done is looked at: a lost tail may have undone its end.
FINISH_S = 1.0


class Ended(NamedTuple):
    """A run that came to its end: its record, and how long it took to start and to decide.

    The record is None when Redis was away by then. `is_alone`: its ledger has no other lines, so
    the input alone gives the same rows.
    """

    view: RunView | None
    start_s: float
    seconds: float
    is_alone: bool


class Fleet:
    """One run with processes of its own."""

    def __init__(self, wanted: Wanted, config: Config, screen: Screen) -> None:
        """Take what is wanted, checked; names the ledger and the run where nobody did.

        Raises:
            UsageError: the name of the ledger or the run is none.
        """
        self._wanted = wanted
        self._config = config
        self._screen = screen
        self.ledger = keys.check_name(wanted.ledger or f"run-{secrets.token_hex(6)}", "ledger")
        self.run_name = keys.check_name(wanted.run or new_run_name(), "run")
        self._server: EmbeddedServer | None = None
        self._holding: Holding | None = None
        self._meter = Meter(estimated_lines(wanted.input))
        self._renew, self._away = Every(RENEW_S), Every(AWAY_SAID_S)
        self._supervisor: Supervisor | None = None
        self._wait = RunWait(self.run_name, SystemClock())
        self._finish = Every(FINISH_S)
        self._sweep = Every(SWEEP_S, at_once=True)
        self._show = Every(screen.every_s)

    def decide(self) -> Ended:
        """Start everything, wait for the end of the run, stop everything.

        Raises:
            FundloadError: why the run has not come to its end.
        """
        began_s = time.monotonic()
        url = self._wanted.redis_url
        if url is None:
            self._server = EmbeddedServer(is_strict=self._wanted.durability == "strict")
            url = self._server.url
        try:
            return self._on_server(url, began_s)
        finally:
            if self._server is not None:
                self._server.stop()

    def _on_server(self, url: str, began_s: float) -> Ended:
        supervisor = Supervisor(
            posts(self._wanted, ledger=self.ledger, run=self.run_name, url=url),
            say=lambda who, text: self._screen.line(text, who),
            tick=self._tick,
        )
        self._supervisor = supervisor
        try:
            if self._server is not None:
                supervisor.start()
                self._server.wait_until_up()
            self._holding = holding = self._hold(url)
            if self._server is None:
                supervisor.start()
            self._open_work(supervisor, holding)
            opened_s = time.monotonic()
            self._note_start(holding, opened_s)
            supervisor.run()
            ended_s = time.monotonic()
            view = self._last_view(holding)
            self._wait.complete(view and view.lines)
            is_alone = self._is_alone(holding, view)
            return Ended(view, opened_s - began_s, ended_s - opened_s, is_alone)
        except BaseException as why:
            self._wait.end(why)
            raise
        finally:
            self._leave(supervisor)

    @property
    def outcome(self) -> Outcome:
        """What became of the run; to be asked when it has ended."""
        return self._wait.outcome

    @property
    def has_ledger(self) -> bool:
        """Say whether the run got as far as to have a ledger."""
        return self._holding is not None

    def _note_start(self, holding: Holding, now_s: float) -> None:
        """Tell the meter where the run begins: behind line 0, unless it goes on."""
        view = self._last_view(holding)
        self._meter.at(now_s, 0 if view is None else view.answers)

    def _last_view(self, holding: Holding) -> RunView | None:
        try:
            return holding.view()
        except RedisUnavailable:
            return None  # the caller does without

    def _is_alone(self, holding: Holding, view: RunView | None) -> bool:
        if holding.is_throwaway:
            return True
        try:
            ledger = holding.look()
        except RedisUnavailable:
            return False
        return view is not None and ledger is not None and ledger.next_seq - 1 == view.position

    def _hold(self, url: str) -> Holding:
        if self._server is None and self._wanted.durability == "strict":
            check_keeps(url, self._wanted.replicas)
        if self._wanted.ledger is None:
            return hold_throwaway(url, self.ledger, self.run_name, self._config)
        return hold_named(
            url,
            self.ledger,
            self.run_name,
            self._config,
            self._screen.line,
            self._wanted.keys_path,
        )

    def _open_work(self, supervisor: Supervisor, holding: Holding) -> None:
        try:
            supervisor.open_work(holding.bundle())
        except NotReady as late:
            # Late workers are most often late because of Redis; then that is what to say.
            try:
                holding.view()
            except RedisUnavailable as away:
                raise RedisUnavailable(f"{away} ({late})") from late
            raise

    def _leave(self, supervisor: Supervisor) -> None:
        """Stop the processes, then drop the ledger if it is to go."""
        self._screen.close()
        try:
            supervisor.stop()
        finally:
            if self._server is None and self._holding is not None:
                self._leave_ledger(self._holding)  # a server of our own takes everything with it

    def _leave_ledger(self, holding: Holding) -> None:
        if not holding.is_throwaway and not holding.tell(self.outcome):
            self._screen.line("Redis is away, so whoever waits for the run is not told")
        try:
            holding.leave()
        except RedisUnavailable:
            self._screen.line(f"Redis is away, so ledger {self.ledger} stays; a later run drops it")

    def _tick(self) -> None:
        """Do what is due: see after the server, give a sign of life, show how far the run is."""
        if self._server is not None:
            self._server.check()
        if self._holding is None:
            return
        try:
            self._look_after(self._holding)
        except RedisUnavailable as error:
            if self._away.is_due():
                self._screen.line(f"{error} The run goes on when it is back.")

    def _look_after(self, holding: Holding) -> None:
        if self._renew.is_due():
            holding.renew()
        if self._server is None and self._sweep.is_due():
            holding.sweep(self._screen.line)
        if self._finish.is_due():
            self._hold_to_its_end(holding)
        if self._show.is_due():
            self._show_progress(holding)

    def _hold_to_its_end(self, holding: Holding) -> None:
        """See that a producer that is done has left its run finished, and nothing took that back.

        It ends when its last line is appended. A server that then comes back without its last
        seconds has lines, or the run itself, to be fed again, and nobody else would do it.
        """
        supervisor = self._supervisor
        if supervisor is None or not supervisor.is_done("producer"):
            return
        view = holding.view()
        is_lost = view is None or view.lines is None
        if is_lost and not supervisor.is_done("collector") and holding.is_there():
            supervisor.undo("producer", "Redis has lost the end of the run")

    def _show_progress(self, holding: Holding) -> None:
        view = holding.view()
        if view is not None:
            self._screen.show(self._meter.at(time.monotonic(), view.answers, view.lines))


def posts(wanted: Wanted, *, ledger: str, run: str, url: str) -> list[Post]:
    """Return who is to be started, in the order of the scenario's groups.

    The address on a command line never shows a password.
    """
    place: tuple[str, ...] = ("--redis-url", shown(url), "--ledger", ledger)
    if wanted.trace is not None:
        place = (*place, "--trace", wanted.trace)
    workers = [
        Post(f"w{number}", "worker", (*COMMAND, "worker", *place))
        for number in range(1, wanted.fleet_size + 1)
    ]
    produce = ("produce", "--config", wanted.config, "--input", wanted.input, *place, "--run", run)
    collect = ["collect", *place, "--run", run, "--output", wanted.output]
    if wanted.reasons is not None:
        collect += ["--reasons", wanted.reasons]
    if wanted.durability == "strict":
        collect += ["--durability", "strict", "--replicas", str(wanted.replicas)]
    if wanted.force:
        collect.append("--force")
    descriptor = descriptor_of(wanted.input)
    stdin: Shares = "stdin" if descriptor == 0 else ""
    pipe = f"'{wanted.input}'" if is_pipe(wanted.input) else ""
    stdout: Shares = "stdout" if wanted.output == STANDARD else ""
    return [
        Post("producer", "producer", (*COMMAND, *produce), stdin, pipe, descriptor or None),
        *workers,
        Post("collector", "collector", (*COMMAND, *collect), stdout),
    ]


def new_run_name() -> str:
    """Return a name for a run that nobody named: when it began, and something by chance."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
