"""Section 2: registry, router and the routing service over both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from kernel.engine.envelope import Envelope
from kernel.engine.errors import PlacementRefused, RoutingRefused
from kernel.engine.placement import Placement
from kernel.engine.registry import Registry
from kernel.engine.routing import Boundary, Delivery, Router, RoutingService

GROUPS = {"near": ["a", "b", "c"], "far": ["x", "y"]}


def router(
    consumers: Mapping[str, Sequence[str]],
    *,
    terminals: Collection[str] = (),
    strict: bool = True,
) -> Router:
    """Return a router of a process that runs the group `near`."""
    return Router(
        consumers,
        placement=Placement(GROUPS),
        local_groups=["near"],
        terminals=terminals,
        strict=strict,
    )


def test_a_registry_keeps_consumers_in_registration_order() -> None:
    """The order of fan-out is the order of registration; a second registration moves nothing."""
    registry = Registry()
    for node in ("b", "a", "b"):
        registry.register("kind", node)

    assert registry.consumers("kind") == ["b", "a"]


def test_replacing_a_list_raises_the_version_by_one() -> None:
    """Whoever kept the version knows that its copy is old."""
    registry = Registry()
    registry.register("kind", "a")
    before = registry.version
    registry.replace("kind", ["b", "c"])

    assert registry.version == before + 1
    assert registry.consumers("kind") == ["b", "c"]


def test_registering_what_is_there_already_changes_nothing() -> None:
    """No change, no new version: nobody rebuilds for it."""
    registry = Registry()
    registry.register("kind", "a")
    before = registry.version
    registry.register("kind", "a")

    assert registry.version == before


def test_reads_of_a_registry_are_copies() -> None:
    """What a reader does with its copy does not register anything."""
    registry = Registry()
    registry.register("kind", "a")
    registry.consumers("kind").append("b")
    registry.as_map()["kind"] = ("c",)

    assert registry.consumers("kind") == ["a"]


def test_an_unknown_kind_has_no_consumers() -> None:
    """Asking is not an error; what to make of the answer is the router's business."""
    assert Registry().consumers("nothing") == []


def test_a_registry_knows_its_nodes() -> None:
    """A node is known while it consumes anything."""
    registry = Registry()
    registry.register("kind", "a")

    assert registry.has_node("a")
    assert not registry.has_node("b")


def test_without_a_target_every_consumer_gets_it_in_order() -> None:
    """Fan-out follows the registry."""
    envelope = Envelope([1], "kind")
    routed = router({"kind": ["c", "a"]}).route([envelope], emitter="b")

    assert routed.local == [Delivery("c", envelope), Delivery("a", envelope)]
    assert routed.boundary == []
    assert routed.terminal == []


def test_fan_out_leaves_the_emitter_out() -> None:
    """A node that gives a kind it also takes does not feed itself."""
    routed = router({"kind": ["a", "b"]}).route([Envelope([1], "kind")], emitter="a")

    assert [delivery.target for delivery in routed.local] == ["b"]


def test_a_target_overrides_fan_out() -> None:
    """An addressed envelope goes where it says, and nowhere else."""
    envelope = Envelope([1], "kind", target="c")
    routed = router({"kind": ["a", "b", "c"]}).route([envelope], emitter="a")

    assert routed.local == [Delivery("c", envelope)]


def test_a_node_may_address_itself() -> None:
    """Explicitly is not by accident."""
    routed = router({"kind": ["a", "b"]}).route([Envelope([1], "kind", target="a")], emitter="a")

    assert [delivery.target for delivery in routed.local] == ["a"]


def test_consumers_of_another_group_are_over_the_boundary() -> None:
    """Placement alone decides; a boundary delivery carries its group."""
    envelope = Envelope([1], "kind")
    routed = router({"kind": ["a", "x"]}).route([envelope], emitter=None)

    assert routed.local == [Delivery("a", envelope)]
    assert routed.boundary == [Boundary("far", "x", envelope)]


