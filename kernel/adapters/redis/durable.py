"""What is on disk at the server: the barrier behind which nothing is lost, and who is fit for it.

Lives here: `WAITAOF`, and whether its word can be trusted. Not here: when it is asked for, which is
the collector's matter. Three servers are told apart, once for each connection:

1. `appendfsync always`: a write is on disk before its answer. `WAITAOF` then asks the replicas; a
   server that does not know it yet (before 7.2) will do where no replica is asked for.
2. `everysec` with a `WAITAOF` that waits for the file to be synced, as it should.
3. `everysec` with a `WAITAOF` that answers at once, what was synced or not: Valkey 9.1.2 (seen in
   its system calls), and Redis 7.4 without the mend of redis/redis#13793. That is refused. It is
   found out by trying, since versions are many: a file that is synced once a second cannot be
   synced three times in less than one.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from kernel.adapters.redis.client import command, connects_of, store_errors
from kernel.errors import RedisUnsuitable
from kernel.ledger.ports import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

#: How long a barrier waits. Longer than a sync each second takes, shorter than a client's patience.
BARRIER_MS = 2_000
#: `everysec` waits for about a second; a server that does not wait is asked back in a tenth.
HONEST_S = 0.5
PROBES = 3
PROBE_KEY = "fl:probe:"
PROBE_LIVES_MS = 60_000
NO_FILE = "the server keeps no append-only file; set appendonly yes"


class Barrier:
    """Waits on one client's connection until what it wrote last is on disk; all before it is, too.

    Args:
        client: Who writes before it asks.
        replicas: How many replicas must have it on their disks as well.
        seconds: Whose time passes.
    """

    def __init__(
        self,
        client: redis.Redis,
        replicas: int,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._replicas = replicas
        self._seconds = seconds
        self._fit_on = 0
        self._has_waitaof = True

    def check(self) -> None:
        """See whether this server can keep what it says it has. Once for each connection.

        Raises:
            RedisUnsuitable: it cannot; says what to do.
            StoreUnavailable, StoreFull: it does not answer, or takes no writes.
        """
        if self._fit_on and self._fit_on == connects_of(self._client):
            return
        with store_errors():
            about: Any = self._client.info("persistence")
            if not about.get("aof_enabled"):
                raise _unfit(NO_FILE)
            fsync = self._fsync()
            self._has_waitaof = self._knows_waitaof()
            if not self._has_waitaof and self._replicas:
                raise _unfit(
                    "--replicas needs WAITAOF: Redis >= 7.2 or Valkey; without it, leave "
                    "--replicas out and set appendfsync always"
                )
            if fsync != "always":
                self._check_waits(fsync)
        self._fit_on = connects_of(self._client)

    def wait(self) -> bool:
        """Wait; False when it is not on enough disks in time.

        Raises:
            RedisUnsuitable: this is another server by now, and it is not fit.
            StoreUnavailable, StoreFull: it does not answer.
        """
        self.check()
        if not self._has_waitaof:
            return True  # `always`: the answer to the write came from behind the sync
        with store_errors():
            own, others = self._waited()
        return own >= 1 and others >= self._replicas

    def _waited(self, replicas: int | None = None) -> tuple[int, int]:
        wanted = self._replicas if replicas is None else replicas
        try:
            own, others = command(self._client, "WAITAOF", 1, wanted, BARRIER_MS)
        except ResponseError as error:
            if "appendonly is disabled" in str(error):
                raise _unfit(NO_FILE) from error
            raise
        return int(own), int(others)

    def _fsync(self) -> str:
        try:
            found: Any = self._client.config_get("appendfsync")
        except ResponseError:
            return ""  # kept from us: then only trying tells
        return str(found.get("appendfsync", "")) if found else ""

    def _knows_waitaof(self) -> bool:
        try:
            command(self._client, "WAITAOF", 0, 0, 1)
        except ResponseError as error:
            if "unknown command" in str(error).lower():
                return False
            if "replica" in str(error):
                msg = "Redis is a read-only replica here; point --redis-url at the primary"
                raise StoreUnavailable(msg) from error
            raise
        return True

    def _check_waits(self, fsync: str) -> None:
        named = (
            f"appendfsync {fsync}" if fsync else "appendfsync kept from us (+config|get shows it)"
        )
        if fsync == "no":
            raise _unfit(
                "with appendfsync no nobody says when the file is synced; set it to always"
            )
        if not self._has_waitaof:
            raise _unfit(f"{named} needs WAITAOF (Redis >= 7.2); set appendfsync always")
        took = []
        for _ in range(PROBES):
            self._client.set(PROBE_KEY + secrets.token_hex(6), "", px=PROBE_LIVES_MS)
            began = self._seconds()
            if self._waited(0)[0] < 1:
                raise _unfit(
                    f"{named}: nothing was synced in {BARRIER_MS / 1000:g} s; "
                    "set appendfsync always"
                )
            took.append(self._seconds() - began)
        # The first one may have found a sync that was due.
        if min(took[1:]) < HONEST_S:
            raise _unfit(
                f"with {named} this server answers WAITAOF before the file is synced "
                "(as Redis 7.4 and Valkey 9.1 may); set appendfsync always"
            )


def _unfit(reason: str) -> RedisUnsuitable:
    return RedisUnsuitable(f"--durability strict: {reason}")
