"""Lines in, in memory: the twin of `open.lua`, `leave.lua`, `append.lua` and `finish.lua`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kernel.adapters.memory.state import Run, expired
from kernel.ledger.units import AppendAnswer, Entry, FinishAnswer, OpenAnswer, Reply

if TYPE_CHECKING:
    from kernel.adapters.memory.state import LedgerState
    from kernel.ledger.ports import Left
    from kernel.ledger.settings import FleetSettings
    from kernel.ledger.units import AppendRequest, BatchOut


def open_run(
    state: LedgerState,
    settings: FleetSettings,
    now: int,
    *,
    run: str,
    owner: str,
    kind: Literal["produce", "collect"],
) -> OpenAnswer:
    """Lease a run to its producer or its collector; a producer's open creates it."""
    there = state.runs.get(run)
    if there is None:
        if kind == "collect":
            return OpenAnswer("ABSENT")
        there = state.runs[run] = Run()
    lease = there.produce if kind == "produce" else there.collect
    if lease and lease[1] != owner and not expired(lease[0], now, settings.run_lease_ms):
        return OpenAnswer("WAIT", deadline=lease[0])
    renewed = (now + settings.run_lease_ms, owner)
    if kind == "produce":
        there.produce = renewed
    else:
        there.collect = renewed
    return OpenAnswer("OPENED", there.position, there.offset, there.sha, there.lines)


def leave_run(
    state: LedgerState, *, run: str, owner: str, kind: Literal["produce", "collect"]
) -> Left:
    """Give a run's lease back, if it is the owner's."""
    there = state.runs.get(run)
    lease = there and (there.produce if kind == "produce" else there.collect)
    if there is None or not lease or lease[1] != owner:
        return "CLOSED"
    if kind == "produce":
        there.produce = None
    else:
        there.collect = None
    return "LEFT"


def append(
    state: LedgerState, settings: FleetSettings, now_us: int, request: AppendRequest
) -> AppendAnswer:
    """Number a chunk's lines and put all that it gave in its places."""
    refusal = _refusal(state, settings, request)
    if refusal is not None:
        return refusal
    now = now_us // 1000
    run = state.runs[request.run]
    base = state.next_seq
    token = entry_token(request.token, now_us)
    state.next_seq = base + request.lines
    state.tail = token
    state.ids.update(zip(request.new_fields, request.new_prints, strict=True))
    before = {day: state.last.get(day, 0) for day in request.last_candidates}
    for day, offset in request.last_candidates.items():
        state.last[day] = base + offset
    for batch in request.batches:
        _append_batch(state, batch, base, token, before)
    if request.declined is not None:
        run.answers += request.declined.answers
        run.replies.append(Reply(f"{run.answers}-{token}", request.declined.sealed))
        run.tally.update(request.declined.tally)
    run.position += request.lines
    run.offset, run.sha = request.offset, request.sha
    run.token, run.base = request.token, base
    run.produce = (now + settings.run_lease_ms, request.owner)
    return AppendAnswer("APPENDED", base, ring=state.ask_ring(now, settings), tail=token)


def _refusal(
    state: LedgerState, settings: FleetSettings, request: AppendRequest
) -> AppendAnswer | None:
    run = state.runs.get(request.run)
    if (
        run is None
        or run.lines is not None
        or run.produce is None
        or run.produce[1] != request.owner
    ):
        return AppendAnswer("CLOSED")
    if run.position != request.position:
        if run.token == request.token and run.position == request.position + request.lines:
            return AppendAnswer("ALREADY", run.base)
        return AppendAnswer("REWOUND", position=run.position)
    in_flight = run.position - run.written
    if in_flight > 0 and in_flight + request.lines > settings.inflight_lines_max:
        return AppendAnswer("FULL")
    is_next = request.after != "" and request.after == state.tail
    stale = not is_next and not state.ids.keys().isdisjoint(request.new_fields)
    if stale or any(state.ids.get(name) != owner for name, owner in request.owned):
        return AppendAnswer("CONFLICT")
    if state.record.digest != request.digest:
        return AppendAnswer("RULES")
    return None


def _append_batch(
    state: LedgerState, batch: BatchOut, base: int, token: str, before: dict[int, int]
) -> None:
    part = state.parts[batch.partition]
    part.end += batch.attempts
    preds = ",".join(str(before[day]) for day in batch.open_days)
    part.log.append(Entry(f"{part.end}-{token}", base, preds, batch.sealed))
    if part.state == "idle":
        state.enter(batch.partition, "append", "ready")
        state.ready.append(batch.partition)
    else:
        state.stay(batch.partition, "append")


def entry_token(token: int, now_us: int) -> str:
    """Put ten digits of the clock behind the request's token (scheduling.md, hole 5)."""
    return f"{token}{now_us % 10_000_000_000:010d}"


def finish(state: LedgerState, *, run: str, owner: str, lines: int) -> FinishAnswer:
    """Write a run's line count."""
    there = state.runs.get(run)
    if there is None:
        return FinishAnswer("CLOSED")
    if there.lines is not None:
        return FinishAnswer("ALREADY" if there.lines == lines else "CLOSED")
    if there.produce is None or there.produce[1] != owner:
        return FinishAnswer("CLOSED")
    if there.position != lines:
        return FinishAnswer("REWOUND", there.position)
    there.lines = lines
    there.produce = None
    return FinishAnswer("FINISHED")
