"""A client's session on one run: the sequencer and the reader of answers, each in a thread.

Lives here: wiring, start and end. The sequencer is the one that files are fed by; its source is the
book of submissions. Not here: how a caller waits (`client.py`).

1. Each thread has a connection and keys of its own. They share nothing but the book.
2. What ends a thread ends every wait with the same error.
3. The end is bounded: what cannot be appended, finished or answered in time is left as it is, and
   who waits for it is told its number.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from random import SystemRandom

from kernel.adapters.redis import keys
from kernel.adapters.redis.bell import RqBell
from kernel.adapters.redis.client import SOCKET_TIMEOUT_S, connect
from kernel.engine.context import PER_RUN
from kernel.engine.errors import HandoffShutDown
from kernel.engine.handoff import ShutdownRequested
from kernel.errors import Incomplete, Refused
from kernel.ledger.payloads import IDS, ORDER
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.scenario import EGRESS, INGRESS, build_runner
from kernel.ledger.units import RunView
from kernel.runtime.build import Attachment, attach, attached
from kernel.runtime.channel import ChannelSeat, ReplyChannel
from kernel.runtime.ledger_keys import given_keys
from kernel.runtime.patience import SystemClock, patiently
from producer.answers import AnswerReader
from producer.append import RunSeat
from producer.decision import Decision, is_answer_to
from producer.sequencer import Sequencer
from producer.submissions import Submissions, Ticket

#: How long the end of a session may take beside what a single request takes.
CLOSE_S = 10.0
CLOSED = "the client was closed"


class _EndingClock(SystemClock):
    """The machine's clock; once stopped, a pause is where a thread ends."""

    def pause_ms(self, duration: int) -> None:
        super().pause_ms(duration)
        if self._stopped.is_set():
            raise ShutdownRequested(CLOSED)


def _unheard(sentence: str) -> None:
    """Say nothing: a library has no terminal."""
    del sentence


