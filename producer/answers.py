"""The reader of a client's answers: from the run's reply channel to whoever waits.

Lives here: one round of reading, what follows an error, and when an answer is acknowledged. Not
here: the channel itself (`kernel.runtime.channel`) and who waits (`submissions.py`).

1. An answer is acknowledged only when nobody can ask for it by its number any more, so the channel
   holds the last answers, also for the next client on the run.
2. Half of the lines that may be in flight is the most that is kept so: then everything answered is
   acknowledged, or there would be no room for the next submission.
3. After an error it reads again from the ack floor, as the collector does; what comes again is
   compared there.
"""

from __future__ import annotations

from collections.abc import Callable

from kernel.ledger.ports import StoreUnavailable
from kernel.runtime.channel import READ_ENTRIES, ReplyChannel
from kernel.runtime.patience import LOOK_MS, Absence, Clock
from producer.decision import decisions_of
from producer.submissions import Submissions

#: How long a read waits for an answer; the end of a client waits for the read.
WAIT_MS = 50
#: An acknowledgement renews the lease: one after so long, or when so many answers can go.
ACK_MS = 500
ACK_LINES = 256


class AnswerReader:
    """Reads one run's answers; not for use by two threads at once."""

    def __init__(
        self,
        submissions: Submissions,
        channel: ReplyChannel,
        clock: Clock,
        *,
        inflight_lines_max: int,
        acknowledges: bool,
    ) -> None:
        """Take the book that answers go to; a finished run's answers are not acknowledged."""
        self._submissions = submissions
        self._channel = channel
        self._clock = clock
        self._unsettled_max = inflight_lines_max // 2
        self._acknowledges = acknowledges
        self._ack_at = clock.now_ms() + ACK_MS
        #: Whether the last round read all that there was.
        self.is_abreast = False

    def read_until(self, is_over: Callable[[], bool]) -> None:
        """Read round after round, through errors, until told that it is over.

        Raises:
            IntegrityError: an answer is not what it was, or not from this ledger.
            LeaseHeld: the run is being collected by another process.
            LedgerGone, StoreUnavailable: as they say.
        """
        absence = Absence(self._clock)
        while not is_over():
            try:
                self.round()
                absence.ended()
            except StoreUnavailable:
                if absence.is_too_long():
                    raise
                self.read_again()
                self._clock.pause_ms(LOOK_MS)

    def round(self) -> None:
        """Read once and hand on what came; acknowledge what is due."""
        view, replies = self._channel.read(WAIT_MS if self.is_abreast else 0)
        for reply in replies:
            opened = self._channel.open(reply)
            answered = decisions_of(self._submissions.run, opened)
            self._submissions.answered(answered, opened.rows.codes)
        self.is_abreast = len(replies) < READ_ENTRIES
        if self._acknowledges:
            kept = self._submissions.kept
            is_tight = view.position - view.written > self._unsettled_max
            settled = kept.done if is_tight else kept.settled
            is_due = self._clock.now_ms() >= self._ack_at
            if is_due or settled - view.written >= (1 if is_tight else ACK_LINES):
                self._ack(settled)

    def _ack(self, settled: int) -> None:
        """Acknowledge the entries whose lines are settled; renews the lease anyway."""
        if not self._channel.ack(settled):
            self.is_abreast = False
        self._ack_at = self._clock.now_ms() + ACK_MS

    def read_again(self) -> None:
        """Read from the ack floor on: the store may have lost its tail."""
        self._channel.begin_again()
        self.is_abreast = False
