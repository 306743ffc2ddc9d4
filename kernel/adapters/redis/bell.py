"""The bell: saying through RQ that a ledger has work, and lingering for a word while on a shift.

An RQ job here is a shift and carries no payload but the ledger's name; it may be lost, doubled or
late without harm. JSON is the only serializer, and a job may name one function only: anybody who
can write to Redis could otherwise have a worker import and call what he likes. RQ is touched here
and in `consumers/worker.py`, nowhere else.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from kernel.adapters.redis import keys
from kernel.adapters.redis.client import store_errors

if TYPE_CHECKING:
    from kernel.adapters.redis.attached import Attached

#: The one function that a job may name: text, so that no import runs upward. It is wire format.
SHIFT = "consumers.shift.work"
#: Longer than any shift.
JOB_TIMEOUT_S = 120
FAILURE_TTL_S = 3600

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
            PermissionError: the job names another function, or a method of an object.
        """
        if self.func_name != SHIFT or self.instance is not None:
            raise PermissionError("an RQ job of this queue may only be a shift")
        return super().func

    def restore(self, raw_data: Any) -> None:  # noqa: ANN401 - RQ's own signature
        """Read a job's record, without what it may not have."""
        super().restore(raw_data)
        untyped: Any = self
        untyped.webhooks = []
        for when in ("success", "failure", "stopped"):
            setattr(untyped, f"_{when}_callback_name", None)


def shift_queue(client: redis.Redis, ledger: str) -> Queue:
    """Return the RQ queue on which a ledger's shifts are asked for."""
    return Queue(
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
        """Enqueue one shift."""
        try:
            self._queue.enqueue(
                SHIFT,
                self._attached.name,
                job_timeout=JOB_TIMEOUT_S,
                result_ttl=0,
                failure_ttl=FAILURE_TTL_S,
                description="shift",
            )
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
