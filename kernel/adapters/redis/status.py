"""What `status` and the progress line read: plain commands, no script, no writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel.adapters.redis import keys
from kernel.adapters.redis.client import command, store_errors
from kernel.adapters.redis.halts import STREAM_ID_MAX, fields_of
from kernel.adapters.redis.replies import view
from kernel.ledger.status import LedgerView, PartitionView
from kernel.ledger.units import SUBMITTED

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
    # A ledger that is being dropped may have a run removed, and a late commit count into it again.
    return view(record) if b"position" in record else None


def was_submitted(client: redis.Redis, ledger: str, run: str) -> bool:
    """Say whether a run's lines came from a client, who needs no collector.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with store_errors():
        digest: Any = client.hget(keys.beside(ledger, f"run:{run}"), "sha")
    return bool(digest == SUBMITTED.encode())


def read_ledger(client: redis.Redis, ledger: str, *, with_runs: bool = True) -> LedgerView | None:
    """Return what there is to see of a ledger, None where there is none.

    Args:
        client: Where the ledger is.
        ledger: Its name.
        with_runs: Each run costs a round trip, and a ledger that is old has many.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with store_errors():
        pipe: Any = client.pipeline(transaction=True)  # of one moment: states, leases, waits
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
        heads = _heads(client, ledger, parts, int(partitions))
        wanted = sorted(name.decode() for name in names) if with_runs else []
        runs = {name: read_run(client, ledger, name) for name in wanted}
    now = int(time[0]) * 1000
    return LedgerView(
        tuple(_partition(p, parts, leases, waits, heads.get(p, 0)) for p in range(int(partitions))),
        int(next_seq),
        sum(deadline > now for _, deadline in shifts),
        sum(deadline > now for _, deadline in workers),
        {name: run for name, run in runs.items() if run is not None},
        {name.decode(): int(n) for name, n in sorted(counters.items())},
    )


def _heads(
    client: redis.Redis, ledger: str, parts: Mapping[bytes, bytes], partitions: int
) -> dict[int, int]:
    """Read where the undecided begins, if a partition stands still; a batch is not opened."""
    states = {parts[b"%d:s" % p] for p in range(partitions)}
    if not states & {b"parked", b"halted"}:
        return {}
    behind = [p for p in range(partitions) if int(parts[b"%d:c" % p]) < int(parts[b"%d:e" % p])]
    pipe: Any = client.pipeline(transaction=False)
    for p in behind:
        first = f"({parts[b'%d:c' % p].decode()}-{STREAM_ID_MAX}"
        command(pipe, "XRANGE", keys.beside(ledger, f"log:{p}"), first, "+", "COUNT", 1)
    heads = zip(behind, pipe.execute(), strict=True)
    return {p: int(fields_of(found[0][1])[b"q"]) for p, found in heads if found}


def _partition(
    p: int,
    parts: Mapping[bytes, bytes],
    leases: Mapping[bytes, bytes],
    waits: Mapping[bytes, bytes],
    head: int,
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
        int(parts.get(name + b":w", 0)),
        head,
    )
