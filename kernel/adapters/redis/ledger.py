"""One ledger on Redis: create or find it, speak the ports over it, show it, drop it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Literal

from kernel.adapters.redis import halts, ingress, keys, partitions, replies
from kernel.adapters.redis.attached import Attached
from kernel.adapters.redis.client import store_errors
from kernel.adapters.redis.scripts import Scripts
from kernel.domain.ruleset import RuleSet
from kernel.ledger.record import CreateAnswer, LedgerRecord
from kernel.ledger.settings import FleetSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis

    from kernel.ledger import units
    from kernel.ledger.halts import ResumeAnswer, ResumeRequest
    from kernel.ledger.ports import Left, Settled

_FIELDS = ("incarnation", "partitions", "digest", "rules", "settings", "key", "key_id")


def create(
    client: redis.Redis,
    ledger: str,
    *,
    rules: RuleSet,
    settings: FleetSettings,
    master_key: str,
    key_id: str = "",
    throwaway: bool = False,
) -> CreateAnswer:
    """Write a ledger's record unless it exists; answers with the record that stands.

    Raises:
        StoreUnavailable: nothing is known; a repeat answers EXISTS with the same record.
        StoreFull: no room for a ledger.
    """
    answer = Scripts(client).run(
        "create",
        [keys.record(ledger), keys.THROWAWAY],
        [
            secrets.token_hex(16),
            "",
            ledger,
            settings.partitions,
            rules.digest,
            rules.to_json(),
            settings.to_json(),
            master_key,
            settings.throwaway_ms if throwaway else 0,
            key_id,
        ],
    )
    status: Literal["CREATED", "EXISTS"] = answer[0].decode()
    return CreateAnswer(status, _record(answer[1:]))


def find(client: redis.Redis, ledger: str) -> LedgerRecord | None:
    """Return a ledger's record, None where there is none."""
    with store_errors():
        found: Any = client.hmget(keys.record(ledger), list(_FIELDS))
    return None if found[0] is None else _record(found)


def _record(values: Sequence[bytes | None]) -> LedgerRecord:
    incarnation, partitions_text, *rest = ((v or b"").decode() for v in values)
    return LedgerRecord(incarnation, int(partitions_text), *rest)


class RedisLedger:
    """Implements all ports of a ledger on Redis; one thread at a time."""

    def __init__(
        self,
        client: redis.Redis,
        name: str,
        record: LedgerRecord,
        clock_us: Callable[[], int] | None = None,
    ) -> None:
        self.attached = Attached(client, name, record, clock_us)
        self._quota = RuleSet.from_json(record.rules).quota

    def preload(self) -> None:
        """Send all scripts to the server."""
        Scripts(self.attached.client).preload()

    def open(
        self, *, run: str, owner: str, kind: Literal["produce", "collect"]
    ) -> units.OpenAnswer:
        """Lease a run."""
        return ingress.open_run(self.attached, run=run, owner=owner, kind=kind)

    def leave(self, *, run: str, owner: str, kind: Literal["produce", "collect"]) -> Left:
        """Give a run's lease back."""
        return ingress.leave_run(self.attached, run=run, owner=owner, kind=kind)

    def read_ids(self, fields: Sequence[str]) -> Sequence[str | None]:
        """Return who owns these fields."""
        return ingress.read_ids(self.attached, fields)

    def append(self, request: units.AppendRequest) -> units.AppendAnswer:
        """Append a chunk."""
        return ingress.append(self.attached, request)

    def finish(self, *, run: str, owner: str, lines: int) -> units.FinishAnswer:
        """End a run's stream."""
        return ingress.finish(self.attached, run=run, owner=owner, lines=lines)

    def take(self, request: units.TakeRequest) -> units.TakeAnswer:
        """Lease ready partitions."""
        return partitions.take(self.attached, request)

    def load(self, request: units.LoadRequest) -> units.LoadAnswer:
        """Read what a turn decides on."""
        return partitions.load(self.attached, request)

    def commit(self, request: units.CommitRequest) -> units.CommitAnswer:
        """Apply a turn."""
        return partitions.commit(self.attached, self._quota, request)

    def fail(self, request: units.FailRequest) -> units.FailAnswer:
        """Count a failure."""
        return partitions.fail(self.attached, request)

    def end_shift(self, *, shift: str, worker: str, forced: bool) -> units.EndAnswer:
        """End a shift."""
        del worker  # the shift alone tells what to free
        return partitions.end_shift(self.attached, shift=shift, forced=forced)

    def tick(self, *, worker: str) -> units.TickAnswer:
        """Repair what crashes left."""
        return partitions.tick(self.attached, worker=worker)

    def resume(self, request: ResumeRequest) -> ResumeAnswer:
        """Let a halted partition go on."""
        return halts.resume(self.attached, request)

    def read(self, *, run: str, after: str, wait_ms: int, count: int) -> units.ReadAnswer:
        """Return replies."""
        return replies.read(self.attached, run=run, after=after, wait_ms=wait_ms, count=count)

    def ack(self, *, run: str, owner: str, entry: str, written: int) -> units.AckAnswer:
        """Acknowledge what is safe on disk."""
        return replies.ack(self.attached, run=run, owner=owner, entry=entry, written=written)

    def settle(self, *, run: str, owner: str, replicas: int) -> Settled:
        """Wait until what was read is on disk."""
        return replies.settle(self.attached, run=run, owner=owner, replicas=replicas)
