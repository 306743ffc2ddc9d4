"""The verb `collect`, wired: a run's replies to an output file."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from consumers.collector import Collector, CollectorSeat
from consumers.stuck import StuckWatch, Where
from kernel.adapters.files.output import OutputFile, check_names
from kernel.adapters.files.partial import beside, check_place
from kernel.adapters.files.source import STANDARD
from kernel.adapters.redis import keys
from kernel.adapters.redis.client import shown
from kernel.adapters.redis.outcomes import RedisOutcomes
from kernel.adapters.redis.replies import count_refused
from kernel.adapters.redis.status import read_ledger
from kernel.engine.replies import Outcome
from kernel.errors import (
    Incomplete,
    LeaseHeld,
    RedisUnavailable,
    RedisUnsuitable,
    SealBroken,
    WrongPosition,
)
from kernel.ledger.scenario import EGRESS, build_runner
from kernel.runtime.build import Attachment, attach
from kernel.runtime.child import Child, enter
from kernel.runtime.faults import mortal
from kernel.runtime.ledger_keys import given_keys
from kernel.runtime.patience import SystemClock, leaving, patiently
from kernel.runtime.run_wait import RunWait
from kernel.runtime.signals import Terminated
from kernel.runtime.traced import observers_for
from kernel.runtime.verbs import Durability, check_durability, say, settle, wait_ms


@dataclass(frozen=True)
class Gathering:
    """What to collect, and where to."""

    redis_url: str
    ledger: str
    run_name: str
    output: str
    reasons: str | None
    force: bool
    follow: bool
    wait_s: float | None
    trace: str | None
    durability: Durability = "fast"
    replicas: int = 0
    keys_path: str | None = None

    @property
    def asked_replicas(self) -> int | None:
        """How many replicas a barrier asks for; None where there is no barrier."""
        return self.replicas if self.durability == "strict" else None


@dataclass
class Gathered:
    """What became of the run, and how many of its lines are written."""

    outcome: Outcome
    lines: int


class Told:
    """Remembers the first signal that asks this process to stop, and ends its pauses."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self.signum = 0
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._note)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        del frame
        self.signum = signum
        self._clock.stop()

    def __call__(self) -> bool:
        """Tell whether to stop."""
        return self.signum != 0


def gather(what: Gathering, *, owner: str) -> Gathered:
    """Collect a run until it is complete, or a signal says stop.

    Raises:
        FundloadError: whatever stood in the way; the sentence says what to do.
    """
    keys.check_name(what.run_name, "run")
    check_durability(what.durability, what.replicas)
    clock = SystemClock()
    child = enter()
    if child is None:
        _check_places(what)
    hold = _attached(what, clock, child)
    # The ledger of a throw-away run is new, so an unfinished output cannot be this run's, unless
    # its collector was started again.
    is_new = child is not None and hold.record.is_throwaway and child.bundle.generation == 1
    output = _opened(what, hold.record.incarnation, fresh=is_new)
    if child is not None:
        child.ready(hold.rules.digest)
    wait = RunWait(what.run_name, clock, wait_ms=wait_ms(what.wait_s))
    try:
        told = _into(output, what, owner, clock, hold, wait)
        if told is None:
            output.finish()
        else:
            output.abandon()
    except BaseException as error:
        output.abandon()
        if isinstance(error, SealBroken | WrongPosition):
            with suppress(RedisUnavailable, RedisUnsuitable):  # what ends this process is the other
                count_refused(hold.ledger.attached, type(error).__name__)
        # Whoever holds the lease says what becomes of the run.
        wait.end(error, is_told=not isinstance(error, LeaseHeld))
        raise
    if told is not None:
        # Who supervises knows why this process was stopped, and says it when nobody is left.
        wait.end(told, is_told=child is None)
    elif not wait.complete(output.lines):
        say(f"run {what.run_name}: Redis is away, so whoever waits for the run is not told")
    return Gathered(wait.outcome, output.lines)


def _check_places(what: Gathering) -> None:
    """Refuse names that are taken before the ledger is waited for; nothing is made or locked."""
    reasons = None if what.reasons is None else Path(what.reasons)
    check_names(what.output, reasons)
    output = None if what.output == STANDARD else Path(what.output)
    if output is None or not beside(output, "checkpoint").exists():
        for path in filter(None, (output, reasons)):
            check_place(path, force=what.force)


def _opened(what: Gathering, incarnation: str, *, fresh: bool) -> OutputFile:
    """Open the output. A ledger made anew under the same name is another one, and so are its runs.

    The input of a run of that name may be another, and answer codes alone would not show it.
    """
    output = OutputFile(
        what.output,
        fresh=fresh,
        reasons_path=what.reasons,
        force=what.force,
        identity=f"{what.ledger} {incarnation} {what.run_name}",
    )
    if output.is_replacing:
        say(f"run {what.run_name}: replaced what an earlier one left beside '{what.output}'")
    if output.lines:
        say(f"run {what.run_name}: going on with '{what.output}' behind line {output.lines}")
    return mortal("collector", output)


def _attached(what: Gathering, clock: SystemClock, child: Child | None) -> Attachment:
    hold = attach(
        what.redis_url,
        what.ledger,
        group=EGRESS,
        clock=clock,
        wait_ms=wait_ms(what.wait_s),
        say=say,
        bundle=None if child is None else child.bundle,
        given=given_keys(what.keys_path, say) if child is None else None,
    )
    if what.asked_replicas is not None:
        barrier = hold.ledger.attached.barrier(what.asked_replicas)
        patiently(clock, barrier.check)
    return hold


def _watch(what: Gathering, clock: SystemClock, hold: Attachment) -> StuckWatch:
    """Watch for a halt that only an operator can end; nobody else gets at a throw-away ledger."""
    url = None if hold.record.is_throwaway else shown(hold.url)
    return StuckWatch(
        lambda: read_ledger(hold.client, hold.name, with_runs=False),
        clock,
        Where(what.run_name, what.ledger, url, what.keys_path or ""),
    )


def _into(
    output: OutputFile,
    what: Gathering,
    owner: str,
    clock: SystemClock,
    hold: Attachment,
    wait: RunWait,
) -> BaseException | None:
    """Collect; return what stopped it, None when all rows are written."""
    port = mortal("collector", hold.ledger)
    lease = leaving(port, run=what.run_name, owner=owner, kind="collect")
    with observers_for(what.trace) as observers, lease:
        collector = Collector(
            seat=CollectorSeat(what.ledger, what.run_name, owner, what.asked_replicas),
            port=port,
            runner=build_runner(
                hold.rules, hold.settings.partitions, [EGRESS], observers, views={}
            ),
            codec=hold.codec,
            clock=clock,
            settings=hold.settings,
            keep_ids=what.reasons is not None,
            watch=_watch(what, clock, hold).check,
        )
        if not collector.wait_for_run(say, wait.is_over):
            raise Incomplete(f"run {what.run_name} was not begun within {what.wait_s:g} s")
        patiently(clock, lambda: wait.share(RedisOutcomes(hold.ledger.attached)))
        told = Told(clock)
        settle()
        view = collector.collect(output, follow=what.follow, should_stop=told, alive=wait.alive)
    if view is not None:
        return None
    return KeyboardInterrupt() if told.signum == signal.SIGINT else Terminated()
