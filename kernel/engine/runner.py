"""The runner: takes an envelope, calls the node, routes what it returns, and nothing else.

1. It knows nothing of replies, of Redis or of what a payload is. What leaves the group is returned,
   not sent.
2. A node returns an iterable of envelopes; None is an error that names the node. Its iterable is
   used up inside the call, so a node written as a generator raises where it is called.
3. What a node raises goes to the observers and then, unchanged, to the caller. Nothing of that run
   stays behind: what was still to be delivered is forgotten, and the next run begins empty.
4. Kinds that a unit of work consumes are returned in ``consumed``, whether or not they also went
   on.
5. All costs are per node call; none is per attempt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kernel.engine.context import ContextSource, Node
from kernel.engine.envelope import Envelope
from kernel.engine.errors import MissingDependency, NodeMisbehaved, RoutingRefused
from kernel.engine.observers import NodeCall, Observer, ObserverFanout
from kernel.engine.placement import Placement
from kernel.engine.routing import Boundary, Delivery, Routed


class Routes(Protocol):
    """What a runner asks where outputs go: the routing service, or a router."""

    def route(self, outputs: Sequence[Envelope], *, emitter: str | None) -> Routed:
        """Return the three channels; see `kernel.engine.routing`."""


@dataclass(slots=True)
class RunResult:
    """What a run gave, each in the order it came."""

    boundary: list[Boundary] = field(default_factory=list)
    terminal: list[Envelope] = field(default_factory=list)
    consumed: list[Envelope] = field(default_factory=list)

    def payloads(self, kind: str) -> list[Any]:
        """Return the payloads of one consumed kind."""
        return [envelope.payload for envelope in self.consumed if envelope.kind == kind]


class Runner:
    """Runs the nodes of one set of groups in this process."""

    def __init__(
        self,
        *,
        routing: Routes,
        placement: Placement,
        groups: Collection[str],
        nodes: Iterable[Node],
        context: ContextSource,
        consumed_kinds: Iterable[str],
        observers: Sequence[Observer] = (),
    ) -> None:
        """Put a runner together.

        Args:
            routing: Where outputs go.
            placement: Which group a node is in.
            groups: The groups that run here.
            nodes: The nodes of these groups.
            context: What nodes see.
            consumed_kinds: The kinds that units of work of these groups consume.
            observers: Who watches.

        Raises:
            MissingDependency: a part is None, a node of the groups is not given, or a node's view
                is not.
            PlacementRefused: a node is in no group.
        """
        for name, part in (("routing", routing), ("placement", placement), ("context", context)):
            if part is None:
                raise MissingDependency(name, needed_by="the runner")
        self._routing = routing
        self._context = context
        self._consumed_kinds = frozenset(consumed_kinds)
        self._nodes = {node.name: node for node in nodes}
        self._group_of = {name: placement.group_of(name) for name in self._nodes}
        for group in groups:
            for name in placement.nodes_of(group):
                if name not in self._nodes:
                    raise MissingDependency(name, needed_by=f"group '{group}'")
        context.prepare(self._nodes.values())
        self._observers = ObserverFanout(observers) if observers else None

    @property
    def observer_failures(self) -> dict[str, int]:
        """How often observers failed, by "<observer class>.<hook>"."""
        return {} if self._observers is None else dict(self._observers.failures)

    def run(
        self,
        envelopes: Iterable[Envelope],
        *,
        views: Mapping[str, object] | None = None,
    ) -> RunResult:
        """Take all inputs, then deliver until nothing is left.

        Args:
            envelopes: The inputs.
            views: Views for this run alone, in the place of those the runner was built with.

        Raises:
            RoutingRefused: an input or output has no way to go.
            NodeMisbehaved: a node returned what no node may return.
            Exception: whatever a node raised.
        """
        return self._watched([list(envelopes)], views)

    def run_inputs(
        self,
        envelopes: Iterable[Envelope],
        *,
        views: Mapping[str, object] | None = None,
    ) -> RunResult:
        """Do the same, but finish all that comes of one input before the next is taken."""
        return self._watched(([envelope] for envelope in envelopes), views)

    def _watched(
        self,
        rounds: Iterable[list[Envelope]],
        views: Mapping[str, object] | None,
    ) -> RunResult:
        result = RunResult()
        observers = self._observers
        try:
            for inputs in rounds:
                self._drain(self._taken(inputs), result, views)
        except BaseException as error:
            if observers is not None:
                observers.on_run_end(error)
            raise
        if observers is not None:
            observers.on_run_end(None)
        return result

    def _taken(self, inputs: list[Envelope]) -> deque[Delivery]:
        """Return the first deliveries of some inputs; each must be for nodes of this process."""
        waiting: deque[Delivery] = deque()
        for envelope in inputs:
            if self._observers is not None:
                self._observers.on_ingress(envelope)
            routed = self._routed([envelope], None)
            if routed.boundary or routed.terminal:
                why = "it belongs to another group and must not come back over a boundary"
                raise RoutingRefused(why, kind=envelope.kind, node=None)
            waiting.extend(routed.local)
        return waiting

    def _drain(
        self,
        waiting: deque[Delivery],
        result: RunResult,
        views: Mapping[str, object] | None,
    ) -> None:
        while waiting:
            delivery = waiting.popleft()
            node = self._nodes.get(delivery.target)
            if node is None:
                why = f"target '{delivery.target}' is not exactly one node of this process"
                raise RoutingRefused(why, kind=delivery.envelope.kind, node=None)
            outputs = self._called(node, delivery.envelope, views)
            if outputs:
                self._dispatch(node.name, outputs, waiting, result)

    def _dispatch(
        self,
        emitter: str,
        outputs: list[Envelope],
        waiting: deque[Delivery],
        result: RunResult,
    ) -> None:
        routed = self._routed(outputs, emitter)
        waiting.extend(routed.local)
        result.boundary.extend(routed.boundary)
        result.terminal.extend(routed.terminal)
        for output in outputs:
            if output.kind in self._consumed_kinds:
                result.consumed.append(output)
        if self._observers is not None:
            for envelope in routed.terminal:
                self._observers.on_terminal(envelope)

    def _routed(self, outputs: list[Envelope], emitter: str | None) -> Routed:
        routed: object = self._routing.route(outputs, emitter=emitter)
        if not isinstance(routed, Routed):
            why = f"routing returned a bare {type(routed).__name__} instead of three channels"
            raise RoutingRefused(why, kind=outputs[0].kind, node=emitter)
        return routed

    def _called(
        self,
        node: Node,
        envelope: Envelope,
        views: Mapping[str, object] | None,
    ) -> list[Envelope]:
        context = self._context.of(node, envelope, views)
        observers = self._observers
        if observers is None:
            return _outputs_of(node, envelope, node(envelope.payload, context))
        call = NodeCall(self._group_of[node.name], node.name, envelope)
        observers.before_node(call)
        try:
            outputs = _outputs_of(node, envelope, node(envelope.payload, context))
        except BaseException as error:
            observers.on_node_error(call, error)
            raise
        observers.after_node(call, outputs)
        return outputs


def _outputs_of(node: Node, envelope: Envelope, returned: object) -> list[Envelope]:
    if returned is None:
        raise NodeMisbehaved(node.name, "returned None instead of an iterable")
    if not isinstance(returned, Iterable):
        raise NodeMisbehaved(node.name, f"returned a {type(returned).__name__}, not an iterable")
    outputs = []
    for output in returned:
        if not isinstance(output, Envelope):
            raise NodeMisbehaved(node.name, f"returned a {type(output).__name__}, not an envelope")
        outputs.append(output.inherit(envelope))
    return outputs
