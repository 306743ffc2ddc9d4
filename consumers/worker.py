"""The worker: an RQ worker on one queue, whose only job is a shift.

RQ decides when a worker is asked; what is decided, and that nothing is lost, rests on the ledger's
scripts. So RQ's own recovery is only a second line, and its losses (`redis-rq.md`) do no harm.

1. One queue for each worker: RQ loses jobs of workers that listen on several.
2. While idle it wakes four times a second and runs the tick. If RQ cannot ring then, or cannot even
   listen (Redis full), it works a shift without being asked, so that a full server drains. It also
   drops the throw-away ledgers of runs that are gone.
3. A failure that no retry mends ends the worker with that failure's exit code.
4. Told to stop, it stops, also while the server is away and this process is between two RQ workers:
   the word is kept outside of them.
"""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

from rq import SimpleWorker
from rq.exceptions import (
    DeserializationError,
    InvalidJobOperation,
    NoSuchJobError,
    StopRequested,
)
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from consumers.shift import Shift, listen
from kernel.adapters.redis.bell import RqBell, ShiftJob, ShiftQueue, shift_queue
from kernel.adapters.redis.client import AWAY, FULL, NO_RIGHT, Client
from kernel.adapters.redis.rights import missing
from kernel.adapters.redis.throwaway import sweep
from kernel.errors import FundloadError, RightMissing
from kernel.ledger.ports import StoreUnavailable
from kernel.runtime.patience import AWAY_MS_MAX, RETRY_MS_MAX, Clock

#: RQ's own time to live of a worker.
WORKER_TTL_S = 16
#: How long RQ listens at a time (its own figure would be a whole second): so often an idle worker
#: wakes, and its tick finds what a dead one has left.
LISTEN_S = 0.25
MAINTENANCE_S = 5
#: How often an idle worker looks for throw-away ledgers whose run is gone.
SWEEP_S = 10.0

_log = logging.getLogger("fundload.worker")


class Told:
    """The signal that told this process to stop; 0 while none has."""

    signum = 0
    _is_at_work = False

    def note(self, signum: int) -> bool:
        """Remember the signal; False when RQ need not know: a shift is at work and will ask."""
        self.signum = signum
        return not self._is_at_work

    def work_unasked(self, shift: Shift) -> None:
        """Work a shift that RQ knows nothing of; told to stop, it ends at its turn's end."""
        self._is_at_work = True
        try:
            shift.work()
        finally:
            self._is_at_work = False


class ShiftWorker(SimpleWorker):
    """Works shifts in its own process: no fork, so the ledger's connection and caches are kept."""

    job_class = ShiftJob
    queue_class = ShiftQueue
    dequeue_timeout: Any = LISTEN_S
    max_connection_wait_time = 2.0

    def __init__(self, client: Client, shift: Shift, bell: RqBell, worker: str, told: Told) -> None:
        """Listen on the ledger's queue under a name that no earlier worker had."""
        super().__init__(
            [shift_queue(client, shift.ledger)],
            name=f"fl-{shift.ledger}-{worker}-{secrets.token_hex(4)}",
            connection=client,
            worker_ttl=WORKER_TTL_S,
            maintenance_interval=MAINTENANCE_S,
            serializer=JSONSerializer,
            log_job_description=False,
        )
        self._shift = shift
        self._bell = bell
        self._told = told
        self.failure: FundloadError | None = None
        self._away_since: float | None = None
        self._sweep_at = time.monotonic() + SWEEP_S

    def request_stop(self, signum: int, frame: Any) -> None:  # noqa: ANN401 - RQ's own signature
        """Stop after this turn, or at once while idle."""
        if self._told.note(signum):
            untyped: Any = super()
            untyped.request_stop(signum, frame)

    def should_stop(self) -> bool:
        """Tell whether RQ was asked to shut down; shifts end at the next turn's end then."""
        return bool(self._stop_requested or self._told.signum)

    def procline(self, message: str) -> None:
        """Leave the process title alone: it says ` worker`, and people look for that."""

    def subscribe(self) -> None:
        """Listen to nobody: whoever can publish there could stop a worker. Signals stop it."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:  # noqa: ANN401
        """Say to RQ that we live, and while idle do the tick.

        While it listens, RQ would ask a server that is away for ever; nobody of ours does.
        """
        try:
            super().heartbeat(timeout, pipeline)
        except AWAY:
            self._end_if_away_for_long()
            raise
        self._away_since = None
        if pipeline is None and self.get_state() == WorkerStatus.IDLE:
            if self._told.signum:
                raise StopRequested  # the word came before this worker listened to signals
            self._idle_tick()

    def _idle_tick(self) -> None:
        lost = self._bell.lost
        try:
            self._shift.tick()
            if self._bell.lost > lost:
                self._told.work_unasked(self._shift)
            if time.monotonic() >= self._sweep_at:
                self._sweep()
        except StoreUnavailable as error:
            _log.info("tick put off: %s", error)  # RQ's own loop meets it next, and waits
        except FundloadError as error:
            self._end_with(error)

    def _sweep(self) -> None:
        """Look for throw-away ledgers that are to go, unless that is no business of this user."""
        self._sweep_at = time.monotonic() + SWEEP_S
        try:
            sweep(self.connection, spare=self._shift.ledger)
        except RightMissing:
            self._sweep_at = math.inf

    def run_maintenance_tasks(self) -> None:
        """Clean RQ's registries, of this queue; there are no groups."""
        with self._with_rights():
            untyped: Any = self
            untyped.clean_registries()

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> Any:  # noqa: ANN401 - RQ's own types
        """Wait for a ring."""
        with self._with_rights():
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)

    @contextlib.contextmanager
    def _with_rights(self) -> Iterator[None]:
        """End this worker when a right is missing: RQ would only be surprised, and begin anew."""
        try:
            yield
        except NO_RIGHT as error:
            self._end_with(missing(error))

    def register_death(self) -> None:
        """Leave nothing behind: RQ keeps the record of a worker that ended for a minute."""
        untyped: Any = super()
        untyped.register_death()
        self.connection.delete(self.key)

    def execute_job(self, job: Any, queue: Any) -> None:  # noqa: ANN401 - RQ's own types
        """Work a shift; RQ keeps a failing job's exception to itself, so it is asked for here."""
        job.origin = queue.name  # whatever its record says: RQ writes to what is named after it
        with self._with_rights():
            super().execute_job(job, queue)
        if self._shift.failure is not None:
            self._end_with(self._shift.failure)

    def handle_exception(self, job: Any, *exc_info: Any) -> None:  # noqa: ANN401 - RQ's own types
        """Print a traceback only for what nobody expects.

        A failure that ends the worker is told in one sentence. And RQ's record of a job goes with a
        server's lost tail, or is flushed: the shift was worked all the same.
        """
        if isinstance(exc_info[1], NO_RIGHT):
            self._shift.failure = missing(exc_info[1])
        elif isinstance(exc_info[1], (InvalidJobOperation, NoSuchJobError)):
            _log.warning("RQ has lost the record of a shift; nothing depends on it")
        elif isinstance(exc_info[1], (PermissionError, DeserializationError)):
            _log.warning("refused an RQ job that is no shift; who may write to rq:*?")
        elif self._shift.failure is None:
            untyped: Any = super()
            untyped.handle_exception(job, *exc_info)

    def _end_if_away_for_long(self) -> None:
        now = time.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        if now - self._away_since >= AWAY_MS_MAX / 1000:
            self._end_with(StoreUnavailable(f"Redis was away for {AWAY_MS_MAX // 1000} s"))

    def _end_with(self, error: FundloadError) -> None:
        self.failure = error
        raise StopRequested


