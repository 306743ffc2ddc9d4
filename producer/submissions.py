"""The submissions of one run: what is to be appended, who waits for what, what was answered.

Lives here: the book that a client's threads share, under one lock. For the sequencer it is a source
of lines, for the reader of answers where they go, for the caller where one waits. Not here: the
store, threads, and how a caller sleeps (he brings a `wake`).

1. A submission's number is its line in the run. It is given once, under the lock, and in order.
2. What waits while an append is under way goes into the next chunk, together.
3. An answer comes once. Coming again (a lost tail) it must be the same, also when nobody asks.
4. Answers are kept for a bounded number of submissions (`kept.py`), and can be asked for by number.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, NamedTuple

from kernel.adapters.files.source import CHUNK_BYTES_MAX, SourceChunk
from kernel.engine.replies import Waiter
from kernel.errors import Incomplete, Refused, WrongPosition
from kernel.ledger.settings import FleetSettings
from kernel.ledger.units import SUBMITTED
from kernel.runtime.patience import Clock
from producer.decision import Decision, Unanswered
from producer.kept import KeptAnswers

ENDED: Final = "no longer waited for"


class Ticket(NamedTuple):
    """A submission that is waited for; `is_new` says that it was not there before."""

    number: int
    is_new: bool


class Submissions:
    """Keeps one run's submissions; all methods may be called from any thread."""

    def __init__(self, run: str, *, clock: Clock, settings: FleetSettings) -> None:
        self.run = run
        self._clock = clock
        self._chunk_lines_max = settings.chunk_lines_max
        self._changed = threading.Condition()
        self._waiter = Waiter()
        self._wakes: dict[int, Callable[[], None]] = {}
        self._due: dict[int, Decision] = {}  # answers that whoever waits has not fetched yet
        self._ahead: deque[bytes] = deque()  # lines that the sequencer has not taken yet
        self._taken = 0
        self._offset = 0
        self._last = 0
        self._is_fed = False
        self._is_finished = False
        self._is_ending = False
        #: What the client has failed with, if it has.
        self.failure: BaseException | None = None
        self._failed_at: TracebackType | None = None
        #: Written by the reader of answers alone.
        self.kept = KeptAnswers(inflight_lines_max=settings.inflight_lines_max)

    # -- the sequencer's side

    def read_chunk(self, within_ms: int | None = None) -> SourceChunk | None:
        """Return what was submitted; no line when time is up; None when there comes no more.

        Raises:
            Exception: what the client has failed with.
        """
        with self._changed:
            self._is_fed = True
            self._changed.notify_all()
            within_s = None if within_ms is None else within_ms / 1000
            self._changed.wait_for(self._is_awaited_no_more, within_s)
            self._raise_failure()
            if not self._ahead and self._is_ending:
                return None
            taken: list[bytes] = []
            size = 0
            while self._ahead and len(taken) < self._chunk_lines_max and size < CHUNK_BYTES_MAX:
                taken.append(self._ahead.popleft() + b"\n")
                size += len(taken[-1])
            first_line = self._taken + 1
            self._taken += len(taken)
            self._offset += size
            return SourceChunk(b"".join(taken), len(taken), first_line, self._offset, SUBMITTED)

    def _is_awaited_no_more(self) -> bool:
        return bool(self._ahead) or self._is_ending or self.failure is not None

    def skip_to(self, offset: int, digest: str, line: int) -> None:
        """Begin where the run stands.

        Raises:
            Refused: its lines came from an input.
        """
        with self._changed:
            if digest != SUBMITTED:
                raise Refused(
                    f"run {self.run} was fed from an input; choose another run for submissions"
                )
            self._taken = self._last = line
            self._offset = offset

    def opened(self) -> Submissions:
        """Return itself: this is how the sequencer opens its source.

        Raises:
            Incomplete: a second time, when it would have to begin behind or before what it holds.
        """
        with self._changed:
            if self._taken:
                raise Incomplete(
                    f"run {self.run} is not where this client left it: the server has lost "
                    "submissions that are not held here, or another client went on with it; begin "
                    "again with a new client on the run, which tells how many it has"
                )
            return self

    # -- the caller's side

    def wait_until_fed(self) -> None:
        """Wait until the sequencer has leased the run.

        Raises:
            Exception: what it failed with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_fed or self.failure is not None)
            self._raise_failure()

    def begin_finished(self, lines: int) -> None:
        """Begin with a run that takes no more submissions, to ask for its answers."""
        with self._changed:
            self._is_finished = True
            self._last = lines

    def offer(
        self, line: bytes, *, number: int | None, timeout_ms: int, wake: Callable[[], None]
    ) -> Ticket:
        """Submit an attempt, or ask again for what was submitted under a number.

        Args:
            line: The attempt.
            number: Its number, if it may have been submitted before.
            timeout_ms: How long its answer is waited for.
            wake: Called once, from any thread, when there is an outcome.

        Raises:
            Refused: the number is not the next one and none before, or its answer is not kept any
                more, or somebody waits for it; or the run takes no more submissions.
            Exception: what the client has failed with.
        """
        with self._changed:
            self._raise_failure()
            following = self._last + 1
            number = following if number is None else number
            if not 0 < number <= following:
                raise Refused(
                    f"run {self.run} has {self._last} submissions, so there is none with number "
                    f"{number}; the next one is {following}"
                )
            is_new = number == following
            if is_new and (self._is_finished or self._is_ending):
                raise Refused(
                    f"run {self.run} is finished with {self._last} submissions; choose another run"
                )
            if self.kept.get(number) is not None:
                return Ticket(number, is_new)
            if number <= self.kept.done:
                raise self._not_kept(number)
            self._wait_for(number, timeout_ms, wake)
            if is_new:
                self._last = number
                self._ahead.append(line)
                self._changed.notify_all()
            return Ticket(number, is_new)

    def _wait_for(self, number: int, timeout_ms: int, wake: Callable[[], None]) -> None:
        if number in self._wakes:
            raise Refused(f"submission {number} of run {self.run} is waited for already")
        now = self._clock.now_ms()
        self._waiter.register(self._trace_id(number), now=now, timeout_ms=timeout_ms)
        self._wakes[number] = wake

    def outcome(self, number: int) -> Decision | None:
        """Return the answer; None while it is waited for.

        Raises:
            Unanswered: it was waited for long enough, or no more.
            Exception: what the client has failed with.
        """
        with self._changed:
            decision = self._due.pop(number, None) or self.kept.get(number)
            if decision is not None:
                return decision
            now = self._clock.now_ms()
            for trace_id in self._waiter.expire(now):
                self._wakes.pop(int(trace_id.rpartition(":")[2]))()
            outcome = self._waiter.poll(self._trace_id(number))
            if outcome is None and number in self._wakes:
                return None
            if outcome is not None and outcome.status == "error":
                self._raise_failure()
            if number <= self.kept.done:
                raise self._not_kept(number)
            raise Unanswered(outcome.reason if outcome else ENDED, self.run, number)

    def _not_kept(self, number: int) -> Refused:
        return Refused(
            f"the answer to submission {number} of run {self.run} is not kept any more: only the "
            f"last {self.kept.kept_max} are"
        )

    def cancel(self, number: int) -> None:
        """Stop waiting for a submission; it stays submitted."""
        with self._changed:
            self._wakes.pop(number, None)
            self._due.pop(number, None)
            now = self._clock.now_ms()
            self._waiter.cancel(self._trace_id(number), ENDED, now=now)

    # -- the reader's side

    def answered_before(self, lines: int) -> None:
        """Begin behind lines whose answers were acknowledged by an earlier client."""
        with self._changed:
            self.kept.begin_behind(lines)

    def answered(self, decisions: Sequence[Decision], codes: Sequence[int]) -> None:
        """Take the answers of one entry, and wake who waits for them.

        Raises:
            AnswerDiffers: one was answered before, and not like this.
            WrongPosition: one was never submitted.
        """
        wakes: list[Callable[[], None]] = []
        with self._changed:
            now = self._clock.now_ms()
            for decision, code in zip(decisions, codes, strict=True):
                number = decision.number
                if not 0 < number <= self._last:
                    raise WrongPosition(
                        f"an answer is for line {number}, but {self._last} lines were submitted"
                    )
                if self.kept.keep(decision, code) and number in self._wakes:
                    self._waiter.complete(self._trace_id(number), None, now=now)
                    self._due[number] = decision
                    wakes.append(self._wakes.pop(number))
            self.kept.advance()
        for wake in wakes:
            wake()

    @property
    def submitted(self) -> int:
        """How many submissions the run has."""
        return self._last

    # -- the end

    def end(self) -> None:
        """Take no more submissions; what was taken is still appended."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()

    def fail(self, failure: BaseException) -> None:
        """End all waits with a failure, these and all to come; the first one counts."""
        with self._changed:
            if self.failure is None:
                self.failure, self._failed_at = failure, failure.__traceback__
            self._end_waits(self._waiter.fail, str(failure))

    def stop_waiting(self, why: str) -> None:
        """End all waits; what was submitted stays so."""
        with self._changed:
            self._end_waits(self._waiter.cancel, why)

    def _end_waits(self, end: Callable[..., bool], why: str) -> None:
        now = self._clock.now_ms()
        for number, wake in self._wakes.items():
            end(self._trace_id(number), why, now=now)
            wake()
        self._wakes.clear()
        self._changed.notify_all()

    @property
    def waits(self) -> int:
        """How many answers are waited for."""
        return len(self._wakes)

    def _raise_failure(self) -> None:
        if self.failure is not None:
            # As it was: raised a thousand times it would carry a thousand places otherwise.
            raise self.failure.with_traceback(self._failed_at)

    def _trace_id(self, number: int) -> str:
        return f"{self.run}:{number}"
