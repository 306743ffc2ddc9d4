"""Partitions in memory: the twin of the scripts take, load, fail, end_shift and tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel.adapters.memory.ingress import entry_token
from kernel.adapters.memory.state import expired
from kernel.ledger.units import (
    EndAnswer,
    FailAnswer,
    Held,
    LoadAnswer,
    TakeAnswer,
    TickAnswer,
)

if TYPE_CHECKING:
    from kernel.adapters.memory.state import LedgerState
    from kernel.ledger.settings import FleetSettings
    from kernel.ledger.units import Entry, FailRequest, LoadRequest, TakeRequest

#: Entries that one take returns at the most, however few attempts they hold.
ENTRIES_MAX = 1024


def take(state: LedgerState, settings: FleetSettings, now: int, request: TakeRequest) -> TakeAnswer:
    """Lease ready partitions to a shift and return all that it holds."""
    if request.shift not in state.shifts:
        state.ring = None
    state.shifts[request.shift] = now + settings.shift_deadline_ms
    for partition, (deadline, shift) in sorted(state.leases.items()):
        if shift != request.shift and expired(deadline, now, settings.lease_ms):
            state.reclaim(partition, shift)
            state.counters["leases_reclaimed"] += 1
    state.workers[request.worker] = now + settings.worker_ttl_ms
    mine = [p for p, (_, shift) in state.leases.items() if shift == request.shift]
    chosen, share = _choose(state, now, request, len(mine))
    left = len(state.ready) - len(chosen)
    for partition in chosen:
        state.ready.remove(partition)
        state.enter(partition, "take", "leased")
    for partition in mine:
        state.stay(partition, "take")
    mine = sorted(mine + chosen)
    for partition in mine:
        state.leases[partition] = (now + settings.lease_ms, request.shift)
    lonely = state.live_shifts(now, settings) < state.known_workers(now)
    ring = left > 0 and lonely and not state.ring_pending(now, settings)
    if ring:
        state.ring = now + settings.ring_ms
    return TakeAnswer("TAKEN", _held(state, mine, request.limit), share, ring)


def _choose(state: LedgerState, now: int, request: TakeRequest, held: int) -> tuple[list[int], int]:
    """Rules 20 and 21: which ready partitions to lease, and how many a shift may keep."""
    ready = state.ready
    workers = max(state.known_workers(now), 1)
    share = -(-(len(ready) + len(state.leases)) // workers)
    want = max(share - held, 0)
    if request.policy == "one":
        share, want = 1, max(1 - held, 0)
    elif request.policy == "all":
        share, want = len(state.parts), len(ready)
    preferred = [p for p in dict.fromkeys(request.prefer) if p in ready]
    return [*preferred, *(p for p in ready if p not in preferred)][:want], share


def _held(state: LedgerState, mine: list[int], limit: int) -> tuple[Held, ...]:
    """Entries at hand, merged by their first sequence numbers, until `limit` attempts are there."""
    waiting = {p: [e for e in state.parts[p].log if e.end > state.parts[p].cursor] for p in mine}
    at_hand: dict[int, list[Entry]] = {p: [] for p in mine}
    stops = {p: state.parts[p].cursor for p in mine}
    attempts = entries = 0
    while attempts < limit and entries < ENTRIES_MAX:
        heads = [(log[0].base, p) for p, log in waiting.items() if log]
        if not heads:
            break
        partition = min(heads)[1]
        entry = waiting[partition].pop(0)
        at_hand[partition].append(entry)
        attempts += entry.end - stops[partition]
        stops[partition] = entry.end
        entries += 1
    parts = state.parts
    return tuple(
        Held(p, parts[p].cursor, parts[p].end, parts[p].halt, tuple(at_hand[p])) for p in mine
    )


def load(state: LedgerState, request: LoadRequest) -> LoadAnswer:
    """Read cursors, gates and windows in one step."""
    return LoadAnswer(
        "LOADED",
        {p: state.parts[p].cursor for p in request.partitions},
        {
            week: [state.windows.get(week, {}).get(customer) for customer in customers]
            for week, customers in request.weeks.items()
        },
        {day: (state.front.get(day, 0), state.used.get(day, 0)) for day in request.days},
        {
            (run, p): state.runs[run].decided[p]
            for run in request.runs
            for p in request.partitions
            if run in state.runs and p in state.runs[run].decided
        },
        {at: note for at, note in state.notes.items() if at[0] in request.partitions},
    )


def fail(state: LedgerState, now_us: int, request: FailRequest) -> FailAnswer:
    """Count a failure at a cursor; the second one, or a fatal one, halts."""
    part = state.parts[request.partition]
    if part.state == "halted":
        return FailAnswer("HALTED")
    if state.leases.get(request.partition, (0, ""))[1] != request.shift:
        return FailAnswer("LOST")
    if part.cursor != request.cursor:
        return FailAnswer("BEHIND")
    if state.entry(request.partition, request.entry) is None:
        return FailAnswer("REWOUND")
    failures = 1
    if part.failures is not None and part.failures[0] == request.cursor:
        if part.failures[2] == request.token:
            return FailAnswer("RETRY")
        failures = part.failures[1] + 1
    if failures < 2 and not request.fatal:  # noqa: PLR2004 - the second failure halts (rule 17)
        part.failures = (request.cursor, failures, request.token)
        state.stay(request.partition, "fail")
        return FailAnswer("RETRY")
    del state.leases[request.partition]
    state.enter(request.partition, "fail", "halted")
    part.halt = entry_token(request.token, now_us)
    part.reason = request.reason
    part.since = now_us // 1000
    if request.note is not None:
        state.notes.pop((request.partition, request.note), None)
    state.counters["halts"] += 1
    state.counters[f"halts:{request.reason.partition(':')[0]}"] += 1
    return FailAnswer("HALTED")


def end_shift(
    state: LedgerState, settings: FleetSettings, now: int, *, shift: str, forced: bool
) -> EndAnswer:
    """Free what a shift holds and remove it, unless something is ready and it may go on."""
    for partition in [p for p, (_, holder) in sorted(state.leases.items()) if holder == shift]:
        state.free(partition, "end")
    if not forced and state.ready and shift in state.shifts:
        state.shifts[shift] = now + settings.shift_deadline_ms
        return EndAnswer("CONTINUE")
    state.shifts.pop(shift, None)
    return EndAnswer("ENDED", state.ask_ring(now, settings))


def tick(state: LedgerState, settings: FleetSettings, now: int, *, worker: str) -> TickAnswer:
    """Repair what crashes leave behind, at most once a tick."""
    state.workers[worker] = now + settings.worker_ttl_ms
    if state.tick is not None and state.tick <= now < state.tick + settings.tick_ms:
        return TickAnswer("EARLY")
    state.tick = now
    late = [
        (p, shift)
        for p, (end, shift) in sorted(state.leases.items())
        if expired(end, now, settings.lease_ms)
    ]
    ended = sum(state.reclaim(partition, shift) for partition, shift in late)
    state.workers[worker] = now + settings.worker_ttl_ms
    unlisted = [
        p for p, part in enumerate(state.parts) if part.state == "ready" and p not in state.ready
    ]
    for partition in unlisted:
        state.stay(partition, "tick")
        state.ready.append(partition)
    most = now + 2 * settings.shift_deadline_ms
    dead = [shift for shift, deadline in state.shifts.items() if not now < deadline <= most]
    for shift in dead:
        del state.shifts[shift]
    ended += len(dead)
    silent = bool(state.ready) and not state.live_shifts(now, settings)
    ring = silent and state.ask_ring(now, settings)
    latest = now + 2 * settings.worker_ttl_ms
    state.workers = {name: end for name, end in state.workers.items() if now < end <= latest}
    state.counters["leases_reclaimed"] += len(late)
    state.counters["tick_repairs"] += len(late) + len(unlisted) + ended + ring
    return TickAnswer("TICKED", len(late), len(unlisted), ended, int(ring), ring)
