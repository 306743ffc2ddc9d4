"""Answers out, in memory: the twin of the collector's reads and of `ack.lua`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel.ledger.units import AckAnswer, ReadAnswer, RunView

if TYPE_CHECKING:
    from kernel.adapters.memory.state import LedgerState, Run
    from kernel.ledger.settings import FleetSettings


def view(run: Run) -> RunView:
    """Show a run's record as a plain read does."""
    return RunView(
        run.position,
        run.answers,
        run.written,
        run.lines,
        run.cents,
        dict(sorted(run.tally.items())),
    )


def read(state: LedgerState, *, run: str, after: str, count: int) -> ReadAnswer:
    """Return the replies behind an entry id, and the run's record as of the same moment."""
    there = state.runs.get(run)
    if there is None:
        return ReadAnswer("ABSENT")
    behind = entry_order(after)
    found = [reply for reply in there.replies if entry_order(reply.id) > behind][:count]
    return ReadAnswer("READ", view(there), tuple(found))


def entry_order(entry_id: str) -> tuple[int, int]:
    """Turn an entry id into what streams order by; a bare position stands for `<position>-0`."""
    position, _, token = entry_id.partition("-")
    return int(position), int(token or 0)


def ack(
    state: LedgerState,
    settings: FleetSettings,
    now: int,
    *,
    run: str,
    owner: str,
    entry: str,
    written: int,
) -> AckAnswer:
    """Trim below the entry acknowledged, unless it is gone; what is written never becomes less."""
    there = state.runs.get(run)
    if there is None or there.collect is None or there.collect[1] != owner:
        return AckAnswer("CLOSED")
    if entry:
        if all(reply.id != entry for reply in there.replies):
            return AckAnswer("REWOUND")
        floor = entry_order(entry)
        there.replies = [reply for reply in there.replies if entry_order(reply.id) >= floor]
        there.written = max(there.written, written)
    there.collect = (now + settings.run_lease_ms, owner)
    return AckAnswer("ACKED")
