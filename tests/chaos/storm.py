"""One storm: a run on a ledger of its own, through faults, to its last byte.

Here: the processes of one run, what is done to them and when, what counts as progress, and the
comparison at the end. Not here: what goes wrong next (`faults.py`) and who is killed how (`post.py`
and `server.py`).

1. A fault a second, whatever the fleet is doing then. Only when nothing has got on for a while are
   there none until it does; a minute of that is a stall.
2. The run is over when its collector is. Then everybody is told to stop, and must.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from kernel.adapters.redis.client import connect
from kernel.adapters.redis.status import read_ledger
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.status import LedgerView
from kernel.ledger.units import RunView
from tests.chaos.faults import Fault, names_of
from tests.chaos.plan import Plan
from tests.chaos.post import Broken, Post
from tests.chaos.server import StormServer
from tests.chaos.tally import Tally
from tests.support.fleet import COMMAND
from tests.support.memory import decide_file
from tests.support.waiting import wait_until

FAULT_EVERY_S = 1.0
LOOK_EVERY_S = 0.1
#: No faults after so long without progress, and a stall after so much longer.
CALM_AFTER_S = 20.0
STALL_S = 60.0
#: The comparison with the clock has to end somewhere, even if every second has a fault.
STORM_S_MAX = 3_600.0
CLIENT_S = 0.5
RUN = "monday"


class Storm:
    """One run in a storm; as a context manager it leaves nothing running."""

    def __init__(self, plan: Plan, number: int, folder: Path, *, workers: int, seed: int) -> None:
        self.plan = plan
        self.folder = folder / f"run-{number}"
        self.folder.mkdir()
        self._ledger = f"chaos-{number}"
        self._output = self.folder / "output"
        self._source = self.folder / "source"
        self._config = plan.config(self.folder)
        words = ["sample", "--lines", str(plan.lines), "--seed", str(seed)]
        words += ["--per-day", str(plan.per_day)]
        subprocess.run(
            [COMMAND, *words, "--output", self._source], check=True, stderr=subprocess.DEVNULL
        )
        decide_file(self._config, self._source, self.folder / "expected")
        self._server = StormServer()
        self._posts = {name: self._post(name) for name in names_of(workers)}
        self._client = connect(self._server.url, timeout_s=CLIENT_S)
        self._view: LedgerView | None = None
        self._seen: RunView | None = None
        self._look_at = self._fault_at = 0.0
        self._moved_at = self._answered_at = self._hurt_at = 0.0
        #: What was done since the last answer.
        self._meanwhile: list[Fault] = []

    def _post(self, name: str) -> Post:
        verb = {"producer": "produce", "collector": "collect"}.get(name, "worker")
        words = [verb, "--redis-url", self._server.url, "--ledger", self._ledger]
        if verb != "worker":
            words += ["--run", RUN]
        if verb == "produce":
            words += ["--config", str(self._config), "--input", str(self._source)]
        if verb == "collect":
            words += ["--output", str(self._output)]
        return Post(name, words, self.folder)

    def play(self, faults: Iterator[Fault], *, until: float, tally: Tally) -> None:
        """Run it to its end, with faults until a point in time.

        Raises:
            Broken: a differing byte, a stall, an exit code that nothing explains.
        """
        self._server.start()
        now = time.monotonic()
        self._moved_at = self._answered_at = self._hurt_at = now
        self._fault_at = now + FAULT_EVERY_S
        wait_until(
            lambda: self._goes_on(faults, until, tally), within_s=STORM_S_MAX, what="a run's end"
        )
        self._close(tally)
        if self._output.read_bytes() != (self.folder / "expected").read_bytes():
            raise Broken("the output DIFFERS from what the memory profile wrote")
        tally.counts["runs, same bytes as the memory profile"] += 1
        tally.counts["lines"] += self.plan.lines

    def _goes_on(self, faults: Iterator[Fault], until: float, tally: Tally) -> bool:
        """Look at everything once; True when the run is over."""
        self._server.look()
        for post in self._posts.values():
            post.look(was_away=self._server.was_away, counts=tally.counts)
        if self._posts["collector"].is_done:
            return True
        now = time.monotonic()
        if now >= self._look_at and self._server.is_well:
            self._look_at = now + LOOK_EVERY_S
            self._look(tally)
        if now - max(self._moved_at, self._hurt_at) >= STALL_S:
            raise Broken(f"nothing got on for {STALL_S:g} s without faults: {self._stand()}")
        if now >= self._fault_at:
            self._fault_at = now + FAULT_EVERY_S
            if now < until and now - self._moved_at < CALM_AFTER_S:
                self._deal(faults, tally)
        if self._is_hurt():
            self._hurt_at = now
        return False

    def _is_hurt(self) -> bool:
        return not self._server.is_well or any(post.is_frozen for post in self._posts.values())

    def _look(self, tally: Tally) -> None:
        """See how far the run is."""
        try:
            self._view = read_ledger(self._client, self._ledger)
        except StoreUnavailable:
            return
        if self._view is None:
            return
        if not self._server.can_lose_tail:
            self._server.keep_what_is_there()
        now = time.monotonic()
        seen, before = self._view.runs.get(RUN), self._seen
        if seen is None:
            return
        self._seen = seen
        if before is None or seen != before:
            self._moved_at = now
        is_answered = seen.lines is not None and seen.answers >= seen.lines
        if before is None or is_answered or seen.answers != before.answers:
            where = f"{self.plan.name} at {seen.answers:,} answers"
            tally.note_gap(now - self._answered_at, where, self._meanwhile)
            self._answered_at = now
            self._meanwhile = []
        producer = self._posts["producer"]
        if producer.is_done and seen.lines is None:
            # With the tail went the word that the run is complete: the same command says it again.
            producer.is_done = False
            tally.counts["ends of a run lost, and told again"] += 1

    def _stand(self) -> str:
        """Say where everything stands."""
        parked = [p for p in self._view.partitions if p.wait] if self._view else []
        up = [post.name for post in self._posts.values() if post.is_up]
        return f"{self._seen}; up: {', '.join(up)}; parked: {parked}"

    def _deal(self, faults: Iterator[Fault], tally: Tally) -> None:
        """Do the next fault that can be done now."""
        for fault in faults:
            if self._can_happen(fault):
                self._hurt(fault, tally)
                tally.deal(fault)
                self._meanwhile.append(fault)
                self._hurt_at = time.monotonic()
                return

    def _can_happen(self, fault: Fault) -> bool:
        if fault.target == "server":
            is_lost = fault.kind == "server lost its tail"
            return self._server.is_well and (self._server.can_lose_tail or not is_lost)
        post = self._posts[fault.target]
        return post.is_up and not (post.is_frozen and fault.kind == "frozen")

    def _hurt(self, fault: Fault, tally: Tally) -> None:
        match fault.kind:
            case "kill -9":
                self._posts[fault.target].kill()
            case "frozen":
                self._posts[fault.target].freeze(fault.seconds)
            case "told to stop":
                self._posts[fault.target].stop()
            case "server kill -9":
                self._server.go_away(fault.seconds)
            case "server frozen":
                self._server.freeze(fault.seconds)
            case "server lost its tail":
                lost = self._server.lose_tail(fault.lost_share, fault.seconds)
                tally.counts["bytes of the server's file lost"] += lost

    def _close(self, tally: Tally) -> None:
        """Tell everybody to stop, and count what they say then."""
        self._server.recover()
        view = read_ledger(self._client, self._ledger)
        assert view is not None, "the ledger is gone"
        tally.note_ledger(view.counters)
        if view.counters.get("halts"):
            raise Broken(f"partitions were halted: {[p for p in view.partitions if p.reason]}")
        for post in self._posts.values():
            tally.note_words(post.leave())

    def keep(self, folder: Path) -> None:
        """Copy what there is to be looked at later."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all that runs."""
        for post in self._posts.values():
            post.end()
        self._client.close()
        self._server.__exit__(kind, error, trace)
        shutil.rmtree(self.folder)
