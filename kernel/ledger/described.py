"""What may be said about an envelope without showing its payload: numbers of items, runs and lines.

Service nodes and trace records ask. No id, customer or amount leaves this file.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel.domain.batch import Batch
from kernel.engine.envelope import Envelope
from kernel.ledger.payloads import (
    Answers,
    Chunk,
    ClassifiedChunk,
    DecidedTurn,
    Featured,
    ParsedChunk,
    Rows,
)


class FundLoads:
    """Describes the payloads of the fund-load graph to a tracer."""

    def items_in(self, envelope: Envelope) -> int:
        """Count lines of a chunk, else attempts, answers or rows."""
        return _items_in(envelope.payload)

    def spans_in(self, envelope: Envelope) -> dict[str, list[int]]:
        """Return the first and last line of each run; empty for a payload without lines."""
        return _spans_in(envelope.payload)


def seq_of(envelope: Envelope) -> int | None:
    """Return the lowest sequence number in an envelope; None before it is a batch, and after."""
    batch = _batch_in(envelope.payload)
    return batch.seqs[0] if batch is not None and batch.seqs else None


def _batch_in(payload: object) -> Batch | None:
    if isinstance(payload, Batch):
        return payload
    if isinstance(payload, Featured):
        return payload.batch
    if isinstance(payload, DecidedTurn) and payload.decided is not None:
        return payload.decided.batch
    return None


def _lines_in(raw: bytes) -> int:
    return raw.count(b"\n") + (not raw.endswith(b"\n") and bool(raw))


def _items_in(payload: object) -> int:
    if isinstance(payload, Chunk):
        return _lines_in(payload.raw)
    if isinstance(payload, ParsedChunk | ClassifiedChunk):
        return len(payload.attempts.ids)
    if isinstance(payload, DecidedTurn):
        return sum(len(answers.lines) for answers in payload.answers)
    if isinstance(payload, Answers | Rows):
        return len(payload.lines)
    batch = _batch_in(payload)
    return 0 if batch is None else len(batch.seqs)


def _spans_in(payload: object) -> dict[str, list[int]]:
    if isinstance(payload, Chunk):
        return _span(
            payload.run, range(payload.first_line, payload.first_line + _lines_in(payload.raw))
        )
    if isinstance(payload, ParsedChunk | ClassifiedChunk):
        first = payload.chunk.first_line
        offsets = payload.attempts.offsets
        return _span(
            payload.chunk.run, [first + offsets[0], first + offsets[-1]] if offsets else ()
        )
    if isinstance(payload, Answers | Rows):
        return _span(payload.run, payload.lines)
    if isinstance(payload, DecidedTurn):
        return {answers.run: [answers.lines[0], answers.lines[-1]] for answers in payload.answers}
    batch = _batch_in(payload)
    return {} if batch is None else _spans_of(batch)


def _span(run: str, lines: Sequence[int]) -> dict[str, list[int]]:
    return {run: [lines[0], lines[-1]]} if lines else {}


def _spans_of(batch: Batch) -> dict[str, list[int]]:
    spans: dict[str, list[int]] = {}

    for run, line in zip(batch.runs, batch.lines, strict=True):
        span = spans.setdefault(batch.run_names[run], [line, line])
        span[1] = line
    return spans
