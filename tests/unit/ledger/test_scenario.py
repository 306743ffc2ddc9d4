"""The graph of a fund load: who does what where; placement changes nothing but the place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from kernel.domain.batch import Batch
from kernel.domain.ruleset import RuleSet
from kernel.engine.context import PER_RUN
from kernel.engine.envelope import Envelope, trace_id_at
from kernel.engine.errors import MissingDependency, PlacementRefused, RoutingRefused
from kernel.engine.graph import preflight
from kernel.engine.observers import NodeCall, Observer
from kernel.engine.runner import Runner, RunResult
from kernel.ledger.payloads import BATCH, CHUNK, DECIDED, DECLINED, ORDER, Chunk
from kernel.ledger.scenario import ALL_GROUPS, EGRESS, GRAPH, HOPS, INGRESS, LIMITS, build_runner
from tests.support.chunks import GATED, Order, line
from tests.support.oracle import BASELINE, CLASSIC, EXPERIMENT, decide_stream, output_bytes
from tests.support.serial import rules_of
from tests.support.streams import nasty_stream
from tests.support.views import SmallLedger

CONFIGS = {"baseline": BASELINE, "experiment": EXPERIMENT, "classic": CLASSIC}
PROMISED = {"ids": PER_RUN, "order": PER_RUN, "state": PER_RUN}


class Witness(Observer):
    """Keeps what every node returned."""

    def __init__(self) -> None:
        self.returned: list[tuple[str, str, str, object]] = []

    def after_node(self, call: NodeCall, outputs: Sequence[Envelope], /) -> None:
        """Keep node, kind, trace id and columns, whatever sequences the columns are."""
        for output in outputs:
            columns = plain(output.payload)
            self.returned.append((call.node, output.kind, str(output.trace_id), columns))


def plain(value: object) -> object:
    """Return the value with every column as a list, so that a range equals its list."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return value


def chunks_of(stream: bytes, *, lines: int) -> Iterator[Envelope]:
    """Cut a stream into chunks of a run."""
    pieces = re.findall(rb"[^\n]*\n|[^\n]+", stream.removeprefix(b"\xef\xbb\xbf"))
    for start in range(0, len(pieces), lines):
        raw = b"".join(pieces[start : start + lines])
        yield Envelope(Chunk("r", start + 1, raw), CHUNK, trace_id=trace_id_at("r", start + 1))


def lines_of(envelope: Envelope) -> int:
    """Count the lines of a chunk, as the sequencer does."""
    raw: bytes = envelope.payload.raw
    return len(re.findall(rb"[^\n]*\n|[^\n]+", raw))


def run_in_one_process(
    stream: bytes, rules: RuleSet, *, lines: int
) -> tuple[SmallLedger, list[tuple[str, str, str, object]]]:
    """Run all groups in one runner; apply the units once a chunk, in their order."""
    ledger, witness = SmallLedger(rules), Witness()
    runner = build_runner(rules, 1, ALL_GROUPS, [witness], views=ledger.views)
    for chunk in chunks_of(stream, lines=lines):
        result = runner.run([chunk])
        assert result.boundary == []
        ledger.append(result, lines=lines_of(chunk))
        ledger.commit(result)
        ledger.write(result)
    return ledger, witness.returned


class HandOver:
    """Three runners, one for each group, and somebody who carries envelopes between them."""

    def __init__(self, rules: RuleSet) -> None:
        self.ledger = SmallLedger(rules)
        self.witness = Witness()
        views = self.ledger.views
        # In the fleet nobody knows numbers before the append.
        unnumbered = {**views, ORDER: Order(0, unknown=-1)}
        self.ingress = self._runner(rules, INGRESS, unnumbered)
        self.limits = self._runner(rules, LIMITS, views)
        self.egress = self._runner(rules, EGRESS, views)

    def take(self, chunk: Envelope) -> None:
        """Carry one chunk through all three."""
        result = self.ingress.run([chunk])
        batches = [self._numbered(envelope) for envelope in self._crossing(result, LIMITS, BATCH)]
        declined = self._crossing(result, EGRESS, DECLINED)
        others = [envelope for envelope in result.consumed if envelope.kind != BATCH]
        self.ledger.append(RunResult(consumed=others + batches), lines=lines_of(chunk))
        decided: list[Envelope] = []
        for batch in batches:
            turn = self.limits.run([batch])
            self.ledger.commit(turn)
            decided += self._crossing(turn, EGRESS, DECIDED)
        self.ledger.write(self.egress.run_inputs([*declined, *decided]))

    def _runner(self, rules: RuleSet, group: str, views: dict[str, object]) -> Runner:
        return build_runner(rules, 1, [group], [self.witness], views=views)

    def _crossing(self, result: RunResult, group: str, kind: str) -> list[Envelope]:
        """Return what crosses to a group; all of it was consumed by the near unit too."""
        crossing = [item.envelope for item in result.boundary if item.group == group]
        assert [envelope.kind for envelope in crossing] == [kind] * len(crossing)
        assert crossing == [envelope for envelope in result.consumed if envelope.kind == kind]
        return crossing

    def _numbered(self, envelope: Envelope) -> Envelope:
        """Number a batch as the append does: base added, the day's first candidates filled in."""
        batch: Batch = envelope.payload
        base = self.ledger.base()
        days = dict(zip(batch.seqs, batch.days, strict=True))
        preds = {
            seq + base: self.ledger.last_candidate(days[seq]) if pred < 0 else pred + base
            for seq, pred in batch.preds.items()
        }
        seqs = [seq + base for seq in batch.seqs]
        return Envelope(batch._replace(seqs=seqs, preds=preds), BATCH, envelope.trace_id)


