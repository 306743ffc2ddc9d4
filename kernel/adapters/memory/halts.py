"""Halted partitions in memory: the twin of the script resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel.adapters.memory.ingress import entry_token
from kernel.adapters.memory.state import expired
from kernel.ledger.halts import ACT_MS, AUDIT_MAX, AuditEntry, ResumeAnswer

if TYPE_CHECKING:
    from kernel.adapters.memory.state import LedgerState
    from kernel.ledger.halts import ResumeRequest
    from kernel.ledger.settings import FleetSettings


def resume(
    state: LedgerState, settings: FleetSettings, now_us: int, request: ResumeRequest
) -> ResumeAnswer:
    """Let a halted partition go on, with a note if its head is to be skipped (rule 19)."""
    part, note = state.parts[request.partition], request.note
    if part.resumed == str(request.token):
        return ResumeAnswer("ALREADY")
    now = now_us // 1000
    until_ms = request.asked_ms + ACT_MS
    if expired(until_ms, now, ACT_MS):
        return ResumeAnswer("STALE")
    if str(request.token) in state.acts:
        return ResumeAnswer("REPLAYED")
    if part.state != "halted":
        return ResumeAnswer("NOT_HALTED")
    if part.cursor != request.cursor:
        return ResumeAnswer("BEHIND")
    head = next((entry for entry in part.log if entry.end > part.cursor), None)
    if note is not None and (head is None or head.id != note.entry or note.seq < head.base):
        return ResumeAnswer("OTHER_HEAD")
    act = AuditEntry(
        now,
        request.who,
        "resume" if note is None else "skip",
        request.partition,
        request.cursor,
        0 if note is None else note.seq,
        "" if note is None else note.reason,
        part.reason,
        request.sealed,
    )
    state.acts = {token: end for token, end in state.acts.items() if end > now}
    state.acts[str(request.token)] = until_ms
    state.audit = [*state.audit, act][-AUDIT_MAX:]
    if note is not None:
        state.notes[request.partition, request.cursor] = request.sealed
    part.failures, part.reason = None, ""
    part.halt = entry_token(request.token, now_us)
    part.resumed = str(request.token)
    state.free(request.partition, "resume")
    state.counters["resumes" if note is None else "skips"] += 1
    return ResumeAnswer("RESUMED", state.ask_ring(now, settings))