def work_until_stopped(
    client: Client, shift: Shift, bell: RqBell, *, worker: str, clock: Clock
) -> int:
    """Work until a signal says stop; return its number.

    Raises:
        FundloadError: what ended the worker; a store away for a minute is StoreUnavailable.
    """
    quiet_rq()
    listen(shift)
    told = Told()
    away_since: int | None = None
    while True:
        began = clock.now_ms()
        # A signal that comes between two RQ workers is raised right here; `told` has kept it.
        with contextlib.suppress(StopRequested):
            is_full = _work_as_listener(client, shift, bell, worker, told)
            now = clock.now_ms()
            if is_full or away_since is None or now - began >= AWAY_MS_MAX:
                away_since = now  # a listener that lived for a minute was not away for it
            if not told.signum and now - away_since >= AWAY_MS_MAX:
                raise StoreUnavailable("RQ cannot go on; Redis does not answer as it should")
            if not told.signum:
                clock.pause_ms(RETRY_MS_MAX)
        if told.signum:
            return told.signum


def _work_as_listener(client: Client, shift: Shift, bell: RqBell, worker: str, told: Told) -> bool:
    """Be one RQ worker until it ends: told to, by a failure, or because RQ cannot go on.

    Returns:
        Whether it could not because the server is full. That lasts until somebody makes room, so
        what is ready is decided meanwhile, without RQ.
    """
    listener = None
    try:
        listener = ShiftWorker(client, shift, bell, worker, told)
        shift.should_stop = listener.should_stop
        listener.work(logging_level="WARNING")
    except FULL:
        _log.warning("Redis is full: RQ cannot ring, so this worker looks for work by itself")
        try:
            shift.tick()
            told.work_unasked(shift)
        except StoreUnavailable as error:
            _log.info("tick put off: %s", error)
        return True
    except NO_RIGHT as error:
        raise missing(error) from error
    except AWAY as error:
        _log.warning("Redis is away (%s)", type(error).__name__)
    if listener is not None and listener.failure is not None:
        raise listener.failure
    return False


class _AwayInOneLine(logging.Filter):
    """Takes the traceback from a record about a server that is away: nobody has to look into it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, such a one as a sentence."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, AWAY):
            record.msg, record.args = "Redis is away (%s)", (type(error).__name__,)
            record.exc_info = record.exc_text = None
        return True


def quiet_rq() -> None:
    """Send RQ's log to stderr, and only warnings: stdout is for what was asked for."""
    logger = logging.getLogger("rq")
    if not logger.handlers:
        stream = logging.StreamHandler(sys.stderr)
        stream.addFilter(_AwayInOneLine())
        stream.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logger.addHandler(stream)
        logger.propagate = False
    logger.setLevel(logging.WARNING)
