"""What is said about an envelope in traces: numbers, runs and lines, and nothing else."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from kernel.domain.decide import decide
from kernel.engine.envelope import Envelope
from kernel.engine.tracing import TraceBuffer, Tracer
from kernel.ledger.described import FundLoads, seq_of
from kernel.ledger.payloads import BATCH, CHUNK, DECIDED, Answers, Chunk, DecidedTurn
from kernel.ledger.scenario import ALL_GROUPS, HOPS, SCENARIO_ID, build_runner
from tests.support.chunks import GATED, PLAIN, batches, line, parsed
from tests.support.views import SmallLedger


def traced(raw: bytes) -> list[dict[str, Any]]:
    """Return the records of one chunk that goes through the whole graph."""
    written: list[str] = []
    tracer = Tracer(
        TraceBuffer(written.append),
        scenario_id=SCENARIO_ID,
        clock_ns=count().__next__,
        hops=HOPS,
        described=FundLoads(),
    )
    runner = build_runner(GATED, 1, ALL_GROUPS, [tracer], views=SmallLedger(GATED).views)
    runner.run([Envelope(Chunk("r", 5, raw), CHUNK, trace_id="r:5")])
    assert runner.observer_failures == {}
    return [json.loads(text) for text in written]


def test_a_trace_follows_a_chunk_through_the_graph() -> None:
    """Group, hop, node, counts in and out, and the lines meant, for each call."""
    records = traced(line("1") + b"nonsense\n" + line("7") + line("7"))
    told = [(r["group"], r["hop"], r["node"], r["taken"], r["given"], r["spans"]) for r in records]

    assert told == [
        ("ingress", 0, "parse", {"chunk": 4}, {"attempts": 3, "declined": 1}, {"r": [5, 8]}),
        ("ingress", 0, "classify", {"attempts": 3}, {"classified": 3}, {"r": [5, 8]}),
        ("egress", 2, "format", {"declined": 1}, {"rows": 1}, {"r": [6, 6]}),
        ("ingress", 0, "partition", {"classified": 3}, {"batch": 3}, {"r": [5, 8]}),
        ("limits", 1, "features", {"batch": 3}, {"featured": 3}, {"r": [5, 8]}),
        ("limits", 1, "decide", {"featured": 3}, {"decided": 3}, {"r": [5, 8]}),
        ("egress", 2, "format", {"decided": 3}, {"rows": 3}, {"r": [5, 8]}),
    ]
    assert {record["trace_id"] for record in records} == {"r:5"}
    assert [record["step"] for record in records] == list(range(7))


def test_a_trace_shows_no_id_customer_or_amount() -> None:
    """Whatever was in the payload stays there."""
    text = json.dumps(
        traced(line("987654321", "123454321", amount="4321.00") + b'{"id":"secret"}\n')
    )

    assert not any(word in text for word in ("987654321", "123454321", "4321", "secret"))


def test_a_turn_names_each_run_with_its_lines() -> None:
    """A turn mixes runs; its record says which lines of which."""
    batch = batches(line("1"), line("2"), line("3"))[0]
    mixed = batch._replace(runs=[1, 0, 1], run_names=("x", "y"), lines=[8, 3, 9])

    assert FundLoads().spans_in(Envelope(mixed, BATCH)) == {"y": [8, 9], "x": [3, 3]}


def test_a_turn_that_the_collector_rebuilt_is_described_by_its_answers() -> None:
    """It carries no batch."""
    answers = Answers("x", [3, 4], ["1", "2"], ["7", "7"], bytes(2), 200, plain=True)
    envelope = Envelope(DecidedTurn(None, (answers,)), DECIDED)

    assert FundLoads().items_in(envelope) == 2
    assert FundLoads().spans_in(envelope) == {"x": [3, 4]}
    assert seq_of(envelope) is None


def test_payloads_without_lines_have_no_span() -> None:
    """An empty chunk, a chunk of bad lines, a blocked turn: no lines, no range."""
    described = FundLoads()

    assert described.spans_in(Envelope(Chunk("r", 1, b""), CHUNK)) == {}
    assert described.spans_in(Envelope(parsed(b"nonsense\n"), "attempts")) == {}
    assert described.spans_in(Envelope(DecidedTurn(None, ()), DECIDED)) == {}
    assert described.spans_in(Envelope("of another graph", "other")) == {}
    assert described.items_in(Envelope("of another graph", "other")) == 0


def test_the_sequence_number_is_the_lowest_and_none_before_a_batch() -> None:
    """A chunk has no number yet."""
    batch = batches(line("1"), line("2"), rules=PLAIN)[0]._replace(seqs=[41, 42])
    empty = batch._replace(seqs=[])

    assert seq_of(Envelope(Chunk("r", 1, line("1")), CHUNK)) is None
    decided = decide(batch, batch.cents, PLAIN, {}, {})

    assert seq_of(Envelope(batch, BATCH)) == 41
    assert seq_of(Envelope(DecidedTurn(decided, ()), DECIDED)) == 41
    assert seq_of(Envelope(empty, BATCH)) is None
