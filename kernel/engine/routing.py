"""Where an output goes: to nodes of this process, to another group, or out of the graph.

1. The router is pure: the same outputs from the same emitter give the same routes. It counts
   nothing itself.
2. A target overrides fan-out. Without one, every consumer of the kind gets the envelope, in
   registration order, but never the emitter itself; naming oneself as target is allowed.
3. Strict (the default): what has no way to go is an error that names kind and node. Not strict: it
   is dropped, the drop is reported in the result, and the routing service counts it.
4. The result has three channels. A bare list of envelopes is not a result, and the runner refuses
   one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kernel.engine.errors import RoutingRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kernel.engine.envelope import Envelope
    from kernel.engine.placement import Placement
    from kernel.engine.registry import Registry


class Delivery(NamedTuple):
    """An envelope for one node of this process."""

    target: str
    envelope: Envelope


class Boundary(NamedTuple):
    """An envelope for a node of another group."""

    group: str
    target: str
    envelope: Envelope


@dataclass(slots=True)
class Routed:
    """Where the outputs of one node call go."""

    local: list[Delivery] = field(default_factory=list)
    boundary: list[Boundary] = field(default_factory=list)
    terminal: list[Envelope] = field(default_factory=list)
    dropped: int = 0


class _Way(NamedTuple):
    """Where envelopes of one kind from one emitter go, or those with one target."""

    local: tuple[str, ...] = ()
    boundary: tuple[tuple[str, str], ...] = ()
    is_terminal: bool = False
    drops: int = 0


class Router:
    """Routes over one fixed map of consumers."""

    def __init__(
        self,
        consumers: Mapping[str, Sequence[str]],
        *,
        placement: Placement,
        local_groups: Collection[str],
        terminals: Collection[str],
        strict: bool = True,
    ) -> None:
        self._consumers = {kind: tuple(nodes) for kind, nodes in consumers.items()}
        self._known = frozenset(node for nodes in self._consumers.values() for node in nodes)
        self._placement = placement
        self._local_groups = frozenset(local_groups)
        self._terminals = frozenset(terminals)
        self._strict = strict
        # Ways without a target depend on kind and emitter alone. The number of kinds a graph can
        # emit bounds it.
        self._ways: dict[tuple[str, str | None], _Way] = {}

    def route(self, outputs: Sequence[Envelope], *, emitter: str | None) -> Routed:
        """Return where the outputs of a node go; the emitter of an input is None.

        Raises:
            RoutingRefused: (strict) an output has no consumer, or its target is unknown or does not
                take its kind.
            PlacementRefused: a target is in no group.
        """
        routed = Routed()
        for envelope in outputs:
            if envelope.target is None:
                way = self._ways.get((envelope.kind, emitter))
                if way is None:
                    way = self._ways[envelope.kind, emitter] = self._fan_out(envelope.kind, emitter)
            else:
                way = self._targeted(envelope, emitter)
            for target in way.local:
                routed.local.append(Delivery(target, envelope))
            for group, target in way.boundary:
                routed.boundary.append(Boundary(group, target, envelope))
            if way.is_terminal:
                routed.terminal.append(envelope)
            routed.dropped += way.drops
        return routed

    def _fan_out(self, kind: str, emitter: str | None) -> _Way:
        consumers = self._consumers.get(kind, ())
        others = [node for node in consumers if node != emitter]
        is_terminal = kind in self._terminals
        if not others and not is_terminal:
            why = "the emitter is its only consumer" if consumers else "it has no consumer"
            return self._no_way(why, kind=kind, emitter=emitter)
        return self._placed(others)._replace(is_terminal=is_terminal)

    def _targeted(self, envelope: Envelope, emitter: str | None) -> _Way:
        takers: list[str] = []
        drops = 0
        for target in envelope.targets:
            if target in self._consumers.get(envelope.kind, ()):
                takers.append(target)
                continue
            fault = "does not take it" if target in self._known else "is unknown"
            drops += self._no_way(
                f"target '{target}' {fault}", kind=envelope.kind, emitter=emitter
            ).drops
        return self._placed(takers)._replace(drops=drops)

    def _no_way(self, why: str, *, kind: str, emitter: str | None) -> _Way:
        if self._strict:
            raise RoutingRefused(why, kind=kind, node=emitter)
        return _Way(drops=1)

    def _placed(self, nodes: Sequence[str]) -> _Way:
        placed = [(self._placement.group_of(node), node) for node in nodes]
        return _Way(
            local=tuple(node for group, node in placed if group in self._local_groups),
            boundary=tuple(pair for pair in placed if pair[0] not in self._local_groups),
        )


class RoutingService:
    """Registry and router behind one face: what a runner is given."""

    def __init__(
        self,
        registry: Registry,
        *,
        placement: Placement,
        local_groups: Collection[str],
        terminals: Collection[str],
        strict: bool = True,
    ) -> None:
        self._registry = registry
        self._placement = placement
        self._local_groups = frozenset(local_groups)
        self._terminals = frozenset(terminals)
        self._strict = strict
        self._version = registry.version
        self._router = self._built()
        #: Outputs that had no way to go; stays 0 under strict routing, which raises instead.
        self.dropped = 0

    def route(self, outputs: Sequence[Envelope], *, emitter: str | None) -> Routed:
        """Route over the registry as it is now; see `Router.route`."""
        if self._registry.version != self._version:
            self._version = self._registry.version
            self._router = self._built()
        routed = self._router.route(outputs, emitter=emitter)
        self.dropped += routed.dropped
        return routed

    def _built(self) -> Router:
        return Router(
            self._registry.as_map(),
            placement=self._placement,
            local_groups=self._local_groups,
            terminals=self._terminals,
            strict=self._strict,
        )
