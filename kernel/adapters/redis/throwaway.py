"""Throw-away ledgers: a sign of life each second, and removal of those that no longer give one.

A run without `--ledger` makes a ledger for itself. It is listed with a deadline that its run moves
on; whoever finds the deadline passed may remove it, so that a killed run leaves nothing for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel.adapters.redis import keys, rq_traces
from kernel.adapters.redis.client import store_errors
from kernel.adapters.redis.scripts import Scripts
from kernel.ledger.settings import RANGES

if TYPE_CHECKING:
    import redis

#: A run's record, replies or a week of windows: what the server removes in one step.
KEYS_IN_ONE_STEP = 64
#: A deadline further away than twice the longest one comes from a clock that jumped.
DEADLINE_MS_MAX = 2 * RANGES["throwaway_ms"][1]


def renew(client: redis.Redis, ledger: str, throwaway_ms: int) -> None:
    """Move the deadline of a throw-away ledger on; one that was removed is not listed again.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with store_errors():
        client.zadd(keys.THROWAWAY, {ledger: _now_ms(client) + throwaway_ms}, xx=True)


def expired(client: redis.Redis) -> list[str]:
    """Return the throw-away ledgers whose run gives no sign of life any more.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with store_errors():
        now = _now_ms(client)
        untyped: Any = client
        names = untyped.zrangebyscore(keys.THROWAWAY, "-inf", now)
        names += untyped.zrangebyscore(keys.THROWAWAY, f"({now + DEADLINE_MS_MAX}", "+inf")
    return [name.decode() for name in names]


def drop(client: redis.Redis, ledger: str) -> None:
    """Remove a ledger and all that RQ keeps for it, in steps that hold the server for moments.

    Safe to repeat, also after it was broken off: the list forgets the ledger last.

    Args:
        client: Where the ledger is.
        ledger: Its name. Nobody may be at work on it.

    Raises:
        StoreUnavailable: the server does not answer; a part may be removed.
    """
    rq_traces.remove(client, ledger)
    record = keys.record(ledger)
    with store_errors():
        untyped: Any = client
        incarnation = untyped.hget(record, "incarnation")
    if incarnation is not None:
        scripts = Scripts(client)
        arguments = [incarnation, "", ledger, KEYS_IN_ONE_STEP]
        while scripts.run("drop", [record, keys.THROWAWAY], arguments)[0] != b"DROPPED":
            continue
    with store_errors():
        client.zrem(keys.THROWAWAY, ledger)


def sweep(client: redis.Redis, *, spare: str = "") -> list[str]:
    """Drop the throw-away ledgers of runs that give no sign of life any more; return their names.

    Raises:
        StoreUnavailable: the server does not answer; a part may be removed.
    """
    doomed = [name for name in expired(client) if name != spare]
    for name in doomed:
        drop(client, name)
    return doomed


def _now_ms(client: redis.Redis) -> int:
    untyped: Any = client
    seconds, micros = untyped.time()
    return int(seconds) * 1000 + int(micros) // 1000
