"""The two twins as one: every call goes to both, and any difference ends the test.

Here: the comparison of answers, of whole states, of refusals with the state before, and of each
partition's move with the table of transitions; and the count of what was answered. Which calls are
made is `machine.py`'s choice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, ClassVar, TypeVar

from kernel.adapters.memory.ledger import MemoryLedger
from kernel.adapters.memory.state import LedgerState
from kernel.adapters.redis.ledger import RedisLedger
from kernel.errors import LedgerGone
from kernel.ledger.ports import StoreFull
from kernel.ledger.schedule import Transition, reachable
from kernel.ledger.units import CommitAnswer
from tests.contract.twins.answers import FULL, REFUSALS
from tests.support.ledger_state import broken_promises, differences, ledger_keys
from tests.support.stages import MemoryStage, ServerStage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kernel.ledger.schedule import Event, State

Answer = TypeVar("Answer")
Ports = MemoryLedger | RedisLedger


@dataclass
class WatchedState(LedgerState):
    """The memory twin's state, telling which transitions it went through."""

    seen: ClassVar[Counter[Transition]] = Counter()

    def enter(self, partition: int, event: Event, after: State) -> None:
        """Count the transition and go through it."""
        self.seen[Transition(self.parts[partition].state, event, after)] += 1
        super().enter(partition, event, after)


@dataclass
class Twins:
    """A ledger twice, and what it answered so far."""

    server: ServerStage
    memory: MemoryStage
    quota: int
    tally: Counter[tuple[str, str]]
    before: LedgerState = field(init=False)

    def __post_init__(self) -> None:
        """Begin with equal states."""
        state = self.memory.ledger.state
        parts = {part.name: getattr(state, part.name) for part in fields(LedgerState)}
        self.memory.ledger.state = WatchedState(**parts)
        self.compare()

    def ask(self, step: str, call: Callable[[Ports], Answer], cause: str = "") -> Answer | None:
        """Make one call on both; None when the store refused to grow."""
        there = _outcome(self.server.ledger, call)
        here = _outcome(self.memory.ledger, call)
        assert there == here, f"{step}: the server says {there}, memory says {here}"
        status = _status(there)
        label = f"{status}: {cause}" if status == "REWOUND" and cause else status
        self.tally[step, label] += 1
        if isinstance(there, CommitAnswer):
            self.tally.update(("step", outcome) for outcome in there.outcomes)
        before = self.before
        self.compare()
        self.tally.update([("note", "made")] * len(self.before.notes.keys() - before.notes))
        self.tally.update([("note", "passed")] * len(before.notes.keys() - self.before.notes))
        if status in REFUSALS:
            changed = differences(before, self.before)
            assert not changed, f"{step}: {status} changed something\n" + "\n".join(changed)
        for old, new in zip(before.parts, self.before.parts, strict=True):
            assert new.state in reachable(old.state, step), f"{old.state} -{step}-> {new.state}"
        return None if isinstance(there, StoreFull) else there

    def ask_in_vain(self, calls: Mapping[str, Callable[[Ports], object]], *, flushed: bool) -> None:
        """Ask a server that was flushed, or as a process of an earlier incarnation of the ledger.

        Every step says that the ledger is gone, and none makes anything anew.
        """
        mark, ledger = self.server.mark(), self.server.ledger
        if flushed:
            self.server.rewind({})
        else:
            record = self.server.record._replace(incarnation="earlier")
            ledger = RedisLedger(self.server.client, self.server.name, record, self.server.clock)
        for step, call in calls.items():
            try:
                status = _status(call(ledger))
            except LedgerGone:
                status = "GONE"
            assert status == "GONE", f"{step}: {status} where the ledger is gone"
            self.tally[step, "GONE"] += 1
        if flushed:
            assert ledger_keys(self.server.client, self.server.name) == []
            self.server.rewind(mark)
        self.compare()

    def compare(self) -> None:
        """Hold the whole states against each other, and remember the state."""
        self.before = self.server.state()
        found = differences(self.before, self.memory.state())
        assert not found, "the twins differ (server, memory) in " + "\n".join(found)
        broken = broken_promises(self.before, self.quota)
        assert not broken, "no step may leave this behind:\n" + "\n".join(broken)


def _outcome(ledger: Ports, call: Callable[[Ports], Answer]) -> Answer | StoreFull:
    """Return the answer, or the refusal to grow as one (all refusals are equal)."""
    try:
        return call(ledger)
    except StoreFull:
        return _FULL


_FULL = StoreFull("the store refused to grow")


def _status(answer: object) -> str:
    if answer is _FULL:
        return FULL
    return answer if isinstance(answer, str) else str(getattr(answer, "status", "READ"))
