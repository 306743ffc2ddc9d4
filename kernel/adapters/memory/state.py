"""A ledger's whole state in memory, and the moves that several steps share.

The fields mirror the keys of `kernel/adapters/redis/lua/shared.lua` one to one, so that a test can
compare the twins after every call, and a deep copy is a snapshot to rewind to.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kernel.ledger.schedule import moved

if TYPE_CHECKING:
    from kernel.ledger.halts import AuditEntry
    from kernel.ledger.record import LedgerRecord
    from kernel.ledger.schedule import Event, State
    from kernel.ledger.settings import FleetSettings
    from kernel.ledger.units import Entry, Reply


@dataclass
class Part:
    """One partition: `kernel.ledger.schedule` names its states and their transitions."""

    state: State = "idle"
    cursor: int = 0
    end: int = 0
    token: str = ""
    halt: str = "0"
    failures: tuple[int, int, int] | None = None
    reason: str = ""
    since: int = 0
    resumed: str = ""
    log: list[Entry] = field(default_factory=list)


@dataclass
class Run:
    """One run's record and reply channel."""

    position: int = 0
    offset: int = 0
    sha: str = ""
    lines: int | None = None
    token: int | None = None
    base: int = 0
    answers: int = 0
    written: int = 0
    cents: int = 0
    tally: Counter[int] = field(default_factory=Counter)
    produce: tuple[int, str] | None = None
    collect: tuple[int, str] | None = None
    replies: list[Reply] = field(default_factory=list)
    decided: dict[int, int] = field(default_factory=dict)


@dataclass
class LedgerState:
    """Everything that Redis would hold for one ledger."""

    record: LedgerRecord
    parts: list[Part]
    next_seq: int = 1
    tail: str = ""
    ring: int | None = None
    tick: int | None = None
    ids: dict[str, str] = field(default_factory=dict)
    ready: list[int] = field(default_factory=list)
    leases: dict[int, tuple[int, str]] = field(default_factory=dict)
    waits: dict[int, tuple[int, int]] = field(default_factory=dict)
    shifts: dict[str, int] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)
    bell: int = 0
    last: dict[int, int] = field(default_factory=dict)
    front: dict[int, int] = field(default_factory=dict)
    used: dict[int, int] = field(default_factory=dict)
    windows: dict[int, dict[str, bytes]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    notes: dict[tuple[int, int], str] = field(default_factory=dict)
    acts: dict[str, int] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)

    def snapshot(self) -> LedgerState:
        """Return a copy to rewind to."""
        return copy.deepcopy(self)

    def enter(self, partition: int, event: Event, after: State) -> None:
        """Move a partition to a state, or leave it there, by a transition of the table."""
        part = self.parts[partition]
        part.state = moved(part.state, event, after)

    def stay(self, partition: int, event: Event) -> None:
        """Let something happen to a partition that does not change its state."""
        self.enter(partition, event, self.parts[partition].state)

    def free(self, partition: int, event: Event) -> None:
        """Free it: ready and listed if something waits, else idle; lease and wait deleted."""
        part = self.parts[partition]
        if part.cursor < part.end:
            self.enter(partition, event, "ready")
            self.ready.append(partition)
        else:
            self.enter(partition, event, "idle")
        self.leases.pop(partition, None)
        self.waits.pop(partition, None)

    def reclaim(self, partition: int, shift: str) -> int:
        """Free what a lease that ran out held; its shift and the worker named in it count as dead.

        Returns:
            1 if the shift counted until now, else 0. Who was only slow is back with his next take.
        """
        self.free(partition, "expire")
        self.workers.pop(shift.rpartition("/")[0], None)
        return int(self.shifts.pop(shift, None) is not None)

    def live_shifts(self, now: int, settings: FleetSettings) -> int:
        """Count the shifts whose deadline is neither past nor absurdly far away."""
        most = now + 2 * settings.shift_deadline_ms
        return sum(now < deadline <= most for deadline in self.shifts.values())

    def known_workers(self, now: int) -> int:
        """Count the workers heard of within their time to live."""
        return sum(now < deadline for deadline in self.workers.values())

    def ring_pending(self, now: int, settings: FleetSettings) -> bool:
        """Tell whether somebody was asked to enqueue a shift that has not begun yet."""
        return self.ring is not None and not expired(self.ring, now, settings.ring_ms)

    def ask_ring(self, now: int, settings: FleetSettings) -> bool:
        """If something is ready: True asks the caller to ring; a live shift gets a token."""
        if not self.ready:
            return False
        if self.live_shifts(now, settings):
            self.bell = min(self.bell + 1, max(self.known_workers(now), 1))
            return False
        if self.ring_pending(now, settings):
            return False
        self.ring = now + settings.ring_ms
        return True

    def entry(self, partition: int, entry_id: str) -> Entry | None:
        """Return the entry with exactly this id, None when it is trimmed or lost."""
        return next((entry for entry in self.parts[partition].log if entry.id == entry_id), None)


def expired(deadline: int, now: int, length_ms: int) -> bool:
    """A deadline further away than twice its length comes from a clock that jumped."""
    return now >= deadline or deadline - now > 2 * length_ms


def opens(front: int, used: int, pred: int, quota: int) -> bool:
    """Tell whether a waiter may go on: quota used up, or its predecessor settled (rule 12)."""
    return used >= quota or pred <= front
