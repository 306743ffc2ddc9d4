"""The verb `worker`, wired: a ledger to a process that works its shifts."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from consumers.shift import Shift, ShiftTotals
from consumers.turn import Seat, Turn
from consumers.worker import work_until_stopped
from kernel.adapters.redis.bell import RqBell
from kernel.adapters.redis.client import connect
from kernel.engine.context import PER_RUN
from kernel.engine.observers import Observer
from kernel.ledger.payloads import STATE
from kernel.ledger.scenario import LIMITS, build_runner
from kernel.runtime.build import Attachment, attach, naming_versions
from kernel.runtime.child import enter
from kernel.runtime.faults import mortal
from kernel.runtime.ledger_keys import given_keys
from kernel.runtime.patience import SystemClock
from kernel.runtime.traced import observers_for
from kernel.runtime.verbs import say, settle, worker_name


def serve(
    *,
    redis_url: str,
    ledger: str,
    keys_path: str | None,
    wait_ms: int | None,
    trace: str | None,
    rng: Random,
) -> int:
    """Work on a ledger until a signal says stop; return the signal's number.

    Raises:
        FundloadError: whatever ended the worker; the sentence says what to do.
    """
    clock = SystemClock()
    child = enter()
    hold = attach(
        redis_url,
        ledger,
        group=LIMITS,
        clock=clock,
        wait_ms=wait_ms,
        say=say,
        bundle=None if child is None else child.bundle,
        given=given_keys(keys_path, say) if child is None else None,
    )
    worker = worker_name() if child is None else f"{child.bundle.worker}.{child.bundle.generation}"
    client = connect(hold.url)
    bell = RqBell(client, hold.ledger.attached)
    with observers_for(trace) as observers:
        shift = _wired(hold, worker, bell, clock, observers, rng)
        if child is not None:
            child.ready(hold.rules.digest)
        say(f"worker {worker} is ready on ledger {ledger}")
        settle()
        with naming_versions(hold):
            told = work_until_stopped(client, shift, bell, worker=worker, clock=clock)
    _say_totals(worker, shift.totals)
    return told


def _wired(
    hold: Attachment,
    worker: str,
    bell: RqBell,
    clock: SystemClock,
    observers: Sequence[Observer],
    rng: Random,
) -> Shift:
    """Return the shift of this worker."""
    seat, port = Seat(hold.name, worker, hold.settings), mortal("worker", hold.ledger)
    runner = build_runner(
        hold.rules, hold.settings.partitions, [LIMITS], observers, views={STATE: PER_RUN}
    )
    return Shift(
        turn=Turn(port=port, runner=runner, codec=hold.codec, rules=hold.rules, seat=seat, rng=rng),
        port=port,
        bell=mortal("worker", bell),
        clock=clock,
        seat=seat,
        should_stop=lambda: False,
    )


def _say_totals(worker: str, totals: ShiftTotals) -> None:
    refused = "".join(f", {n} {name}" for name, n in sorted(totals.refused.items()))
    say(
        f"worker {worker}: {totals.decided} attempts in {totals.turns} turns, {totals.parked} parks"
        f"{refused}, {totals.repairs} repairs"
    )
