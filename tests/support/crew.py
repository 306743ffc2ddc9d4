"""A fleet without processes: sequencer, shifts and collector in threads, over a real server.

Lives here: the parts of the program, wired as its commands wire them, each with a connection of its
own. Why: sixty fleets of a different build cost less than a minute this way. What only a process
can show (signals, start-up, RQ) is shown by `fleet.py`.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import NamedTuple

from consumers.collector import Collector, CollectorSeat
from consumers.shift import Shift
from consumers.turn import Seat, Turn
from kernel.adapters.config import Config
from kernel.adapters.files.output import OutputFile
from kernel.adapters.files.source import LineSource
from kernel.adapters.redis.bell import RqBell
from kernel.adapters.redis.client import connect
from kernel.engine.context import PER_RUN
from kernel.ledger.payloads import IDS, ORDER, STATE
from kernel.ledger.scenario import EGRESS, INGRESS, LIMITS, build_runner
from kernel.runtime.build import Attachment, attached
from kernel.runtime.ledgers import named_ledger
from kernel.runtime.patience import SystemClock
from producer.append import RunSeat
from producer.sequencer import Sequencer

RUN = "monday"


class Crew(NamedTuple):
    """One fleet: where, by which configuration, how many workers, whose chance."""

    url: str
    ledger: str
    config: Config
    workers: int
    seed: int

    def decide(self, source: Path, output: Path) -> None:
        """Decide a file into another one."""
        client = connect(self.url)
        named_ledger(client, self.ledger, self.config, clock=SystemClock(), say=lambda _: None)
        client.close()
        stop = threading.Event()
        with ThreadPoolExecutor(self.workers + 2) as pool:
            working = [
                pool.submit(stopping(stop, self._work), n, stop) for n in range(self.workers)
            ]
            ending = [
                pool.submit(stopping(stop, self._produce), source),
                pool.submit(stopping(stop, self._collect), output, stop),
            ]
            try:
                for future in ending:
                    future.result()
            finally:
                stop.set()
            for future in working:
                future.result()

    def _hold(self) -> Attachment:
        client = connect(self.url)
        record = named_ledger(
            client, self.ledger, self.config, clock=SystemClock(), say=lambda _: None
        )
        return attached(self.url, self.ledger, client, record)

    def _produce(self, source: Path) -> None:
        hold = self._hold()
        parts = hold.settings.partitions
        Sequencer(
            seat=RunSeat(RUN, secrets.token_hex(8), hold.rules.digest),
            port=hold.ledger,
            runner=build_runner(hold.rules, parts, [INGRESS], views={IDS: PER_RUN, ORDER: PER_RUN}),
            codec=hold.codec,
            bell=RqBell(hold.client, hold.ledger.attached),
            clock=SystemClock(),
            settings=hold.settings,
            rng=Random(f"{self.seed} producer"),
        ).run(
            lambda: LineSource(source, chunk_lines_max=hold.settings.chunk_lines_max),
            can_reopen=True,
        )
        hold.client.close()

    def _work(self, number: int, stop: threading.Event) -> None:
        hold = self._hold()
        parts = hold.settings.partitions
        seat = Seat(self.ledger, f"w{number}", hold.settings)
        turn = Turn(
            port=hold.ledger,
            runner=build_runner(hold.rules, parts, [LIMITS], views={STATE: PER_RUN}),
            codec=hold.codec,
            rules=hold.rules,
            seat=seat,
            rng=Random(f"{self.seed} {number}"),
        )
        bell = RqBell(hold.client, hold.ledger.attached)
        shift = Shift(
            turn=turn,
            port=hold.ledger,
            bell=bell,
            clock=SystemClock(),
            seat=seat,
            should_stop=stop.is_set,
        )
        while not stop.is_set():
            shift.work()
        hold.client.close()

    def _collect(self, output: Path, stop: threading.Event) -> None:
        hold = self._hold()
        clock = SystemClock()
        file = OutputFile(output, fresh=True)
        collector = Collector(
            seat=CollectorSeat(self.ledger, RUN, secrets.token_hex(8)),
            port=hold.ledger,
            runner=build_runner(hold.rules, hold.settings.partitions, [EGRESS], views={}),
            codec=hold.codec,
            clock=clock,
            settings=hold.settings,
        )
        collector.wait_for_run(lambda _: None)
        if collector.collect(file, follow=False, should_stop=stop.is_set) is not None:
            file.finish()
        hold.client.close()


def stopping(stop: threading.Event, act: Callable[..., None]) -> Callable[..., None]:
    """Make a failure of one part the end of all: nobody waits for what will not come."""

    def guarded(*arguments: object) -> None:
        try:
            act(*arguments)
        except BaseException:
            stop.set()
            raise

    return guarded
