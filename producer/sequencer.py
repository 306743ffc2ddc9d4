"""The sequencer: fixes the one order, chunk by chunk, and survives everything but a changed input.

1. One chunk is one append. A redo is the same chunk run again on fresh views (CONFLICT), a repeat
   is the same request with the same token (no answer came).
2. Chunks stay in memory until they cannot be asked for again; after a lost tail (REWOUND) they are
   sent again. What is no longer in memory is read from the file again, under the running digest. A
   pipe cannot be read again: the run stays incomplete, and feeding it again under its name goes on.
3. The producer never waits for anybody's decision, only for room (FULL) or for the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from kernel.adapters.codec import Codec
from kernel.adapters.files.source import SourceChunk
from kernel.engine.handoff import hand_over
from kernel.engine.runner import Runner
from kernel.errors import Incomplete, LeaseHeld, RulesDiffer
from kernel.ledger.ports import Bell, IngressPort, gone
from kernel.ledger.scenario import LIMITS
from kernel.ledger.settings import FleetSettings
from kernel.ledger.units import TOKEN_BITS, AppendAnswer, OpenAnswer
from kernel.runtime.patience import Clock, leased, patiently
from producer.append import RunSeat, append_request

#: Redo at once so often before a pause: somebody else appends much faster than we do.
REDO_AT_ONCE_MAX = 100
REDO_PAUSE_MS = 10
#: Pause while as many lines are in flight as may be.
FULL_PAUSE_MS = 5
#: Most bytes of input kept in memory for a rewind.
KEPT_BYTES_MAX = 64 << 20
#: How often a wait is said.
SAID_MS = 5_000


class Source(Protocol):
    """Where lines come from; `kernel.adapters.files.source.LineSource` is the one for files."""

    def read_chunk(self, within_ms: int | None = None) -> SourceChunk | None:
        """Return the next lines, None at the end, a chunk of no lines when time is up."""

    def skip_to(self, offset: int, digest: str, line: int) -> None:
        """Read up to where the run stands, under the running digest."""


@dataclass
class ProducerTotals:
    """What became of the appends."""

    lines: int = 0
    appends: int = 0
    conflicts: int = 0
    rewinds: int = 0
    full: int = 0
    resumed_at: int = 0


class Sequencer:
    """Feeds one run from one source."""

    def __init__(
        self,
        *,
        seat: RunSeat,
        port: IngressPort,
        runner: Runner,
        codec: Codec,
        bell: Bell,
        clock: Clock,
        settings: FleetSettings,
        rng: Random,
    ) -> None:
        self._seat = seat
        self._port = port
        self._runner = runner
        self._codec = codec
        self._bell = bell
        self._clock = clock
        self._settings = settings
        self._rng = rng
        self._kept: deque[SourceChunk] = deque()
        self._kept_bytes = 0
        self._tail = ""
        self.totals = ProducerTotals()
        #: Told every few seconds what is waited for.
        self.say: Callable[[str], None] = lambda _sentence: None

    def run(self, open_source: Callable[[], Source], *, can_reopen: bool) -> ProducerTotals:
        """Append the whole source and finish the run.

        Args:
            open_source: Opens the input at its start.
            can_reopen: Whether that can be done a second time (a file: yes, a pipe: no).

        Raises:
            LeaseHeld: another producer feeds this run.
            InputEdited: the input is not the one that the run began with.
            RulesDiffer: the ledger has other rules in force.
            Incomplete: a pipe would have to be read again.
            LedgerGone, StoreUnavailable: as they say.
        """
        source = self._source_at(open_source, self._open())
        while True:
            target = self._feed(source)
            if target is None:
                return self.totals
            self.totals.rewinds += 1
            if not self._rewind_kept(target.position):
                if not can_reopen:
                    how = f"has to go back to line {target.position + 1}, which a pipe cannot"
                    if target.position > self.totals.lines:
                        how = f"was gone on with by another process up to line {target.position}"
                    raise Incomplete(
                        f"run {self._seat.run} {how}; feed the same input again under the same "
                        "--run to go on"
                    )
                source = self._source_at(open_source, target)

    def _open(self) -> OpenAnswer:
        seat = self._seat
        return leased(
            self._clock,
            self._port,
            run=seat.run,
            owner=seat.owner,
            kind="produce",
            lease_ms=self._settings.run_lease_ms,
        )

    def _source_at(self, open_source: Callable[[], Source], stand: OpenAnswer) -> Source:
        """Open the input where the run stands, holding what comes before to the running digest."""
        source = open_source()
        self._kept.clear()
        self._kept_bytes = 0
        self.totals.resumed_at = self.totals.lines = stand.position
        if stand.position:
            source.skip_to(stand.offset, stand.sha, stand.position)
        return source

    def _feed(self, source: Source) -> OpenAnswer | None:
        """Append until the end and finish. None when done, else where the run stands instead."""
        pending = deque(self._kept)
        silence_ms = self._settings.run_renewal_ms
        while True:
            chunk = pending.popleft() if pending else source.read_chunk(silence_ms)
            if chunk is None:
                return self._finish()
            if not chunk.lines:
                now = self._open()
                if now.position != self.totals.lines:
                    # A lost tail, or another process was here; the next line may be hours away.
                    return self._unfinished(now)
                continue
            if not self._kept or chunk.first_line > self._kept[-1].first_line:
                self._keep(chunk)
            stand = self._append(chunk)
            if stand is not None:
                return stand
            self.totals.lines = chunk.first_line - 1 + chunk.lines

    def _keep(self, chunk: SourceChunk) -> None:
        self._kept.append(chunk)
        oldest = chunk.first_line - self._settings.inflight_lines_max
        self._kept_bytes += len(chunk.raw)
        while len(self._kept) > 1 and (
            self._kept[0].first_line + self._kept[0].lines <= oldest
            or self._kept_bytes > KEPT_BYTES_MAX
        ):
            self._kept_bytes -= len(self._kept.popleft().raw)

    def _rewind_kept(self, position: int) -> bool:
        """Drop the kept chunks that the run has; True when the kept ones reach back far enough."""
        while self._kept and self._kept[0].first_line <= position:
            self._kept_bytes -= len(self._kept.popleft().raw)
        return bool(self._kept) and self._kept[0].first_line == position + 1

    def _append(self, chunk: SourceChunk) -> OpenAnswer | None:
        """Append one chunk. None when it is in, else where the run stands instead."""
        redone = 0
        said = self._clock.now_ms()
        while True:
            answer = self._try(chunk)
            if answer.status in ("APPENDED", "ALREADY"):
                self.totals.appends += 1
                self._tail = answer.tail
                if answer.ring:
                    self._bell.ring()
                return None
            if answer.status == "CONFLICT":
                self.totals.conflicts += 1
                redone += 1
                if redone > REDO_AT_ONCE_MAX:
                    self._clock.pause_ms(REDO_PAUSE_MS)
            elif answer.status == "FULL":
                self.totals.full += 1
                self._clock.pause_ms(FULL_PAUSE_MS)
                self._open()
                if self._clock.now_ms() - said >= SAID_MS:
                    said = self._clock.now_ms()
                    self.say(
                        f"run {self._seat.run}: {self._settings.inflight_lines_max} lines are in "
                        "flight; waiting for workers to decide and a collector to write them"
                    )
            else:
                return self._stand_after(answer)

    def _try(self, chunk: SourceChunk) -> AppendAnswer:
        request = patiently(
            self._clock,
            lambda: append_request(
                seat=self._seat,
                port=self._port,
                runner=self._runner,
                codec=self._codec,
                chunk=chunk,
                token=self._rng.getrandbits(TOKEN_BITS) | 1,
                after=self._tail,
            ),
        )
        return hand_over(LIMITS, lambda: patiently(self._clock, lambda: self._port.append(request)))

    def _stand_after(self, answer: AppendAnswer) -> OpenAnswer:
        """Find out where the run stands after a refusal, or end."""
        if answer.status == "GONE":
            raise gone(f"the ledger of run {self._seat.run}")
        if answer.status == "RULES":
            raise RulesDiffer(
                "the ledger has other rules in force than this producer; use the configuration "
                "that the ledger was created with, or another --ledger"
            )
        return self._unfinished(self._open())

    def _unfinished(self, stand: OpenAnswer) -> OpenAnswer:
        if stand.lines is not None:
            raise LeaseHeld(
                f"run {self._seat.run} was finished by another process with {stand.lines} lines; "
                "choose another --run for another input"
            )
        return stand

    def _finish(self) -> OpenAnswer | None:
        seat = self._seat
        lines = self.totals.lines
        answer = patiently(
            self._clock, lambda: self._port.finish(run=seat.run, owner=seat.owner, lines=lines)
        )
        if answer.status in ("FINISHED", "ALREADY"):
            return None
        if answer.status == "GONE":
            raise gone(f"the ledger of run {seat.run}")
        stand = self._open()
        if stand.lines is not None and stand.lines != lines:
            raise LeaseHeld(
                f"run {seat.run} was finished before with {stand.lines} lines; choose another "
                "--run for another input"
            )
        return stand