class Session:
    """Feeds one run and reads its answers, from `start` to `close`."""

    def __init__(
        self, redis_url: str, ledger: str, run: str | None, keys_path: str | None = None
    ) -> None:
        """Name the run; without a name it is a new one."""
        self.run = keys.check_name(run or f"client-{secrets.token_hex(8)}", "run")
        self._redis_url = redis_url
        self._ledger = ledger
        self._keys_path = keys_path
        self._owner = secrets.token_hex(8)
        self._clock = _EndingClock()
        self._feeder: threading.Thread | None = None
        self._reader: threading.Thread | None = None
        self._holds: list[Attachment] = []
        self._is_open = False
        self._is_over = threading.Event()
        self._book: Submissions | None = None

    @property
    def book(self) -> Submissions:
        """The submissions, once the session has started and while it has not ended.

        Raises:
            Refused: it has not, or it has.
        """
        if self._book is None or not self._is_open:
            raise Refused("this client is not open: submit inside its `with` block")
        return self._book

    def start(self) -> None:
        """Lease the run and read what answers there are.

        Raises:
            LeaseHeld: another process feeds or collects the run.
            FundloadError: whatever else stood in the way; the sentence says what to do.
        """
        if self._holds:
            raise Refused("a client is for one `with` block; make a new one")
        try:
            self._start()
            self._clock.pause_ms(0)  # perhaps it was given up meanwhile
            self._is_open = True
        except BaseException as error:
            if self._book is not None:
                self._book.fail(error)
            self._end()
            raise

    def _start(self) -> None:
        hold = attach(
            self._redis_url,
            self._ledger,
            group=INGRESS,
            clock=self._clock,
            wait_ms=0,
            say=_unheard,
            given=given_keys(self._keys_path, _unheard),
        )
        self._holds.append(hold)
        given = given_keys(self._keys_path, _unheard)
        reading = attached(hold.url, hold.name, connect(hold.url), hold.record, given)
        self._holds.append(reading)
        book = self._book = Submissions(self.run, clock=self._clock, settings=hold.settings)
        channel = self._channel(reading)
        lines = self._lines_of_finished(reading)
        if lines is None:
            self._feeder = self._begin("feeds", book, lambda: self._feed(book, hold))
            book.wait_until_fed()
            channel.lease()
        else:
            book.begin_finished(lines)
        view, _ = patiently(self._clock, lambda: channel.read(0))
        book.answered_before(view.written)
        reader = AnswerReader(
            book,
            channel,
            self._clock,
            inflight_lines_max=hold.settings.inflight_lines_max,
            acknowledges=lines is None,
        )
        reader.read_until(lambda: reader.is_abreast)
        self._reader = self._begin("reads", book, lambda: self._read(reader))

    def _channel(self, hold: Attachment) -> ReplyChannel:
        return ReplyChannel(
            seat=ChannelSeat(hold.name, self.run, self._owner),
            port=hold.ledger,
            runner=build_runner(hold.rules, hold.settings.partitions, [EGRESS], views={}),
            codec=hold.codec,
            clock=self._clock,
            settings=hold.settings,
        )

    def _lines_of_finished(self, hold: Attachment) -> int | None:
        """Return how many lines a finished run has; None when it is not finished."""

        def look() -> RunView | None:
            return hold.ledger.read(run=self.run, after="0", wait_ms=0, count=1).run

        view = patiently(self._clock, look)
        return None if view is None else view.lines

    def _feed(self, book: Submissions, hold: Attachment) -> None:
        Sequencer(
            seat=RunSeat(self.run, self._owner, hold.rules.digest),
            port=hold.ledger,
            runner=build_runner(
                hold.rules,
                hold.settings.partitions,
                [INGRESS],
                views={IDS: PER_RUN, ORDER: PER_RUN},
            ),
            codec=hold.codec,
            bell=RqBell(hold.client, hold.ledger.attached),
            clock=self._clock,
            settings=hold.settings,
            rng=SystemRandom(),
        ).run(book.opened, can_reopen=True)

    def _read(self, reader: AnswerReader) -> None:
        with contextlib.suppress(ShutdownRequested):  # nothing is lost by that
            reader.read_until(self._is_over.is_set)

    def _begin(self, does: str, book: Submissions, act: Callable[[], None]) -> threading.Thread:
        def live() -> None:
            try:
                act()
            except (ShutdownRequested, HandoffShutDown):
                book.fail(Incomplete(f"run {self.run} was closed before all of it was appended"))
            except Exception as error:  # noqa: BLE001 - raised again by whoever waits
                book.fail(error)

        # A daemon, so that a client that nobody closes does not keep its process alive.
        thread = threading.Thread(target=live, name=f"fundload {does} {self.run}", daemon=True)
        thread.start()
        return thread

    def outcome(self, ticket: Ticket) -> Decision | None:
        """Return the answer; None while it is waited for. Also when the session has ended.

        Raises:
            Unanswered: it was waited for long enough, or no more.
            BaseException: what the client has failed with.
        """
        assert self._book is not None
        return self._book.outcome(ticket.number)

    def cancel(self, ticket: Ticket) -> None:
        """Stop waiting for a submission; it stays submitted."""
        assert self._book is not None
        self._book.cancel(ticket.number)

    def check_same(self, line: bytes, decision: Decision) -> None:
        """Refuse an attempt that is not the one submitted under its number before.

        Raises:
            Refused: it is another one.
        """
        hold = self._holds[0]

        def owner_of(field: str) -> str | None:
            return patiently(self._clock, lambda: hold.ledger.read_ids([field]))[0]

        scope = hold.rules.duplicate_scope
        if not is_answer_to(line, decision, scope=scope, owner_of=owner_of):
            raise Refused(
                f"submission {decision.number} of run {self.run} was another attempt; give the "
                "same one, or leave the number out to submit this one"
            )

    def close(self, within_s: float) -> None:
        """Append what is submitted, finish the run, and end; may be called twice.

        Who still waits for an answer by then is told that the client was closed.

        Raises:
            FundloadError: the run could not be finished; it goes on with the next client on it.
        """
        book = self._book
        if book is None or not self._is_open:
            return
        self._is_open = False
        deadline = time.monotonic() + within_s
        book.end()
        if self._feeder is not None:
            self._feeder.join(deadline - time.monotonic())
        while book.waits and time.monotonic() < deadline and book.failure is None:
            self._is_over.wait(0.01)
        book.stop_waiting(CLOSED)
        self._end()
        if book.failure is not None:
            raise book.failure

    def give_up(self) -> None:
        """End as soon as may be, without waiting for it: the run stays as it is."""
        self._is_over.set()
        self._clock.stop()
        if self._book is not None:
            self._book.fail(Incomplete(CLOSED))

    def _end(self) -> None:
        """End the threads, give back what was leased, close the connections; in any state."""
        self._is_over.set()
        self._clock.stop()
        for thread in filter(None, (self._feeder, self._reader)):
            thread.join(2 * SOCKET_TIMEOUT_S)
        if self._feeder is not None:
            port, run, owner = self._holds[0].ledger, self.run, self._owner
            with contextlib.suppress(StoreUnavailable):  # the leases run out by themselves
                port.leave(run=run, owner=owner, kind="produce")
                port.leave(run=run, owner=owner, kind="collect")
        for hold in self._holds:
            hold.client.close()
