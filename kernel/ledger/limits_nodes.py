"""The nodes of the limits: a turn's batch to its decisions.

Pure, like all nodes: features are a function of the batch, decisions of batch, windows and gates,
which are read once for a batch. The rules are in `kernel.domain.decide`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from operator import not_
from typing import cast

from kernel.domain.batch import Batch
from kernel.domain.decide import Decided, decide
from kernel.domain.features import effective_cents
from kernel.domain.ruleset import RuleSet
from kernel.engine.context import Context, PureNode
from kernel.engine.discovery import Maker
from kernel.engine.envelope import Envelope
from kernel.ledger.columns import picked, split_rows
from kernel.ledger.payloads import (
    DECIDED,
    FEATURED,
    STATE,
    Answers,
    DecidedTurn,
    Featured,
    StateView,
)


class FeaturesNode(PureNode):
    """A batch to the same batch with effective amounts."""

    name = "features"

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules

    def __call__(self, batch: Batch, _context: Context, /) -> Iterable[Envelope]:
        """Multiply Monday's amounts, if the rules say so."""
        effective = effective_cents(batch.cents, batch.days, self._rules)
        return (Envelope(Featured(batch, effective), FEATURED),)


class DecideNode(PureNode):
    """A featured batch to decisions: the limit rules folded over the windows."""

    name = "decide"
    requires = (STATE,)

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules

    def __call__(self, featured: Featured, context: Context, /) -> Iterable[Envelope]:
        """Decide as far as gates allow; what is blocked is told, not waited for."""
        state = cast("StateView", context[STATE]).read(featured.batch)
        decided = decide(
            featured.batch,
            featured.effective,
            self._rules,
            state.windows,
            state.gates,
            state.skipped,
        )
        return (Envelope(DecidedTurn(decided, answers_by_run(decided)), DECIDED),)


def answers_by_run(decided: Decided) -> tuple[Answers, ...]:
    """Return the answers of a decided batch, one payload for each run that has any."""
    if not decided.codes:
        return ()
    batch, taken = decided.batch, decided.taken
    lines = picked(batch.lines, taken)
    ids = picked(batch.ids, taken)
    customers = picked(batch.customers, taken)
    cents = picked(batch.cents, taken)
    if len(batch.run_names) == 1:
        return (_answers(batch.run_names[0], lines, ids, customers, decided.codes, cents),)
    return tuple(
        _answers(
            batch.run_names[run],
            picked(lines, rows_of_run),
            picked(ids, rows_of_run),
            picked(customers, rows_of_run),
            bytes(picked(decided.codes, rows_of_run)),
            picked(cents, rows_of_run),
        )
        for run, rows_of_run in split_rows(picked(batch.runs, taken), len(batch.run_names))
    )


def _answers(
    run: str,
    lines: Sequence[int],
    ids: Sequence[str],
    customers: Sequence[str],
    codes: bytes | bytearray,
    cents: Sequence[int],
) -> Answers:
    # Ids of attempts are 1 to 18 digits by the grammar, so every attempt's answer is plain.
    accepted = sum(compress(cents, map(not_, codes)))
    return Answers(run, lines, ids, customers, codes, accepted, plain=True)


#: What discovery finds here: how each node is made from the rules and the number of partitions.
NODES: Mapping[str, Maker] = {
    "features": lambda rules, _partitions: FeaturesNode(rules),
    "decide": lambda rules, _partitions: DecideNode(rules),
}