def test_several_targets_may_lie_in_different_groups() -> None:
    """Each name is placed by itself."""
    envelope = Envelope([1], "kind", target=["y", "b"])
    routed = router({"kind": ["b", "y"]}).route([envelope], emitter="a")

    assert routed.local == [Delivery("b", envelope)]
    assert routed.boundary == [Boundary("far", "y", envelope)]


def test_a_terminal_kind_leaves_the_graph() -> None:
    """It needs no consumer."""
    envelope = Envelope([1], "rows")
    routed = router({}, terminals=["rows"]).route([envelope], emitter="a")

    assert routed.terminal == [envelope]
    assert routed.local == []


@pytest.mark.parametrize(
    ("envelope", "why"),
    [
        (Envelope([1], "nobody"), "no consumer"),
        (Envelope([1], "own"), "emitter is its only consumer"),
        (Envelope([1], "kind", target="ghost"), "target 'ghost' is unknown"),
        (Envelope([1], "kind", target="c"), "target 'c' does not take it"),
    ],
)
def test_strict_routing_refuses_and_names_kind_and_node(envelope: Envelope, why: str) -> None:
    """All four ways of having no way to go are errors that say where to look."""
    strict = router({"own": ["a"], "kind": ["b"], "other": ["c"]})

    with pytest.raises(RoutingRefused, match=why) as refused:
        strict.route([envelope], emitter="a")

    assert refused.value.kind == envelope.kind
    assert refused.value.node == "a"
    assert f"kind '{envelope.kind}' from node 'a'" in str(refused.value)


def test_lenient_routing_drops_and_the_service_counts() -> None:
    """What has no way is dropped; what has one still goes, and nothing is lost from sight."""
    registry = Registry()
    registry.register("kind", "b")
    service = RoutingService(
        registry,
        placement=Placement(GROUPS),
        local_groups=["near"],
        terminals=[],
        strict=False,
    )
    good = Envelope([1], "kind", target=["ghost", "b"])
    routed = service.route([Envelope([1], "nobody"), good], emitter="a")

    assert routed.local == [Delivery("b", good)]
    assert routed.dropped == 2
    assert service.dropped == 2


def test_a_router_is_pure() -> None:
    """The same question has the same answer, also after others were asked."""
    strict = router({"kind": ["a", "x"]}, terminals=["rows"])
    outputs = [Envelope([1], "kind"), Envelope([2], "rows")]
    first = strict.route(outputs, emitter="b")
    strict.route([Envelope([3], "kind", target="a")], emitter="c")

    assert strict.route(outputs, emitter="b") == first


def test_a_target_in_no_group_is_named() -> None:
    """A node that is registered but placed nowhere cannot be sent anything."""
    with pytest.raises(
        PlacementRefused, match=r"^Missing process-group placement for target 'lost'$"
    ):
        router({"kind": ["lost"]}).route([Envelope([1], "kind", target="lost")], emitter="a")


def test_the_service_rebuilds_its_map_only_when_the_registry_changed() -> None:
    """Routing follows the registry, and pays for it once a change."""
    registry = CountingRegistry()
    registry.register("kind", "a")
    service = RoutingService(
        registry, placement=Placement(GROUPS), local_groups=["near"], terminals=[]
    )
    for _ in range(3):
        service.route([Envelope([1], "kind")], emitter="b")
    read_before = registry.times_read
    registry.replace("kind", ["c"])
    routed = [service.route([Envelope([1], "kind")], emitter="b") for _ in range(3)]

    assert read_before == 1
    assert registry.times_read == 2
    assert [delivery.target for delivery in routed[-1].local] == ["c"]


class CountingRegistry(Registry):
    """A registry that counts how often it is read as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.times_read = 0

    def as_map(self) -> dict[str, tuple[str, ...]]:
        """Count, then answer."""
        self.times_read += 1
        return super().as_map()
