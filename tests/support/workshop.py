"""A ledger in memory with the program's own producer, workers and collector, called by hand.

Lives here: the wiring, a clock that only pauses move, and a bell that counts. For scenes in which
one turn is looked at; what chance may mix is the simulator's.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from consumers.shift import Shift
from consumers.turn import Seat, Turn
from kernel.adapters.codec import Codec
from kernel.adapters.files.source import LineSource
from kernel.adapters.memory.ledger import MemoryLedger
from kernel.domain.ruleset import RuleSet
from kernel.engine.context import PER_RUN
from kernel.engine.keyring import FixedKeys
from kernel.ledger.payloads import IDS, ORDER, STATE
from kernel.ledger.record import LedgerRecord
from kernel.ledger.scenario import INGRESS, LIMITS, build_runner
from kernel.ledger.settings import FleetSettings
from producer.append import RunSeat
from producer.sequencer import Sequencer

LEDGER = "workshop"
RUN = "monday"
KEY = "00" * 32


class HandClock:
    """Time that passes only when somebody pauses, and a little with every look."""

    def __init__(self) -> None:
        self.now_us = 1_700_000_000_000_000
        self.pauses: list[int] = []

    def now_ms(self) -> int:
        """Milliseconds."""
        return self.now_us // 1000

    def clock_us(self) -> int:
        """The store's time: no two steps see the same."""
        self.now_us += 1
        return self.now_us

    def pause_ms(self, duration: int) -> None:
        """Let the time pass."""
        self.pauses.append(duration)
        self.now_us += duration * 1000


class CountingBell:
    """Counts rings; nothing ever comes to who waits."""

    def __init__(self, clock: HandClock) -> None:
        self.rings = 0
        self._clock = clock

    def ring(self) -> None:
        """Count."""
        self.rings += 1

    def wait(self, timeout_ms: int) -> bool:
        """Let the linger time pass."""
        self._clock.pause_ms(timeout_ms)
        return False


class Workshop:
    """One ledger and whoever works on it."""

    def __init__(self, rules: RuleSet, settings: FleetSettings) -> None:
        self.rules, self.settings = rules, settings
        self.clock = HandClock()
        self.bell = CountingBell(self.clock)
        record = LedgerRecord(
            *("incarnation-of-a-test", settings.partitions, rules.digest, rules.to_json()),
            *(settings.to_json(), KEY),
        )
        self.ledger = MemoryLedger(record, self.clock.clock_us)
        self.codec = Codec(LEDGER, record, FixedKeys(bytes.fromhex(KEY)))

    def sequencer(self, run: str = RUN, owner: str = "p") -> Sequencer:
        """Return who appends the lines of a run."""
        views = {IDS: PER_RUN, ORDER: PER_RUN}
        return Sequencer(
            seat=RunSeat(run, owner, self.rules.digest),
            port=self.ledger,
            runner=build_runner(self.rules, self.settings.partitions, [INGRESS], views=views),
            codec=self.codec,
            bell=self.bell,
            clock=self.clock,
            settings=self.settings,
            rng=Random(run),
        )

    def produce(self, source: Path, run: str = RUN) -> None:
        """Append a file."""
        self.sequencer(run).run(
            lambda: LineSource(source, chunk_lines_max=self.settings.chunk_lines_max),
            can_reopen=True,
        )

    def turn(self, worker: str = "w", port: MemoryLedger | None = None) -> Turn:
        """Return a worker's turn, perhaps by a way of its own to the ledger."""
        views = {STATE: PER_RUN}
        return Turn(
            port=port or self.ledger,
            runner=build_runner(self.rules, self.settings.partitions, [LIMITS], views=views),
            codec=self.codec,
            rules=self.rules,
            seat=Seat(LEDGER, worker, self.settings),
            rng=Random(worker),
        )

    def shift(self, worker: str = "w") -> Shift:
        """Return a worker's shift."""
        return Shift(
            turn=self.turn(worker),
            port=self.ledger,
            bell=self.bell,
            clock=self.clock,
            seat=Seat(LEDGER, worker, self.settings),
            should_stop=lambda: False,
        )

    def codes(self, run: str = RUN) -> dict[int, int]:
        """Return the answer code of each line that was answered."""
        found: dict[int, int] = {}
        for reply in self.ledger.state.runs[run].replies:
            answers = self.codec.answers(run, reply)
            assert not found.keys() & set(answers.lines), "a line was answered twice"
            found.update(zip(answers.lines, answers.codes, strict=True))
        return found
