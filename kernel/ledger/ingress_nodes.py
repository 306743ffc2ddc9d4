"""The nodes of the ingress: a chunk of lines to one batch for each partition, step by step.

Each node is a pure function over columns: it reads through the views in its context and returns
envelopes. Nothing here writes anywhere; effects are in the units of work. The business rules are
in `kernel.domain`, the graph that ties the nodes together in `scenario.py`, which names this module
for discovery; the payloads between nodes are in `payloads.py`.

1. Per attempt there are column operations only.
2. A node calls a view once for a batch, and not at all for an empty one. The partition node asks
   once for a base, and once for each day whose first candidate is in the chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import cast

from kernel.domain.batch import CANDIDATE, PRIME, Batch
from kernel.domain.columns import DeclinedLines, parse_chunk
from kernel.domain.decision import DROPPED
from kernel.domain.identity import (
    CANONICAL,
    classify,
    fingerprints,
    registry_fields,
)
from kernel.domain.primes import prime_flags
from kernel.domain.ruleset import RuleSet
from kernel.engine.context import Context, PureNode
from kernel.engine.discovery import Maker
from kernel.engine.envelope import Envelope
from kernel.ledger.columns import partitions_of, picked, shifted, split_rows
from kernel.ledger.payloads import (
    ATTEMPTS,
    BATCH,
    CLASSIFIED,
    DECLINED,
    IDS,
    ORDER,
    Answers,
    Chunk,
    ClassifiedChunk,
    IdsView,
    OrderView,
    ParsedChunk,
)


class ParseNode(PureNode):
    """Raw lines to attempts, and to answers for the lines that are none."""

    name = "parse"

    def __init__(self, rules: RuleSet) -> None:
        self._dropped = DROPPED if rules.malformed == "skip" else 0

    def __call__(self, chunk: Chunk, _context: Context, /) -> Iterable[Envelope]:
        """Give the chunk's attempts (also when there are none) and its declined lines, if any."""
        lines, attempts, declined = parse_chunk(chunk.raw)
        outputs = [Envelope(ParsedChunk(chunk, attempts, lines), ATTEMPTS)]
        if declined.offsets:
            outputs.append(Envelope(self._answers(chunk, declined), DECLINED))
        return outputs

    def _answers(self, chunk: Chunk, declined: DeclinedLines) -> Answers:
        return Answers(
            run=chunk.run,
            lines=shifted(declined.offsets, chunk.first_line),
            ids=declined.ids,
            customers=declined.customers,
            codes=bytes([code | self._dropped for code in declined.codes]),
            cents_accepted=0,
            plain=False,
        )


class ClassifyNode(PureNode):
    """Attempts to canonical ones, replays and conflicts; primes only while the gate is on."""

    name = "classify"
    requires = (IDS,)

    def __init__(self, rules: RuleSet) -> None:
        self._scope = rules.duplicate_scope
        self._asks_for_primes = rules.prime_gate is not None

    def __call__(self, parsed: ParsedChunk, context: Context, /) -> Iterable[Envelope]:
        """Classify against the registry and within the chunk."""
        attempts = parsed.attempts
        fields = registry_fields(attempts.ids, attempts.customers, self._scope)
        prints = fingerprints(attempts.customers, attempts.cents, attempts.instants)
        owners = cast("IdsView", context[IDS]).read(fields) if fields else ()
        classified = classify(fields, prints, owners)
        primes = prime_flags(attempts.ids) if self._asks_for_primes else None
        chunk = ClassifiedChunk(parsed.chunk, attempts, fields, classified, primes)
        return (Envelope(chunk, CLASSIFIED),)


class PartitionNode(PureNode):
    """A classified chunk to one batch for each partition that has attempts in it."""

    name = "partition"
    requires = (ORDER,)

    def __init__(self, rules: RuleSet, partitions: int) -> None:
        self._has_candidates = rules.quota > 0
        self._partitions = partitions

    def __call__(self, chunk: ClassifiedChunk, context: Context, /) -> Iterable[Envelope]:
        """Number the attempts, chain the candidates over all partitions, then split."""
        attempts = chunk.attempts
        count = len(attempts.ids)
        if not count:
            return ()
        order = cast("OrderView", context[ORDER])
        seqs = shifted(attempts.offsets, order.base())
        flags = self._flags(chunk)
        whole = Batch(
            seqs=seqs,
            partitions=bytes(count),
            runs=bytes(count),
            run_names=(chunk.chunk.run,),
            lines=shifted(attempts.offsets, chunk.chunk.first_line),
            ids=attempts.ids,
            customers=attempts.customers,
            cents=attempts.cents,
            days=attempts.days,
            flags=flags,
            preds=_preds(seqs, attempts.days, flags, order) if self._has_candidates else {},
        )
        return [Envelope(batch, BATCH) for batch in self._split(whole)]

    def _flags(self, chunk: ClassifiedChunk) -> bytes | bytearray:
        classes = chunk.classified.classes
        if chunk.primes is None:
            return classes
        flags = bytearray(classes)
        canonical = PRIME | CANDIDATE if self._has_candidates else PRIME
        for index in compress(range(len(flags)), chunk.primes):
            flags[index] |= canonical if flags[index] == CANONICAL else PRIME
        return flags

    def _split(self, whole: Batch) -> Iterable[Batch]:
        if self._partitions == 1:
            return (whole,)
        parts = partitions_of(whole.customers, self._partitions)
        return [
            _part(whole, partition, indices)
            for partition, indices in split_rows(parts, self._partitions)
        ]


def _preds(
    seqs: Sequence[int],
    days: Sequence[int],
    flags: Sequence[int],
    order: OrderView,
) -> dict[int, int]:
    """Return for each candidate the day's candidate before it, whatever its partition."""
    preds: dict[int, int] = {}
    last: dict[int, int] = {}
    for seq, day, flag in zip(seqs, days, flags, strict=True):
        if flag & CANDIDATE:
            pred = last.get(day)
            preds[seq] = order.last_candidate(day) if pred is None else pred
            last[day] = seq
    return preds


def _part(whole: Batch, partition: int, indices: Sequence[int]) -> Batch:
    """Return the rows of one partition of a whole chunk's batch."""
    seqs = picked(whole.seqs, indices)
    flags = bytes(picked(whole.flags, indices))
    preds = whole.preds
    return Batch(
        seqs=seqs,
        partitions=[partition] * len(indices),
        runs=bytes(len(indices)),
        run_names=whole.run_names,
        lines=picked(whole.lines, indices),
        ids=picked(whole.ids, indices),
        customers=picked(whole.customers, indices),
        cents=picked(whole.cents, indices),
        days=picked(whole.days, indices),
        flags=flags,
        preds={seq: preds[seq] for seq, flag in zip(seqs, flags, strict=True) if flag & CANDIDATE}
        if preds
        else {},
    )


#: What discovery finds here: how each node is made from the rules and the number of partitions.
NODES: Mapping[str, Maker] = {
    "parse": lambda rules, _partitions: ParseNode(rules),
    "classify": lambda rules, _partitions: ClassifyNode(rules),
    "partition": PartitionNode,
}
