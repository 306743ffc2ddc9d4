"""Batches for tests of the rules, written as rows, one attempt each.

Here: the shortest way from a handful of attempts to a decided batch. Not here: parsing and classes;
a test of the rules gives the flags itself, so that nothing but the rules is under test.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import date
from typing import NamedTuple

from kernel.domain.batch import CANDIDATE, PRIME, Batch
from kernel.domain.decide import Decided, decide
from kernel.domain.decision import DROPPED, Reason
from kernel.domain.features import effective_cents
from kernel.domain.gate import Gate
from kernel.domain.ruleset import PrimeGate, RuleSet
from kernel.domain.windows import Windows

MONDAY = date(2000, 1, 3).toordinal()
TUESDAY = MONDAY + 1
GATED = PRIME | CANDIDATE

BASELINE = RuleSet(daily_amount_cents=500_000, weekly_amount_cents=2_000_000, daily_attempts=3)
EXPERIMENT = RuleSet(
    daily_amount_cents=500_000,
    weekly_amount_cents=2_000_000,
    daily_attempts=3,
    monday_multiplier=20_000,
    prime_gate=PrimeGate(global_per_day=1, amount_cap_cents=999_900),
)


class Row(NamedTuple):
    """One attempt: what the rules look at, with the plainest of everything as default."""

    cents: int
    customer: str = "6"
    day: int = TUESDAY
    flag: int = 0
    partition: int = 0


def batch_of(rows: Sequence[Row], *, first_seq: int = 1, last_candidate: int = 0) -> Batch:
    """Number rows and chain their candidates, as the ledger does.

    Args:
        rows: the attempts, in sequence order.
        first_seq: sequence number of the first.
        last_candidate: the candidate before them, on every day.
    """
    seqs = range(first_seq, first_seq + len(rows))
    preds: dict[int, int] = {}
    last: dict[int, int] = {}
    for seq, row in zip(seqs, rows, strict=True):
        if row.flag & CANDIDATE:
            preds[seq] = last.get(row.day, last_candidate)
            last[row.day] = seq
    return Batch(
        seqs=seqs,
        partitions=[row.partition for row in rows],
        runs=[0] * len(rows),
        run_names=("run",),
        lines=seqs,
        ids=[str(seq) for seq in seqs],
        customers=[row.customer for row in rows],
        cents=[row.cents for row in rows],
        days=[row.day for row in rows],
        flags=[row.flag for row in rows],
        preds=preds,
    )


def decide_rows(
    rules: RuleSet,
    rows: Sequence[Row],
    *,
    windows: Windows | None = None,
    gates: dict[int, Gate] | None = None,
    skipped: Container[int] = (),
) -> Decided:
    """Decide rows as one batch that begins with sequence number 1."""
    return decide_batch(rules, batch_of(rows), windows=windows, gates=gates, skipped=skipped)


def decide_batch(
    rules: RuleSet,
    batch: Batch,
    *,
    windows: Windows | None = None,
    gates: dict[int, Gate] | None = None,
    skipped: Container[int] = (),
) -> Decided:
    """Decide a batch by its effective amounts."""
    effective = effective_cents(batch.cents, batch.days, rules)
    return decide(batch, effective, rules, windows or {}, gates or {}, skipped)


def reasons(decided: Decided) -> list[str]:
    """Name the answers; one without a row ends in an exclamation mark."""
    return [
        Reason(code & ~DROPPED).name + ("!" if code & DROPPED else "") for code in decided.codes
    ]
