"""Chunks of lines taken through the nodes by hand, and views that remember what they were asked.

Lives here: rule sets, one canonical line, and the shortest way from lines to the payload that a
node takes. The views are whole, only small: a registry in a mapping, an order with a fixed base, a
state without windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.domain.batch import Batch
from kernel.domain.gate import Gate
from kernel.domain.ruleset import PrimeGate, RuleSet
from kernel.engine.context import Node
from kernel.ledger.ingress_nodes import ClassifyNode, ParseNode, PartitionNode
from kernel.ledger.payloads import (
    Chunk,
    ClassifiedChunk,
    ParsedChunk,
    State,
)

PLAIN = RuleSet(daily_amount_cents=500_000, weekly_amount_cents=2_000_000, daily_attempts=3)
GATED = RuleSet(
    daily_amount_cents=500_000,
    weekly_amount_cents=2_000_000,
    daily_attempts=3,
    prime_gate=PrimeGate(global_per_day=1, amount_cap_cents=999_900),
)
NO_QUOTA = RuleSet(
    daily_amount_cents=500_000,
    weekly_amount_cents=2_000_000,
    daily_attempts=3,
    prime_gate=PrimeGate(global_per_day=0, amount_cap_cents=999_900),
)
SKIPPING = RuleSet(daily_amount_cents=1, weekly_amount_cents=1, daily_attempts=1, malformed="skip")
MONDAY_RULES = RuleSet(
    daily_amount_cents=1, weekly_amount_cents=1, daily_attempts=1, monday_multiplier=20_000
)
SATURDAY = 730_120  # 2000-01-01
MONDAY = SATURDAY + 2


class Ids:
    """A registry that remembers what it was asked."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        self._owners = owners
        self.reads: list[Sequence[str]] = []

    def read(self, fields: Sequence[str]) -> Sequence[str | None]:
        """Answer by the mapping."""
        self.reads.append(list(fields))
        return [self._owners.get(field) for field in fields]


class Order:
    """A place in the order that remembers which days it was asked for."""

    def __init__(
        self, base: int, last: Mapping[int, int] | None = None, *, unknown: int = 0
    ) -> None:
        self._base = base
        self._last = last or {}
        self._unknown = unknown
        self.days: list[int] = []

    def base(self) -> int:
        """Answer the base."""
        return self._base

    def last_candidate(self, day: int) -> int:
        """Answer by the mapping."""
        self.days.append(day)
        return self._last.get(day, self._unknown)


class Windowless:
    """A state without any windows; gates as given."""

    def __init__(self, gates: dict[int, Gate] | None = None, skipped: Sequence[int] = ()) -> None:
        self._gates = gates or {}
        self._skipped = skipped
        self.reads: list[Batch] = []

    def read(self, batch: Batch) -> State:
        """Answer a fresh state."""
        self.reads.append(batch)
        return State({}, self._gates, self._skipped)


def line(
    identifier: str,
    customer: str = "7",
    *,
    amount: str = "1.00",
    time: str = "2000-01-01T00:00:00Z",
) -> bytes:
    """Return one canonical line."""
    return (
        f'{{"id":"{identifier}","customer_id":"{customer}",'
        f'"load_amount":"${amount}","time":"{time}"}}\n'
    ).encode()


def call(node: Node, payload: object, **views: object) -> list[Any]:
    """Return (kind, payload) of what a node gives."""
    return [(output.kind, output.payload) for output in node(payload, views)]


def parsed(*lines: bytes, first_line: int = 1) -> ParsedChunk:
    """Return a parsed chunk of the run `r`."""
    return call(ParseNode(PLAIN), Chunk("r", first_line, b"".join(lines)))[0][1]  # type: ignore[no-any-return]


def classified(*lines: bytes, rules: RuleSet = PLAIN, first_line: int = 1) -> ClassifiedChunk:
    """Return a chunk classified against an empty registry."""
    chunk = parsed(*lines, first_line=first_line)
    return call(ClassifyNode(rules), chunk, ids=Ids({}))[0][1]  # type: ignore[no-any-return]


def batches(
    *lines: bytes,
    rules: RuleSet = PLAIN,
    partitions: int = 1,
    order: Order | None = None,
    first_line: int = 1,
) -> list[Batch]:
    """Return the batches of a chunk."""
    chunk = classified(*lines, rules=rules, first_line=first_line)
    node = PartitionNode(rules, partitions)
    return [payload for _, payload in call(node, chunk, order=order or Order(1))]
