"""What RQ has written for one ledger's queue, and how it is removed with the ledger.

Here: the names of RQ's keys (RQ 3.0), because RQ has no call that removes a queue with its workers
and registries. Not here: asking for shifts (`bell.py`). Jobs carry no payload, so nothing is lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from kernel.adapters.redis import keys
from kernel.adapters.redis.client import store_errors

if TYPE_CHECKING:
    import redis

#: As RQ reads it.
PREFIX = os.environ.get("RQ_KEY_PREFIX", "rq")
REGISTRIES = ("wip", "finished", "failed", "deferred", "ready", "scheduled", "canceled")
UNLINKED_AT_ONCE = 500


def remove(client: redis.Redis, ledger: str) -> None:
    """Remove a ledger's queue, its jobs and registries, and the workers that died listening.

    Safe to repeat. What a worker writes afterwards stays: it must have ended before.

    Raises:
        StoreUnavailable: the server does not answer; a part may be removed.
    """
    name = keys.rq_name(ledger)
    queue_key = f"{PREFIX}:queue:{name}"
    gone = _worker_keys(client, name)
    doomed = [queue_key, f"{queue_key}:intermediate", f"{PREFIX}:workers:{name}"]
    doomed += [f"{PREFIX}:{registry}:{name}" for registry in REGISTRIES]
    doomed += [f"{PREFIX}:clean_registries:{name}", f"{PREFIX}:scheduler-lock:{name}"]
    doomed += [key for worker in gone for key in (worker, f"{worker}:executions")]
    with store_errors():
        for job in _jobs(client, name):
            doomed += _keys_of(client, queue_key, job)
        _unlink(client, doomed)
        pipe: Any = client.pipeline(transaction=False)
        pipe.srem(f"{PREFIX}:queues", queue_key)
        if gone:
            pipe.srem(f"{PREFIX}:workers", *gone)
        pipe.execute()


def _worker_keys(client: redis.Redis, name: str) -> list[str]:
    with store_errors():
        found: Any = client.smembers(f"{PREFIX}:workers:{name}")
    return sorted(key.decode() for key in found)


def _jobs(client: redis.Redis, name: str) -> set[str]:
    pipe: Any = client.pipeline(transaction=False)
    for ending in ("", ":intermediate"):
        pipe.lrange(f"{PREFIX}:queue:{name}{ending}", 0, -1)
    for registry in REGISTRIES:
        pipe.zrange(f"{PREFIX}:{registry}:{name}", 0, -1)
    # A job at work is listed as <job>:<execution>.
    return {entry.decode().partition(":")[0] for found in pipe.execute() for entry in found}


def _keys_of(client: redis.Redis, queue_key: str, job: str) -> list[str]:
    untyped: Any = client
    executions = untyped.zrange(f"{PREFIX}:executions:{job}", 0, -1)
    return [
        f"{PREFIX}:job:{job}",
        f"{PREFIX}:job:{job}:dependents",
        f"{PREFIX}:results:{job}",
        f"{PREFIX}:executions:{job}",
        f"{queue_key}:intermediate:first_seen:{job}",
        *(f"{PREFIX}:execution:{execution.decode()}" for execution in executions),
    ]


def _unlink(client: redis.Redis, doomed: Iterable[str]) -> None:
    rest = iter(doomed)
    while some := list(islice(rest, UNLINKED_AT_ONCE)):
        client.unlink(*some)