@pytest.mark.unwatched
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_process_answers_as_the_oracle_does(name: str, seed: int) -> None:
    """The memory profile's graph gives the reference bytes, however the stream is cut."""
    stream = nasty_stream(seed, 600)
    config = CONFIGS[name]
    expected = output_bytes(decide_stream(stream, config))
    for lines in (1, 61, 1000):
        ledger, _ = run_in_one_process(stream, rules_of(config), lines=lines)

        assert ledger.output() == expected


@pytest.mark.unwatched
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", [4, 5])
def test_one_runner_and_three_return_the_same_from_every_node(name: str, seed: int) -> None:
    """Node by node and attempt by attempt; only the numbers before the append are place-holders."""
    stream = nasty_stream(seed, 500)
    rules = rules_of(CONFIGS[name])
    apart = HandOver(rules)
    for chunk in chunks_of(stream, lines=97):
        apart.take(chunk)
    ledger, together = run_in_one_process(stream, rules, lines=97)

    assert by_node(apart.witness.returned) == by_node(together)
    assert apart.ledger.output() == ledger.output()
    assert apart.ledger.windows == ledger.windows
    assert apart.ledger.gates == ledger.gates


def by_node(returned: list[tuple[str, str, str, Any]]) -> dict[tuple[str, str], list[object]]:
    """Sort what nodes returned by node and trace; leave the numbers of unappended batches out."""
    sorted_out: dict[tuple[str, str], list[object]] = {}
    for node, kind, trace_id, columns in returned:
        kept = columns
        if node == "partition":
            seqs, *others, preds = columns
            kept = [len(seqs), *others, len(preds)]
        sorted_out.setdefault((node, trace_id), []).append((kind, kept))
    return {key: sorted(outputs, key=repr) for key, outputs in sorted_out.items()}


def test_the_graph_passes_its_own_preflight() -> None:
    """What ships is right."""
    preflight(GRAPH)


def test_groups_hold_the_nodes_of_the_design() -> None:
    """Placement is part of the promise: it says what crosses Redis."""
    assert dict(GRAPH.groups) == {
        "ingress": ("parse", "classify", "partition"),
        "limits": ("features", "decide"),
        "egress": ("format",),
    }
    assert tuple(HOPS[group] for group in ALL_GROUPS) == (0, 1, 2)


@pytest.mark.parametrize(
    ("groups", "kinds"),
    [
        ([INGRESS], {"classified", "batch", "declined"}),
        ([LIMITS], {"decided"}),
        ([EGRESS], {"rows"}),
        (ALL_GROUPS, {"classified", "batch", "declined", "decided", "rows"}),
    ],
)
def test_each_unit_consumes_its_kinds(groups: Sequence[str], kinds: set[str]) -> None:
    """The runner of a group returns what the unit of that group needs, and no more."""
    assert GRAPH.consumed_kinds(groups) == kinds


def test_in_one_process_every_kind_of_every_unit_is_returned() -> None:
    """The units of all groups are applied from one result."""
    runner = build_runner(GATED, 1, ALL_GROUPS, views=SmallLedger(GATED).views)
    result = runner.run([Envelope(Chunk("r", 1, line("1") + b"nonsense\n"), CHUNK)])

    assert sorted(envelope.kind for envelope in result.consumed) == [
        "batch",
        "classified",
        "decided",
        "declined",
        "rows",
        "rows",
    ]
    assert {envelope.kind for envelope in result.terminal} == {"rows"}


def test_a_batch_is_not_taken_by_the_ingress() -> None:
    """What belongs to the limits never comes back."""
    ingress = build_runner(GATED, 1, [INGRESS], views=PROMISED)
    batch = ingress.run(
        [Envelope(Chunk("r", 1, line("1")), CHUNK)], views=SmallLedger(GATED).views
    ).boundary[0]

    assert batch.group == LIMITS
    with pytest.raises(RoutingRefused, match="must not come back"):
        ingress.run([batch.envelope])


@pytest.mark.parametrize(
    ("group", "missing"), [(INGRESS, "ids"), (INGRESS, "order"), (LIMITS, "state")]
)
def test_a_runner_without_a_view_of_its_nodes_is_not_built(group: str, missing: str) -> None:
    """The missing view is named."""
    views = {name: view for name, view in PROMISED.items() if name != missing}

    with pytest.raises(MissingDependency, match=f"'{missing}'"):
        build_runner(GATED, 1, [group], views=views)


def test_the_egress_needs_no_view() -> None:
    """Rows are made of answers alone."""
    assert build_runner(GATED, 1, [EGRESS], views={}).observer_failures == {}


@pytest.mark.parametrize("groups", [["limit"], []])
def test_a_group_that_does_not_exist_is_refused(groups: list[str]) -> None:
    """A process that would run nothing does not start."""
    with pytest.raises(PlacementRefused, match="process group"):
        build_runner(GATED, 1, groups, views=PROMISED)
