"""A ledger of the smallest kind: views and units of work in plain dicts, for tests of the graph.

Lives here: what the nodes read through, and what the three units do with what a run consumed. One
partition set, one process, nothing that fails. Not here: leases, logs, cursors; those belong to the
adapters. Why: the graph is to be tested without any of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel.domain.batch import CANDIDATE, Batch
from kernel.domain.decide import Decided
from kernel.domain.decision import encode_rows
from kernel.domain.gate import Gate
from kernel.domain.ruleset import RuleSet
from kernel.domain.windows import Windows, needs
from kernel.engine.runner import RunResult
from kernel.ledger.payloads import (
    BATCH,
    CLASSIFIED,
    DECIDED,
    IDS,
    ORDER,
    ROWS,
    STATE,
    ClassifiedChunk,
    Rows,
    State,
)


class SmallLedger:
    """Registry, order, windows, gates and written rows; its views are real."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self.registry: dict[str, str] = {}
        self.windows: Windows = {}
        self.gates: dict[int, Gate] = {}
        self.skipped: set[int] = set()
        self.rows: dict[int, str] = {}
        self._next_seq = 1
        self._last_candidates: dict[int, int] = {}

    @property
    def views(self) -> dict[str, object]:
        """The three views by name."""
        return {IDS: _Ids(self.registry), ORDER: self, STATE: self}

    def base(self) -> int:
        """Give the number of the next line."""
        return self._next_seq

    def last_candidate(self, day: int) -> int:
        """Give the day's last candidate so far."""
        return self._last_candidates.get(day, 0)

    def read(self, batch: Batch) -> State:
        """Give copies of what the batch needs."""
        wanted = needs(batch.days, batch.customers, self._rules.week_start)
        windows = {
            week: {
                customer: list(self.windows[week][customer])
                for customer in customers
                if customer in self.windows.get(week, {})
            }
            for week, customers in wanted.items()
        }
        gates = {day: self.gates.get(day, Gate()) for day in set(batch.days)}
        return State(windows, gates, frozenset(self.skipped))

    def append(self, result: RunResult, *, lines: int) -> None:
        """Register ids and candidates, and let the chunk's lines take their numbers."""
        for chunk in result.payloads(CLASSIFIED):
            self._register(chunk)
        for batch in result.payloads(BATCH):
            for seq, day, flag in zip(batch.seqs, batch.days, batch.flags, strict=True):
                if flag & CANDIDATE:
                    self._last_candidates[day] = max(seq, self.last_candidate(day))
        self._next_seq += lines

    def commit(self, result: RunResult) -> None:
        """Apply what was decided."""
        for turn in result.payloads(DECIDED):
            self._apply(turn.decided)

    def write(self, result: RunResult) -> None:
        """Keep rows by their line."""
        for payload in result.payloads(ROWS):
            self._keep(payload)

    def output(self) -> bytes:
        """Give the output file: rows in the order of their lines."""
        return encode_rows(self.rows[line] for line in sorted(self.rows))

    def _register(self, chunk: ClassifiedChunk) -> None:
        new = chunk.classified
        self.registry.update(zip(new.new_fields, new.new_prints, strict=True))

    def _apply(self, decided: Decided) -> None:
        assert not decided.raised, decided.raised
        for week, records in decided.windows.items():
            self.windows.setdefault(week, {}).update(records)
        for day, settlement in decided.settled.items():
            assert settlement.front_before == self.gates.get(day, Gate()).front
            self.gates[day] = Gate(settlement.front, settlement.used)

    def _keep(self, payload: Rows) -> None:
        for line, row in zip(payload.lines, payload.rows, strict=True):
            assert line not in self.rows, f"line {line} answered twice"
            self.rows[line] = row


class _Ids:
    """The view of the registry."""

    def __init__(self, registry: dict[str, str]) -> None:
        self._registry = registry

    def read(self, fields: Sequence[str]) -> Sequence[str | None]:
        """Give the owner of each field."""
        return [self._registry.get(field) for field in fields]
