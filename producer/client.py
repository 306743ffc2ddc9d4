"""The client: submit an attempt, get its decision. A sync and an async form over one session.

    with Client("redis://127.0.0.1:6379", "prod") as client:
        decision = client.submit({"id": "1", "customer_id": "7", ...})

1. A client is a run of its own on the ledger. Its attempts are lines of that run, in the same one
   order, through the same graph and script as the lines of a file.
2. A time-out or a cancel ends the wait, never the attempt. With its number an attempt may be
   submitted again without harm: the answer that is kept is returned, and nothing is decided twice.
3. Leaving the `with` block finishes the run. A client that died is followed by another one on the
   same run, which goes on behind its last line.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

from kernel.errors import FundloadError, UsageError
from producer.decision import Decision, Unanswered, line_of
from producer.session import CLOSE_S, Session
from producer.submissions import Ticket

__all__ = ["AsyncClient", "Client", "Decision", "Unanswered"]

#: How long an answer is waited for.
TIMEOUT_S = 30.0
#: Rounding up to whole milliseconds may leave this little to wait.
LEAST_S = 0.001


class _Waiting(NamedTuple):
    """One submission that a thread waits for."""

    line: bytes
    ticket: Ticket
    woken: threading.Event
    deadline: float


class _OnRun:
    """What both forms have in common."""

    def __init__(
        self,
        redis_url: str,
        ledger: str,
        *,
        run: str | None = None,
        timeout_s: float = TIMEOUT_S,
        keys_path: str | None = None,
    ) -> None:
        """Name what to submit to; nothing is connected yet.

        Args:
            redis_url: Address of the server.
            ledger: Name of the ledger, which must exist.
            run: The run to submit to; without one, a new run with a random name.
            timeout_s: How long an answer is waited for.
            keys_path: The key file that the ledger was made with, if it was made with one.
        """
        self._session = Session(redis_url, ledger, run, keys_path)
        self._timeout_s = timeout_s

    @property
    def run(self) -> str:
        """Name of the run."""
        return self._session.run

    @property
    def submitted(self) -> int:
        """How many submissions the run has: the number of the last one."""
        return self._session.book.submitted

    def check(self) -> None:
        """Look whether the client still works, for whoever waits for the next attempt.

        Raises:
            FundloadError: what it has failed with; the sentence says what to do.
        """
        failure = self._session.book.failure
        if failure is not None:
            raise failure

    def _limit_s(self, timeout_s: float | None) -> float:
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        if not 0 < limit_s <= threading.TIMEOUT_MAX:
            raise UsageError(f"a time-out of {limit_s:g} s is none: give more than 0 seconds")
        return limit_s


class Client(_OnRun):
    """Submits attempts to a ledger and waits for each; may be shared by threads."""

    def submit(
        self, attempt: object, *, number: int | None = None, timeout_s: float | None = None
    ) -> Decision:
        """Submit one attempt and wait for its decision.

        Args:
            attempt: A JSON text (bytes or str), or a mapping or dataclass object with the fields
                `id`, `customer_id`, `load_amount`, `time`. What is malformed is declined.
            number: Its number, if it may have been submitted before (from 1).
            timeout_s: How long to wait, instead of the client's own time-out.

        Raises:
            Unanswered: no answer in time. The attempt stays submitted; `run` and `number` name it.
            Refused: the number is another attempt's, not the next, or no longer kept.
            FundloadError: the client has failed; the sentence says why.
        """
        limit_s = self._limit_s(timeout_s)
        waiting = self._offered(line_of(attempt), number, limit_s)
        return self._answer_to(waiting)

    def submit_together(
        self, attempts: Iterable[object], *, timeout_s: float | None = None
    ) -> Iterator[Decision]:
        """Submit several attempts at once, and return their decisions in the same order.

        Raises:
            Unanswered, FundloadError: as `submit` does, in the place of the decision.
        """
        limit_s = self._limit_s(timeout_s)
        lines = [line_of(attempt) for attempt in attempts]
        several = deque(self._offered(line, None, limit_s) for line in lines)
        return self._answers_to(several)

    def _offered(self, line: bytes, number: int | None, limit_s: float) -> _Waiting:
        woken = threading.Event()
        ticket = self._session.book.offer(
            line, number=number, timeout_ms=int(limit_s * 1000) or 1, wake=woken.set
        )
        return _Waiting(line, ticket, woken, time.monotonic() + limit_s)

    def _answers_to(self, several: deque[_Waiting]) -> Iterator[Decision]:
        try:
            while several:
                yield self._answer_to(several.popleft())
        finally:
            for waiting in several:
                self._session.cancel(waiting.ticket)

    def _answer_to(self, waiting: _Waiting) -> Decision:
        line, ticket, woken, deadline = waiting
        try:
            while (decision := self._session.outcome(ticket)) is None:
                woken.wait(max(deadline - time.monotonic(), LEAST_S))
        except BaseException:
            self._session.cancel(ticket)  # Ctrl-C: the attempt stays submitted
            raise
        if not ticket.is_new:
            self._session.check_same(line, decision)
        return decision

    def close(self, *, within_s: float = CLOSE_S) -> None:
        """Finish the run and end; who waits meanwhile gets an answer, within this time.

        Raises:
            FundloadError: the run could not be finished; it goes on with the next client on it.
        """
        self._session.close(within_s)

    def __enter__(self) -> Self:
        """Open the run.

        Raises:
            LeaseHeld: another process feeds or collects the run.
            FundloadError: whatever else stood in the way.
        """
        self._session.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
            return
        with contextlib.suppress(FundloadError):  # the error under way says more
            self.close()


class AsyncClient(_OnRun):
    """Submits attempts to a ledger and awaits each; for one event loop."""

    async def submit(
        self, attempt: object, *, number: int | None = None, timeout_s: float | None = None
    ) -> Decision:
        """Submit one attempt and await its decision; as `Client.submit`.

        Cancelling the one who awaits ends the wait; the attempt stays submitted.
        """
        line = line_of(attempt)
        limit_s = self._limit_s(timeout_s)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        woken = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody awaits it
                loop.call_soon_threadsafe(woken.set)

        timeout_ms = int(limit_s * 1000) or 1
        ticket = self._session.book.offer(line, number=number, timeout_ms=timeout_ms, wake=wake)
        try:
            while (decision := self._session.outcome(ticket)) is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(max(deadline, loop.time() + LEAST_S)):
                        await woken.wait()
        except asyncio.CancelledError:
            self._session.cancel(ticket)
            raise
        if not ticket.is_new:
            await asyncio.to_thread(self._session.check_same, line, decision)
        return decision

    async def close(self, *, within_s: float = CLOSE_S) -> None:
        """Finish the run and end; as `Client.close`."""
        await asyncio.to_thread(self._session.close, within_s)

    async def __aenter__(self) -> Self:
        """Open the run; as `Client`."""
        try:
            await asyncio.to_thread(self._session.start)
        except asyncio.CancelledError:
            self._session.give_up()  # the thread goes on otherwise
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            await self.close()
            return
        with contextlib.suppress(FundloadError):  # the error under way says more
            await self.close()
