"""What an operator sees of a ledger: read-only, and with the reason why something waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from kernel.adapters.redis import keys
from kernel.adapters.redis.status import read_ledger
from kernel.errors import UsageError
from kernel.ledger.status import LedgerView, PartitionView
from kernel.ledger.units import RunView
from kernel.runtime.build import reached


def look(redis_url: str, ledger: str) -> LedgerView:
    """Read a ledger.

    Raises:
        UsageError: there is no such ledger.
        StoreUnavailable: the server does not answer.
    """
    keys.check_name(ledger, "ledger")
    found = read_ledger(reached(redis_url), ledger)
    if found is None:
        raise UsageError(f"there is no ledger {ledger}; `fundload produce` makes it")
    return found


def as_mapping(view: LedgerView) -> dict[str, Any]:
    """Return what `status --json` prints."""
    return {
        "next_seq": view.next_seq,
        "backlog_attempts": backlog(view),
        "shifts": view.shifts,
        "workers": view.workers,
        "held": {worker: list(parts) for worker, parts in view.held().items()},
        "partitions": [mapped(view, part) for part in view.partitions],
        "runs": {name: run._asdict() for name, run in view.runs.items()},
        "counters": dict(view.counters),
    }


def mapped(view: LedgerView, part: PartitionView) -> dict[str, Any]:
    """Return one partition as `--json` prints it."""
    other = view.holding_up(part)
    return part._asdict() | {"held_up_by": None if other is None else other.partition}


def backlog(view: LedgerView) -> int:
    """Count the attempts that wait for a decision."""
    return sum(part.end - part.cursor for part in view.partitions)


def as_text(ledger: str, view: LedgerView) -> str:
    """Return what `status` prints."""
    out = [
        (
            f"ledger {ledger}: {view.next_seq - 1:,} lines, {backlog(view):,} attempts wait, "
            f"{view.workers} workers known, {view.shifts} on a shift"
        ),
    ]
    states: dict[str, int] = {}
    for part in view.partitions:
        states[part.state] = states.get(part.state, 0) + 1
    counted = ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
    out.append(f"partitions: {counted}")
    out += [f"worker {who} holds {len(parts)} partitions" for who, parts in view.held().items()]
    still = [part for part in view.partitions if part.state in ("parked", "halted")]
    out += [f"  {place(part)}: {why_still(view, part)}" for part in still]
    out += [f"run {name}: {_run_line(run)}" for name, run in view.runs.items()]
    out += _counted(view.counters)
    return "\n".join(out)


def place(part: PartitionView) -> str:
    """Say where a partition is."""
    return f"partition {part.partition} at {part.cursor} of {part.end}"


def why_still(view: LedgerView, part: PartitionView) -> str:
    """Say since when a parked or halted partition stands still, and for whom it waits."""
    since = "" if not part.since_ms else f" since {moment(part.since_ms)}"
    if part.state == "halted":
        return f"halted{since}, {part.reason}"
    day, pred = part.wait or (1, 0)
    other = view.holding_up(part)
    behind = "" if other is None else f"; partition {other.partition} holds it up ({other.state})"
    waits = f"waits{since} until number {pred}, of {date.fromordinal(day)}, is decided"
    return f"{waits}{behind}"


def moment(at_ms: int) -> str:
    """Return a time of the server's clock as people write it."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _counted(counters: Mapping[str, int]) -> list[str]:
    """Return a line for each counter; what it counts by worker is `name:worker`."""
    out = []
    for name, n in counters.items():
        if ":" in name:
            continue
        of = f"{name}:"
        parts = [f"{by.removeprefix(of)} {m:,}" for by, m in counters.items() if by.startswith(of)]
        out.append(f"{name} {n:,}" + (f" ({', '.join(parts)})" if parts else ""))
    return out


def _run_line(run: RunView) -> str:
    total = f"{run.lines:,}" if run.lines is not None else "an unknown number of"
    done = "complete" if run.lines == run.written else f"{run.answers:,} answered"
    return f"{run.position:,} of {total} lines appended, {done}, {run.written:,} written"
