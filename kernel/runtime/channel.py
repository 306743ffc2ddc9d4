"""The reading end of a run's reply channel: what comes is checked here, whoever wants it.

Lives here: reading from the ack floor on, opening entries under their seal and running the egress
over them, the lease and the acknowledgement. Not here: what becomes of an answer (the collector
writes it, the client hands it to whoever waits) and when it may be acknowledged.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from kernel.adapters.codec import Codec
from kernel.engine.envelope import Envelope
from kernel.engine.runner import Runner
from kernel.ledger.payloads import DECIDED, DECLINED, ROWS, Answers, DecidedTurn, Rows
from kernel.ledger.ports import ReplyPort, StoreUnavailable, gone
from kernel.ledger.settings import FleetSettings
from kernel.ledger.units import OpenAnswer, Reply, RunView
from kernel.runtime.patience import Clock, leased

#: Entries of one read at the most, and how long a read waits for the first.
READ_ENTRIES = 64
READ_WAIT_MS = 200
START = "0"


class ChannelSeat(NamedTuple):
    """Whose answers are read, and by whom."""

    ledger: str
    run: str
    owner: str


class Opened(NamedTuple):
    """One entry: its answers, their rows, and whether it is the first left of a trimmed channel."""

    answers: Answers
    rows: Rows
    is_trimmed: bool


class ReplyChannel:
    """Reads one run's answers, each entry once until it is told to begin again."""

    def __init__(
        self,
        *,
        seat: ChannelSeat,
        port: ReplyPort,
        runner: Runner,
        codec: Codec,
        clock: Clock,
        settings: FleetSettings,
    ) -> None:
        self._seat = seat
        self._port = port
        self._runner = runner
        self._codec = codec
        self._clock = clock
        self._settings = settings
        self._after = START
        #: Entries opened and not acknowledged, each with its last line.
        self._unacked: deque[tuple[str, int]] = deque()

    def begin_again(self) -> None:
        """Read from the ack floor: after a lost tail what comes may lie before what was read."""
        self._after = START
        self._unacked.clear()

    def read(self, wait_ms: int = READ_WAIT_MS) -> tuple[RunView, tuple[Reply, ...]]:
        """Return the run's record and the entries behind the last one opened.

        Raises:
            LedgerGone: the ledger is not there any more.
            StoreUnavailable: no answer; or the run is not there (any more).
        """
        seat = self._seat
        answer = self._port.read(
            run=seat.run, after=self._after, wait_ms=wait_ms, count=READ_ENTRIES
        )
        if answer.status == "GONE":
            raise gone(f"ledger {seat.ledger}")
        if answer.run is None:
            # The run's record went with a lost tail; its producer opens it again.
            raise StoreUnavailable(f"run {seat.run} is not there any more")
        return answer.run, answer.replies

    def open(self, reply: Reply) -> Opened:
        """Open the next entry; the one after it is read next.

        Raises:
            SealBroken, WrongPosition: it is not from this ledger's workers, or for another place.
        """
        answers = self._codec.answers(self._seat.run, reply)
        given = int(reply.id.partition("-")[0])
        is_trimmed = self._after == START and given > len(answers.lines)
        self._after = reply.id
        self._unacked.append((reply.id, max(answers.lines)))
        return Opened(answers, self._rows(answers), is_trimmed)

    def _rows(self, answers: Answers) -> Rows:
        """Run the egress over one entry: a worker's answers, or a producer's declined lines."""
        trace_id = f"{self._seat.run}:{answers.lines[0]}"
        if answers.plain:
            envelope = Envelope(DecidedTurn(None, (answers,)), DECIDED, trace_id)
        else:
            envelope = Envelope(answers, DECLINED, trace_id)
        several: list[Rows] = self._runner.run([envelope]).payloads(ROWS)
        (rows,) = several
        return rows

    def lease(self) -> OpenAnswer:
        """Lease the channel, waiting for an owner that may be dead; ABSENT is an answer.

        Raises:
            LeaseHeld: another one is at work.
            LedgerGone, StoreUnavailable: as they say.
        """
        seat = self._seat
        return leased(
            self._clock,
            self._port,
            run=seat.run,
            owner=seat.owner,
            kind="collect",
            lease_ms=self._settings.run_lease_ms,
        )

    def ack(self, lines: int) -> bool:
        """Acknowledge the opened entries whose lines are among the first so many; renew the lease.

        Returns:
            False when the store has lost what was opened: it is read from the ack floor again.

        Raises:
            LeaseHeld, LedgerGone, StoreUnavailable: as they say.
        """
        entry = ""
        while self._unacked and self._unacked[0][1] <= lines:
            entry = self._unacked.popleft()[0]
        status = self._ask_ack(entry, lines)
        if status == "CLOSED":
            # The lease went with a lost tail. What it did not cover is said again, or a producer
            # that waits for room would wait for an entry behind it, and none would ever come.
            self.lease()
            status = self._ask_ack(entry, lines)
        if status != "ACKED":
            self.begin_again()
        return status == "ACKED"

    def _ask_ack(self, entry: str, written: int) -> str:
        seat = self._seat
        acked = self._port.ack(run=seat.run, owner=seat.owner, entry=entry, written=written)
        if acked.status == "GONE":
            raise gone(f"ledger {seat.ledger}")
        return acked.status
