"""The ports: what the processes need of a ledger's store, each method one atomic step.

Two twins implement them under one suite: `kernel.adapters.redis` and `kernel.adapters.memory`.
Common to all methods: they block no longer than the client's time-out, raise `StoreUnavailable`
when the outcome is unknown (repeat with the same token), `StoreFull` when the store refuses to
grow (only `create`, `open` and `append` can meet that); a ledger that is not there any more is the
answer GONE, never an exception. Refusals are answers. Rules: `scheduling.md` and `protocol.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from kernel.errors import LedgerGone, RedisUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kernel.engine.replies import Counters, Event, Outcome
    from kernel.ledger import halts, units


class StoreUnavailable(RedisUnavailable):
    """The store did not answer; nothing is known about the request's effect."""


class StoreFull(RedisUnavailable):
    """The store refuses to grow (`noeviction`); nothing was written."""


#: CLOSED: it was not the owner's any more.
Left = Literal["LEFT", "CLOSED", "GONE"]
#: LATE: not on as many disks, so far. CLOSED: not the owner.
Settled = Literal["SETTLED", "LATE", "CLOSED", "GONE"]


def gone(subject: str) -> LedgerGone:
    """Make the error for a ledger that is not there any more.

    Args:
        subject: `ledger <name>`, or `the ledger of run <name>`.
    """
    return LedgerGone(
        f"{subject} is gone: the server was flushed or replaced; nothing more can be decided "
        "there, so start a new run on a new ledger"
    )


class IngressPort(Protocol):
    """Lines in: what the sequencer calls."""

    def open(
        self, *, run: str, owner: str, kind: Literal["produce", "collect"]
    ) -> units.OpenAnswer:
        """Lease a run to `owner`; creates it for `produce`. Safe to repeat: the owner renews."""

    def read_ids(self, fields: Sequence[str]) -> Sequence[str | None]:
        """Fingerprints that own these fields, None where nobody does. Raises LedgerGone."""

    def append(self, request: units.AppendRequest) -> units.AppendAnswer:
        """Number a chunk's lines and put its batches on the logs, all or nothing."""

    def finish(self, *, run: str, owner: str, lines: int) -> units.FinishAnswer:
        """Write the run's line count: the end of the stream."""


class LeasePort(Protocol):
    """The lease of a run, when its producer or its collector ends in good order."""

    def leave(self, *, run: str, owner: str, kind: Literal["produce", "collect"]) -> Left:
        """Give the lease back. Safe to repeat, and safe to leave out: it runs out by itself."""


class PartitionPort(Protocol):
    """Partitions: what turn and shift call."""

    def take(self, request: units.TakeRequest) -> units.TakeAnswer:
        """Lease ready partitions to a shift and return everything the shift holds. Never waits."""

    def load(self, request: units.LoadRequest) -> units.LoadAnswer:
        """Read cursors, windows, gates and skip notes in one atomic step; writes nothing."""

    def commit(self, request: units.CommitRequest) -> units.CommitAnswer:
        """Apply a turn's whole effect or none of it; needs no lease."""

    def fail(self, request: units.FailRequest) -> units.FailAnswer:
        """Count a failure at a cursor; the second one, or a fatal one, halts the partition."""

    def end_shift(self, *, shift: str, worker: str, forced: bool) -> units.EndAnswer:
        """Free what the shift holds and end it, unless something is ready and it is not forced."""

    def tick(self, *, worker: str) -> units.TickAnswer:
        """Repair what crashes leave behind; at most once in `tick_ms` per ledger."""


class OperatorPort(Protocol):
    """Halted partitions: what an operator may do to one."""

    def resume(self, request: halts.ResumeRequest) -> halts.ResumeAnswer:
        """Let a halted partition go on, with a note if its head is to be skipped; audited."""


class ReplyPort(Protocol):
    """Answers out: what the collector calls."""

    def open(
        self, *, run: str, owner: str, kind: Literal["produce", "collect"]
    ) -> units.OpenAnswer:
        """Lease a run's reply channel; ABSENT until its producer has opened the run."""

    def read(self, *, run: str, after: str, wait_ms: int, count: int) -> units.ReadAnswer:
        """Replies after an entry id ("0" = all that is left), waiting up to `wait_ms` for one."""

    def ack(self, *, run: str, owner: str, entry: str, written: int) -> units.AckAnswer:
        """Say that lines up to `written` are on disk; trims below `entry` ("" only renews).

        The highest `written` ever said counts: late or again, a lower one changes nothing.
        """

    def settle(self, *, run: str, owner: str, replicas: int) -> Settled:
        """Wait until all that was read is on the store's disk and on so many replicas'; renews."""


class OutcomePort(Protocol):
    """What became of what is waited for: `kernel.engine.replies` has the rules and the errors.

    Times are milliseconds of one clock. In the form that others can ask, a payload is a JSON value.
    """

    def register(self, trace_id: str, *, now: int, timeout_ms: int) -> None:
        """Wait for an answer; not for one that is in flight."""

    def extend(self, trace_id: str, *, now: int, timeout_ms: int) -> bool:
        """Move the deadline of what is in flight."""

    def complete(self, trace_id: str, payload: object, *, now: int) -> bool:
        """Answer; the first one wins."""

    def fail(self, trace_id: str, reason: str, *, now: int) -> bool:
        """Answer with an error; the first one wins."""

    def cancel(self, trace_id: str, reason: str, *, now: int) -> bool:
        """Stop waiting."""

    def expire(self, now: int) -> tuple[str, ...]:
        """End what is due, and return the ids, earliest deadline first."""

    def poll(self, trace_id: str) -> Outcome | None:
        """Return what it came to, as often as asked."""

    def counters(self) -> Counters:
        """Return what was counted so far."""

    def diagnostics(self) -> tuple[Event, ...]:
        """Return the last events, oldest first."""


class Bell(Protocol):
    """Saying that there is work. Rings may be lost, doubled or late without harm."""

    def ring(self) -> None:
        """Enqueue one shift. A store that is away is no error: the tick repairs a lost ring."""

    def wait(self, timeout_ms: int) -> bool:
        """Linger for a token while a shift lasts; True when one came."""
