"""The node of the egress: answers to output rows.

A Python call for each row is the exception, for rows whose ids may hold any text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kernel.domain.decision import row_of, rows
from kernel.engine.context import Context, PureNode
from kernel.engine.discovery import Maker
from kernel.engine.envelope import Envelope
from kernel.ledger.payloads import ROWS, Answers, DecidedTurn, Rows


class FormatNode(PureNode):
    """Answers to output rows, one payload for each run."""

    name = "format"

    def __call__(self, payload: Answers | DecidedTurn, _context: Context, /) -> Iterable[Envelope]:
        """Write the rows of a turn's answers, or of declined lines."""
        several = (payload,) if isinstance(payload, Answers) else payload.answers
        return [Envelope(_rows_of(answers), ROWS) for answers in several]


def _rows_of(answers: Answers) -> Rows:
    columns = answers.ids, answers.customers, answers.codes
    texts = rows(*columns) if answers.plain else list(map(row_of, *columns))
    return Rows(answers.run, answers.lines, texts, answers.codes)


#: What discovery finds here.
NODES: Mapping[str, Maker] = {"format": lambda _rules, _partitions: FormatNode()}
