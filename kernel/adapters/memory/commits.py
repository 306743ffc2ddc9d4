"""The commit in memory: the twin of `commit.lua`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel.adapters.memory.ingress import entry_token
from kernel.adapters.memory.state import opens
from kernel.ledger.units import CommitAnswer, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kernel.adapters.memory.state import LedgerState
    from kernel.ledger.settings import FleetSettings
    from kernel.ledger.units import CommitRequest, SettledOut, Step, StepOutcome


def commit(
    state: LedgerState, settings: FleetSettings, now_us: int, quota: int, request: CommitRequest
) -> CommitAnswer:
    """Apply a turn's whole effect, or none of it (scheduling.md, rules 8 to 13)."""
    refusal = _refusal(state, request)
    if refusal is not None:
        return refusal
    now = now_us // 1000
    _move(state, request)
    _write(state, request, entry_token(request.token, now_us))
    _wake(state, request.settled, quota)
    lease = (now + settings.lease_ms, request.shift)
    outcomes = tuple(_step(state, step, lease, now, quota) for step in request.steps)
    if request.shift in state.shifts:
        state.shifts[request.shift] = now + settings.shift_deadline_ms
    state.workers[request.worker] = now + settings.worker_ttl_ms
    if request.moves:
        state.counters["commits"] += 1
        state.counters[f"commits:{request.worker}"] += 1
    return CommitAnswer("APPLIED", outcomes, state.ask_ring(now, settings))


def _refusal(state: LedgerState, request: CommitRequest) -> CommitAnswer | None:
    """Check in the pinned order of protocol.md, section 5."""
    moved = [(move, state.parts[move.partition]) for move in request.moves]
    if moved and all(part.token == str(request.token) for _, part in moved):
        return CommitAnswer("ALREADY")
    if any(part.state == "halted" or part.halt != move.halt for move, part in moved):
        return CommitAnswer("HALTED")
    if any(part.cursor != move.cursor for move, part in moved):
        return CommitAnswer("BEHIND")
    if any(state.entry(move.partition, move.entry) is None for move, _ in moved):
        return CommitAnswer("REWOUND")
    if any(state.front.get(gate.day, 0) != gate.before for gate in request.settled):
        return CommitAnswer("REWOUND")
    if state.record.digest != request.digest:
        return CommitAnswer("RULES")
    return None


def _move(state: LedgerState, request: CommitRequest) -> None:
    for move in request.moves:
        part = state.parts[move.partition]
        part.log = [entry for entry in part.log if entry.end > move.reach]
        part.cursor = move.reach
        part.token = str(request.token)
        if part.state == "parked":
            state.free(move.partition, "commit")
        else:
            state.stay(move.partition, "commit")
        passed = [at for at in state.notes if at[0] == move.partition and at[1] < move.reach]
        for place in passed:
            del state.notes[place]


def _write(state: LedgerState, request: CommitRequest, token: str) -> None:
    for week, records in request.windows.items():
        state.windows.setdefault(week, {}).update(records)
    for gate in request.settled:
        state.front[gate.day] = gate.front
        state.used[gate.day] = gate.used
    for reply in request.replies:
        run = state.runs[reply.run]
        run.answers += reply.answers
        run.replies.append(Reply(f"{run.answers}-{token}", reply.sealed))
        run.cents += reply.cents_accepted
        run.tally.update(reply.tally)
        run.decided.update(reply.last_lines)


def _wake(state: LedgerState, settled: Sequence[SettledOut], quota: int) -> None:
    """Rule 12: inside the commit, never by the worker."""
    gates = {gate.day: gate for gate in settled}
    for partition, (day, pred) in sorted(state.waits.items()):
        gate = gates.get(day)
        if gate is not None and opens(gate.front, gate.used, pred, quota):
            state.free(partition, "wake")


def _step(
    state: LedgerState, step: Step, lease: tuple[int, str], now: int, quota: int
) -> StepOutcome:
    """Rule 10: the next step is for the holder alone."""
    if state.leases.get(step.partition, (0, ""))[1] != lease[1]:
        return "left"
    if step.kind == "keep":
        state.stay(step.partition, "keep")
        state.leases[step.partition] = lease
        return "kept"
    if step.kind == "release":
        state.free(step.partition, "release")
        return "freed"
    part = state.parts[step.partition]
    head = next((entry for entry in part.log if entry.end > part.cursor), None)
    if part.cursor != step.cursor or head is None or head.id != step.entry:
        state.free(step.partition, "park")
        return "freed"
    if opens(state.front.get(step.day, 0), state.used.get(step.day, 0), step.pred, quota):
        state.free(step.partition, "park")
        return "ready"
    del state.leases[step.partition]
    state.enter(step.partition, "park", "parked")
    part.since = now
    state.waits[step.partition] = (step.day, step.pred)
    state.counters["parks"] += 1
    return "parked"
