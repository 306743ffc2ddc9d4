"""The bell: saying through RQ that a ledger has work, and lingering for a word while on a shift.

An RQ job here is a shift and carries no payload but the ledger's name; it may be lost, doubled or
late without harm. JSON is the only serializer, and a job may name one function only: anybody who
can write to Redis could otherwise have a worker import and call what he likes. RQ is touched here
and in `consumers/worker.py`, nowhere else.

Of a job's record only function, argument, state and queue are read. So no job has callbacks,
webhooks, retries, repeats, dependencies, a limit, a time-out of its own or meta, and an odd value
there cannot end a worker.
"""

from __future__ import annotations

import logging
import re
import zlib
from typing import TYPE_CHECKING, Any

import redis
from rq import Queue
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from kernel.adapters.redis import keys
from kernel.adapters.redis.client import store_errors
from kernel.adapters.redis.rights import missing

if TYPE_CHECKING:
    from kernel.adapters.redis.attached import Attached

#: The one function that a job may name: text, so that no import runs upward. It is wire format.
SHIFT = "consumers.shift.work"
#: Longer than any shift.
JOB_TIMEOUT_S = 120
FAILURE_TTL_S = 3600
#: Longer than the name of the function with the name of any ledger; unpacked, it could be anything.
DATA_BYTES_MAX = 1024
#: What RQ takes for the name of a job, and one that it will not find.
JOB_NAME = re.compile(rb"[A-Za-z0-9_-]+")
GONE = b"-"
STATES = {status.value.encode() for status in JobStatus}

_log = logging.getLogger("fundload.bell")


class ShiftJob(Job):
    """An RQ job that can only be a shift: no other function, no callbacks, no webhooks."""

    success_callback: Any = property(lambda _self: None)
    failure_callback: Any = property(lambda _self: None)
    stopped_callback: Any = property(lambda _self: None)

    @property
    def func(self) -> Any:  # noqa: ANN401 - RQ's own signature
        """What to call: the shift, or nothing.

        Raises:
            PermissionError: the job names another function, a method, or other arguments.
        """
        is_shift = (self.func_name, self.instance, self.kwargs) == (SHIFT, None, {})
        if not is_shift or not isinstance(self.args, list) or len(self.args) != 1:
            raise PermissionError("an RQ job of this queue may only be a shift")
        return super().func

    def restore(self, raw_data: Any) -> None:  # noqa: ANN401 - RQ's own signature
        """Read what a ring may say; the rest is as every ring has it, whatever the record says."""
        record = {}
        if b"data" in raw_data:  # without it, RQ takes the job for one that is gone
            record[b"data"] = _unpacked(raw_data[b"data"])
        if raw_data.get(b"status") in STATES:
            record[b"status"] = raw_data[b"status"]
        origin = raw_data.get(b"origin", b"")
        if origin.isascii():
            record[b"origin"] = origin
        super().restore(record)
        self.timeout = JOB_TIMEOUT_S
        self.result_ttl = 0
        self.failure_ttl = FAILURE_TTL_S


def _unpacked(packed: bytes) -> bytes:
    """Return what a job calls, as text, but no more of it than a shift needs."""
    try:
        return zlib.decompressobj().decompress(packed, DATA_BYTES_MAX)
    except zlib.error:
        return packed[:DATA_BYTES_MAX]


class ShiftQueue(Queue):
    """An RQ queue that throws away what can be no job's name: RQ would stumble over it."""

    @classmethod
    def lmove(cls, connection: redis.Redis, queue_key: str, timeout: int | None) -> Any:  # noqa: ANN401
        """Take the next job's name; a bad one becomes that of a job that is gone."""
        taken = super().lmove(connection, queue_key, timeout)
        if taken is None or JOB_NAME.fullmatch(taken[1]):
            return taken
        connection.lrem(IntermediateQueue.get_intermediate_queue_key(queue_key), 1, taken[1])
        return queue_key, GONE


def shift_queue(client: redis.Redis, ledger: str) -> Queue:
    """Return the RQ queue on which a ledger's shifts are asked for."""
    return ShiftQueue(
        keys.rq_name(ledger),
        connection=client,
        serializer=JSONSerializer,
        job_class=ShiftJob,
        default_timeout=JOB_TIMEOUT_S,
    )


class RqBell:
    """Implements Bell."""

    def __init__(self, client: redis.Redis, attached: Attached) -> None:
        """Take a client for RQ, and the ledger whose bell list is lingered on."""
        self._attached = attached
        self._queue = shift_queue(client, attached.name)
        #: Rings that RQ could not take: Redis away or full. The tick repairs what that leaves.
        self.lost = 0

    def ring(self) -> None:
        """Enqueue one shift.

        Raises:
            RightMissing: this user may not; that does not pass.
        """
        try:
            self._queue.enqueue(
                SHIFT,
                self._attached.name,
                job_timeout=JOB_TIMEOUT_S,
                result_ttl=0,
                failure_ttl=FAILURE_TTL_S,
                description="shift",
            )
        except redis.exceptions.NoPermissionError as error:
            raise missing(error) from error
        except (redis.exceptions.RedisError, OSError) as error:
            self.lost += 1
            _log.warning("ring lost (%s); the tick repairs it", type(error).__name__)

    def wait(self, timeout_ms: int) -> bool:
        """Linger for a token; True when one came.

        Raises:
            StoreUnavailable: the store is away.
        """
        if timeout_ms <= 0:
            return False
        with store_errors():
            client: Any = self._attached.client
            return client.blpop([self._attached.key("bell")], timeout_ms / 1000) is not None
