"""The collector: replies of a run, in the order of its lines, to a file that appears whole.

1. Reads the reply channel from its ack floor, and again from there after every error: what it has
   seen before must come again the same (a difference is an integrity error), and is dropped.
2. An entry is acknowledged only when every line in it and in the entries before it is safe on disk.
3. The run is complete when as many lines are written as the run record names; only then is the
   output renamed. In follow mode nothing ends it but a signal, and there is no end to wait for.
4. What was acknowledged is gone from the channel. Who begins without those lines would wait for
   ever, so that is refused.
5. Where replicas are named, nothing is written but what is durable at the store (`ports.settle`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kernel.adapters.codec import Codec
from kernel.adapters.files.output import OutputFile
from kernel.engine.runner import Runner
from kernel.errors import Incomplete, Refused
from kernel.ledger.order import HoldBack
from kernel.ledger.ports import ReplyPort, Settled, StoreUnavailable, gone
from kernel.ledger.settings import FleetSettings
from kernel.ledger.units import Reply, RunView
from kernel.runtime.channel import ChannelSeat, ReplyChannel
from kernel.runtime.patience import LOOK_MS, Absence, Clock

#: A checkpoint costs three syncs: one after so many lines, or after so long; it renews the lease.
CHECKPOINT_LINES = 65_536
CHECKPOINT_MS = 500


class CollectorSeat(NamedTuple):
    """Whose answers these are, and who collects them."""

    ledger: str
    run: str
    owner: str
    #: How many replicas must have an answer on disk before it is written; None is not asking.
    replicas: int | None = None


class Collector:
    """Collects one run into one output."""

    def __init__(
        self,
        *,
        seat: CollectorSeat,
        port: ReplyPort,
        runner: Runner,
        codec: Codec,
        clock: Clock,
        settings: FleetSettings,
        keep_ids: bool = False,
        watch: Callable[[RunView, int], None] = lambda _run, _line: None,
    ) -> None:
        self._seat = seat
        self._port = port
        self._channel = ReplyChannel(
            seat=ChannelSeat(seat.ledger, seat.run, seat.owner),
            port=port,
            runner=runner,
            codec=codec,
            clock=clock,
            settings=settings,
        )
        self._clock = clock
        self._settings = settings
        self._keep_ids = keep_ids
        self._watch = watch
        self._checkpoint_at = 0
        self._checkpoint_ms = min(CHECKPOINT_MS, settings.run_renewal_ms)
        self._safe_lines = 0
        # A producer that waits for room gets some before it has run out of it.
        self._checkpoint_lines = min(CHECKPOINT_LINES, settings.inflight_lines_max // 2)

    def wait_for_run(
        self, say: Callable[[str], None], is_over: Callable[[], bool] = lambda: False
    ) -> bool:
        """Lease the run's reply channel, waiting until its producer has opened the run.

        Returns:
            False when the wait was over first.

        Raises:
            LeaseHeld: another collector is at work.
        """
        said = self._clock.now_ms()
        seat = self._seat
        while True:
            if self._channel.lease().status == "OPENED":
                return True
            if is_over():
                return False
            now = self._clock.now_ms()
            if now - said >= WAIT_SAID_MS:
                say(f"waiting for run {seat.run} to begin on ledger {seat.ledger}")
                said = now
            self._clock.pause_ms(LOOK_MS)

    def collect(
        self,
        output: OutputFile,
        *,
        follow: bool,
        should_stop: Callable[[], bool],
        alive: Callable[[], None] = lambda: None,
    ) -> RunView | None:
        """Collect until the run is complete (or, following, until told to stop).

        Calls `alive` in each round, for whoever waits for the run elsewhere.

        Returns:
            The run's record when it is complete, None when stopped before.

        Raises:
            AnswerDiffers: a line was answered twice, differently.
            SealBroken, WrongPosition: an answer is not from this ledger's workers.
            Refused: lines that this output lacks were acknowledged by another collector.
            Incomplete: it cannot be completed before an operator has acted; what is there is kept.
            LedgerGone, StoreUnavailable, LeaseHeld: as they say.
        """
        held = HoldBack(
            output.codes,
            keep_ids=self._keep_ids,
            ahead_lines_max=self._settings.inflight_lines_max + self._settings.chunk_lines_max,
        )
        self._safe_lines = output.lines
        self._checkpoint_at = self._clock.now_ms() + self._checkpoint_ms
        absence = Absence(self._clock)
        while not should_stop():
            try:
                alive()
                view = self._round(output, held)
                if not follow:
                    self._look(view, output)
                    if view.lines is not None and output.lines >= view.lines:
                        self._settle()  # the run's end is not to be lost either
                        self._save(output)
                        return view
                absence.ended()
            except StoreUnavailable:
                if absence.is_too_long():
                    raise
                self._channel.begin_again()
                self._clock.pause_ms(LOOK_MS)
        self._save_at_last(output)
        return None

    def _save_at_last(self, output: OutputFile) -> None:
        """Make safe what is written before this process ends, whether or not the store answers."""
        try:
            self._save(output)
        except StoreUnavailable:
            # The checkpoint came first; the next collector makes up for the acknowledgement.
            assert self._safe_lines == output.lines

    def _look(self, view: RunView, output: OutputFile) -> None:
        try:
            self._watch(view, output.lines + 1)
        except Incomplete:
            self._save(output)
            raise

    def _round(self, output: OutputFile, held: HoldBack) -> RunView:
        view, replies = self._channel.read()
        if replies:
            self._settle()
        for reply in replies:
            self._take(reply, output, held, view)
        due = self._clock.now_ms() >= self._checkpoint_at
        if due or output.lines - self._safe_lines >= self._checkpoint_lines:
            self._save(output)
        return view

    def _take(self, reply: Reply, output: OutputFile, held: HoldBack, view: RunView) -> None:
        answers, rows, is_trimmed = self._channel.open(reply)
        if is_trimmed and output.lines < view.written:
            raise Refused(
                f"run {self._seat.run} was collected before up to line {view.written}, and its "
                "first answers are no longer in Redis: take the rows from that output, or decide "
                "the input anew on another --ledger"
            )
        ids = answers.ids if self._keep_ids else ()
        released = held.add(rows.lines, rows.rows, rows.codes, ids)
        output.write(released.rows, released.codes, released.lines, released.ids)

    def _save(self, output: OutputFile) -> None:
        """Make safe what is written, then acknowledge what that covers; renews the lease anyway."""
        if output.lines != self._safe_lines:
            self._safe_lines = output.checkpoint()
        self._channel.ack(self._safe_lines)
        self._checkpoint_at = self._clock.now_ms() + self._checkpoint_ms

    def _settle(self) -> None:
        """Return when what was read cannot be lost at the store any more, if that is asked for.

        One barrier for all that one read brought.
        """
        seat = self._seat
        if seat.replicas is None:
            return
        status: Settled = "CLOSED"
        while status == "CLOSED":
            status = self._port.settle(run=seat.run, owner=seat.owner, replicas=seat.replicas)
            if status == "CLOSED":
                self._channel.lease()
        if status == "GONE":
            raise gone(f"ledger {seat.ledger}")
        if status == "LATE":
            raise StoreUnavailable(
                "the answers are in Redis, but not on as many disks as --durability strict asks "
                f"for (its own, and {seat.replicas} of replicas); bring the replicas back"
            )


#: How often a wait is said.
WAIT_SAID_MS = 5_000
