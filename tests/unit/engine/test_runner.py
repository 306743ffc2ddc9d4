"""Section 3: the runner executes, and does nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from kernel.engine.context import Context, ContextSource
from kernel.engine.envelope import Envelope
from kernel.engine.errors import MissingDependency, NodeMisbehaved, PlacementRefused, RoutingRefused
from kernel.engine.placement import Placement
from kernel.engine.routing import Boundary, Delivery, Routed
from kernel.engine.runner import Routes, Runner
from tests.support.steps import Step, ends, gives, runner_over


def test_a_run_delivers_until_nothing_is_left() -> None:
    """An envelope travels along its kinds to the end of the graph."""
    first, second = Step("a", gives("middle")), Step("b", gives("rows"))
    result = runner_over(
        [first, second], {"start": ["a"], "middle": ["b"]}, terminals=["rows"]
    ).run([Envelope([1], "start", trace_id="r:1", reply_to="replies")])

    assert second.payloads == [[1]]
    assert result.terminal == [Envelope([1], "rows", trace_id="r:1", reply_to="replies")]


def test_a_run_takes_all_its_inputs_first() -> None:
    """`run` goes through the graph breadth first."""
    order: list[object] = []
    runner = recording(order)
    runner.run([Envelope(1, "start"), Envelope(2, "start")])

    assert order == ["a1", "a2", "b1", "b2"]


def test_run_inputs_finishes_one_input_before_the_next() -> None:
    """Nothing of the second input happens before all of the first has."""
    order: list[object] = []
    runner = recording(order)
    runner.run_inputs([Envelope(1, "start"), Envelope(2, "start")])

    assert order == ["a1", "b1", "a2", "b2"]


def test_run_inputs_takes_an_input_only_when_it_is_due() -> None:
    """A source that is read lazily is read no further than the work has got."""
    order: list[object] = []

    def source() -> Iterator[Envelope]:
        for number in (1, 2):
            order.append(f"read{number}")
            yield Envelope(number, "start")

    recording(order).run_inputs(source())

    assert order == ["read1", "a1", "b1", "read2", "a2", "b2"]


def test_kinds_of_a_unit_are_returned_whether_or_not_they_also_went_on() -> None:
    """In one process `middle` is consumed by the unit and by the next node."""
    first, second = Step("a", gives("middle")), Step("b", gives("rows"))
    result = runner_over(
        [first, second],
        {"start": ["a"], "middle": ["b"]},
        terminals=["rows"],
        consumed=["middle", "rows"],
    ).run([Envelope([1], "start")])

    assert [envelope.kind for envelope in result.consumed] == ["middle", "rows"]
    assert result.payloads("middle") == [[1]]
    assert second.payloads == [[1]]


def test_what_belongs_to_another_group_is_returned_with_its_group() -> None:
    """Nothing is sent; a unit of work does that."""
    first = Step("a", gives("middle"))
    result = runner_over(
        [first],
        {"start": ["a"], "middle": ["b"]},
        groups={"near": ["a"], "far": ["b"]},
        local=["near"],
        consumed=["middle"],
    ).run([Envelope([1], "start", trace_id="r:1")])

    sent = Envelope([1], "middle", trace_id="r:1")
    assert result.boundary == [Boundary("far", "b", sent)]
    assert result.consumed == [sent]


def test_with_one_group_set_nothing_crosses() -> None:
    """Groups that run together have no boundary between them."""
    first, second = Step("a", gives("middle")), Step("b", ends())
    result = runner_over(
        [first, second],
        {"start": ["a"], "middle": ["b"]},
        groups={"near": ["a"], "far": ["b"]},
        local=["near", "far"],
    ).run([Envelope([1], "start")])

    assert result.boundary == []
    assert second.payloads == [[1]]


def test_what_comes_back_over_a_boundary_is_refused() -> None:
    """An input that belongs to another group never enters."""
    runner = runner_over(
        [Step("a", ends())],
        {"start": ["a"], "middle": ["b"]},
        groups={"near": ["a"], "far": ["b"]},
        local=["near"],
    )

    with pytest.raises(RoutingRefused, match="must not come back over a boundary") as refused:
        runner.run([Envelope([1], "middle")])

    assert refused.value.kind == "middle"


@pytest.mark.parametrize(
    ("returned", "why"),
    [
        (None, "returned None instead of an iterable"),
        (7, "returned a int, not an iterable"),
        ([("kind", 1)], "returned a tuple, not an envelope"),
    ],
)
def test_a_node_that_returns_the_wrong_thing_is_named(returned: object, why: str) -> None:
    """A node that forgot to return is found by its name."""
    runner = runner_over([Step("parse", lambda *_: returned)], {"start": ["parse"]})

    with pytest.raises(NodeMisbehaved, match=f"node 'parse' {why}") as misbehaved:
        runner.run([Envelope([1], "start")])

    assert misbehaved.value.node == "parse"


def test_a_node_may_be_a_generator() -> None:
    """What it yields goes on in order."""

    def body(payload: object, _context: Context) -> Iterator[Envelope]:
        yield Envelope(payload, "rows", trace_id="own:1")
        yield Envelope(payload, "rows")

    runner = runner_over([Step("a", body)], {"start": ["a"]}, terminals=["rows"])
    result = runner.run([Envelope([1], "start", trace_id="r:1")])

    assert [envelope.trace_id for envelope in result.terminal] == ["own:1", "r:1"]


def test_a_node_error_reaches_the_caller_unchanged_and_leaves_nothing_behind() -> None:
    """The next run begins empty: what was still to be delivered is forgotten."""
    failure = LookupError("no such window")

    def body(payload: object, _context: Context) -> Sequence[Envelope]:
        if payload == "bad":
            raise failure
        return [Envelope(payload, "rows")]

    runner = runner_over([Step("a", body)], {"start": ["a"]}, terminals=["rows"])

    with pytest.raises(LookupError) as raised:
        runner.run([Envelope("bad", "start"), Envelope("waiting", "start")])
    after = runner.run([Envelope("good", "start")])

    assert raised.value is failure
    assert [envelope.payload for envelope in after.terminal] == ["good"]


def test_a_routing_that_returns_a_bare_list_is_refused() -> None:
    """Three channels or nothing: a list would leave open what is local and what is not."""

    class Bare:
        def route(self, outputs: Sequence[Envelope], *, emitter: str | None) -> Any:  # noqa: ANN401
            return [Delivery(emitter or "a", output) for output in outputs]

    with pytest.raises(RoutingRefused, match="a bare list instead of three channels"):
        with_routing(Bare()).run([Envelope([1], "start")])


def test_a_delivery_to_something_that_is_not_one_known_node_is_refused() -> None:
    """A delivery names exactly one node of this process."""

    class Astray:
        def route(self, outputs: Sequence[Envelope], *, emitter: str | None) -> Routed:
            assert emitter is None
            return Routed(local=[Delivery("ghost", output) for output in outputs])

    with pytest.raises(RoutingRefused, match="'ghost' is not exactly one node of this process"):
        with_routing(Astray()).run([Envelope([1], "start")])


@pytest.mark.parametrize("missing", ["routing", "placement", "context"])
def test_a_missing_part_fails_at_construction_by_name(missing: str) -> None:
    """No runner exists that would fail later for want of a part."""
    parts: dict[str, Any] = {
        "routing": Routed(),
        "placement": Placement({"only": ["a"]}),
        "context": ContextSource(scenario_id="scene", views={}),
        missing: None,
    }

    with pytest.raises(MissingDependency, match=f"'{missing}', needed by the runner"):
        Runner(groups=["only"], nodes=[Step("a", ends())], consumed_kinds=[], **parts)


def test_a_missing_node_of_a_local_group_fails_at_construction_by_name() -> None:
    """A group runs whole or not at all."""
    with pytest.raises(MissingDependency, match="'b', needed by group 'only'"):
        runner_over([Step("a", ends())], {"start": ["a"]}, groups={"only": ["a", "b"]})


def test_a_node_without_a_group_fails_at_construction() -> None:
    """Every node of a runner is placed."""
    with pytest.raises(PlacementRefused, match="placement for target 'b'"):
        runner_over(
            [Step("a", ends()), Step("b", ends())], {"start": ["a"]}, groups={"only": ["a"]}
        )


def recording(order: list[object]) -> Runner:
    """Return a runner over a -> b, whose nodes write down when they are called with what."""

    def noting(name: str, *kinds: str) -> Step:
        def body(payload: object, _context: Context) -> Sequence[Envelope]:
            order.append(f"{name}{payload}")
            return [Envelope(payload, kind) for kind in kinds]

        return Step(name, body)

    return runner_over([noting("a", "middle"), noting("b")], {"start": ["a"], "middle": ["b"]})


def with_routing(routing: Routes) -> Runner:
    """Return a runner of one node over a routing that is wrong."""
    return Runner(
        routing=routing,
        placement=Placement({"only": ["a"]}),
        groups=["only"],
        nodes=[Step("a", ends())],
        context=ContextSource(scenario_id="scene", views={}),
        consumed_kinds=[],
    )
