"""One ledger in memory behind the ports, with a clock that is given to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kernel.adapters.memory import commits, halts, ingress, partitions, replies
from kernel.adapters.memory.state import LedgerState, Part
from kernel.domain.ruleset import RuleSet
from kernel.ledger.ports import StoreFull
from kernel.ledger.settings import FleetSettings
from kernel.ledger.units import AckAnswer, AppendAnswer, FinishAnswer, OpenAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kernel.ledger import units
    from kernel.ledger.halts import ResumeAnswer, ResumeRequest
    from kernel.ledger.ports import Left, Settled
    from kernel.ledger.record import LedgerRecord


class MemoryLedger:
    """Implements all ports of a ledger; one instance is one store.

    Args:
        record: The ledger's record, as `create` would write it.
        clock_us: Microseconds since the epoch, asked once a step.
    """

    def __init__(self, record: LedgerRecord, clock_us: Callable[[], int]) -> None:
        self._clock_us = clock_us
        self._settings = FleetSettings.from_json(record.settings)
        self._quota = RuleSet.from_json(record.rules).quota
        self.state = LedgerState(record, [Part() for _ in range(record.partitions)])
        #: Set to refuse growth, as Redis does under `noeviction` when it is full.
        self.is_full = False

    def _now(self) -> int:
        return self._clock_us() // 1000

    def _refuse_when_full(self) -> None:
        if self.is_full:
            msg = "the store refuses to grow; make room and try again"
            raise StoreFull(msg)

    def open(self, *, run: str, owner: str, kind: Literal["produce", "collect"]) -> OpenAnswer:
        """Lease a run."""
        self._refuse_when_full()
        return ingress.open_run(
            self.state, self._settings, self._now(), run=run, owner=owner, kind=kind
        )

    def leave(self, *, run: str, owner: str, kind: Literal["produce", "collect"]) -> Left:
        """Give a run's lease back."""
        return ingress.leave_run(self.state, run=run, owner=owner, kind=kind)

    def read_ids(self, fields: Sequence[str]) -> Sequence[str | None]:
        """Return who owns these fields."""
        return list(map(self.state.ids.get, fields))

    def append(self, request: units.AppendRequest) -> AppendAnswer:
        """Append a chunk."""
        self._refuse_when_full()
        return ingress.append(self.state, self._settings, self._clock_us(), request)

    def finish(self, *, run: str, owner: str, lines: int) -> FinishAnswer:
        """End a run's stream."""
        return ingress.finish(self.state, run=run, owner=owner, lines=lines)

    def take(self, request: units.TakeRequest) -> units.TakeAnswer:
        """Lease ready partitions."""
        return partitions.take(self.state, self._settings, self._now(), request)

    def load(self, request: units.LoadRequest) -> units.LoadAnswer:
        """Read what a turn decides on."""
        return partitions.load(self.state, request)

    def commit(self, request: units.CommitRequest) -> units.CommitAnswer:
        """Apply a turn."""
        now_us = self._clock_us()
        return commits.commit(self.state, self._settings, now_us, self._quota, request)

    def fail(self, request: units.FailRequest) -> units.FailAnswer:
        """Count a failure."""
        return partitions.fail(self.state, self._clock_us(), request)

    def end_shift(self, *, shift: str, worker: str, forced: bool) -> units.EndAnswer:
        """End a shift."""
        del worker  # the shift alone tells what to free
        return partitions.end_shift(
            self.state, self._settings, self._now(), shift=shift, forced=forced
        )

    def tick(self, *, worker: str) -> units.TickAnswer:
        """Repair what crashes left."""
        return partitions.tick(self.state, self._settings, self._now(), worker=worker)

    def resume(self, request: ResumeRequest) -> ResumeAnswer:
        """Let a halted partition go on."""
        return halts.resume(self.state, self._settings, self._clock_us(), request)

    def read(self, *, run: str, after: str, wait_ms: int, count: int) -> units.ReadAnswer:
        """Return replies; memory never waits."""
        del wait_ms
        return replies.read(self.state, run=run, after=after, count=count)

    def settle(self, *, run: str, owner: str, replicas: int) -> Settled:
        """Say that nothing is lost: what memory has, it has until the process ends."""
        del replicas
        answer = self.ack(run=run, owner=owner, entry="", written=0)
        return "SETTLED" if answer.status == "ACKED" else "CLOSED"

    def ack(self, *, run: str, owner: str, entry: str, written: int) -> AckAnswer:
        """Acknowledge what is safe on disk."""
        return replies.ack(
            self.state,
            self._settings,
            self._now(),
            run=run,
            owner=owner,
            entry=entry,
            written=written,
        )
