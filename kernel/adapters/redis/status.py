"""What `status` and the progress line read: plain commands, no script, no writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel.adapters.redis import keys
from kernel.adapters.redis.client import store_errors
from kernel.adapters.redis.replies import view
from kernel.ledger.status import LedgerView, PartitionView

if TYPE_CHECKING:
    from collections.abc import Mapping

    import redis

    from kernel.ledger.units import RunView


def read_run(client: redis.Redis, ledger: str, run: str) -> RunView | None:
    """Return a run's record, None where there is none.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with store_errors():
        record: Any = client.hgetall(keys.beside(ledger, f"run:{run}"))
    return view(record) if record else None


def read_ledger(client: redis.Redis, ledger: str) -> LedgerView | None:
    """Return what there is to see of a ledger, None where there is none.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with store_errors():
        pipe: Any = client.pipeline(transaction=False)
        pipe.hmget(keys.record(ledger), ["partitions", "next_seq"])
        pipe.hgetall(keys.beside(ledger, "parts"))
        pipe.hgetall(keys.beside(ledger, "leases"))
        pipe.hgetall(keys.beside(ledger, "waits"))
        pipe.time()
        pipe.zrange(keys.beside(ledger, "shifts"), 0, -1, withscores=True)
        pipe.zrange(keys.beside(ledger, "workers"), 0, -1, withscores=True)
        pipe.smembers(keys.beside(ledger, "runs"))
        pipe.hgetall(keys.beside(ledger, "counters"))
        (partitions, next_seq), parts, leases, waits, time, *rest = pipe.execute()
        shifts, workers, names, counters = rest
        if partitions is None:
            return None
        runs = {name.decode(): read_run(client, ledger, name.decode()) for name in sorted(names)}
    now = int(time[0]) * 1000
    return LedgerView(
        tuple(_partition(p, parts, leases, waits) for p in range(int(partitions))),
        int(next_seq),
        sum(deadline > now for _, deadline in shifts),
        sum(deadline > now for _, deadline in workers),
        {name: run for name, run in runs.items() if run is not None},
        {name.decode(): int(n) for name, n in sorted(counters.items())},
    )


def _partition(
    p: int,
    parts: Mapping[bytes, bytes],
    leases: Mapping[bytes, bytes],
    waits: Mapping[bytes, bytes],
) -> PartitionView:
    name = str(p).encode()
    lease, wait = leases.get(name), waits.get(name)
    day, pred = (int(n) for n in wait.split()) if wait else (0, 0)
    return PartitionView(
        p,
        parts[name + b":s"].decode(),
        int(parts[name + b":c"]),
        int(parts[name + b":e"]),
        lease.split(b" ", 1)[1].decode() if lease else "",
        (day, pred) if wait else None,
        parts.get(name + b":r", b"").decode(),
    )
