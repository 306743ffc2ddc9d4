"""Small nodes and a bench to run them on, for tests of the engine.

Lives here: nodes that do one plain thing, and the shortest way to a runner over them. They are real
nodes, not stand-ins: the engine has no others, it knows nothing of fund loads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from kernel.engine.context import Context, ContextSource
from kernel.engine.envelope import Envelope
from kernel.engine.observers import Observer
from kernel.engine.placement import Placement
from kernel.engine.registry import Registry
from kernel.engine.routing import RoutingService
from kernel.engine.runner import Runner

Body = Callable[[Any, Context], Any]


class Step:
    """A node made of a function; it remembers what it was called with."""

    def __init__(
        self,
        name: str,
        body: Body,
        *,
        requires: tuple[str, ...] = (),
        is_service: bool = False,
    ) -> None:
        self.name = name
        self.requires = requires
        self.is_service = is_service
        self.payloads: list[object] = []
        self.contexts: list[Context] = []
        self._body = body

    def __call__(self, payload: object, context: Context, /) -> Iterable[Envelope]:
        """Remember the call, then let the function answer; what it returns is not checked here."""
        self.payloads.append(payload)
        self.contexts.append(context)
        returned: Iterable[Envelope] = self._body(payload, context)
        return returned


def gives(*kinds: str) -> Body:
    """Return a body that passes its payload on under these kinds."""
    return lambda payload, _context: [Envelope(payload, kind) for kind in kinds]


def ends() -> Body:
    """Return a body that gives nothing."""
    return lambda _payload, _context: ()


def seq_in(envelope: Envelope) -> int | None:
    """Say that a tuple begins with its lowest sequence number, and nothing else has one."""
    return envelope.payload[0] if isinstance(envelope.payload, tuple) else None


def runner_over(
    nodes: Sequence[Step],
    takes: Mapping[str, Sequence[str]],
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    local: Collection[str] | None = None,
    terminals: Collection[str] = (),
    consumed: Iterable[str] = (),
    views: Mapping[str, object] | None = None,
    observers: Sequence[Observer] = (),
) -> Runner:
    """Return a runner over nodes; without groups, all nodes are in one that is called `only`."""
    placement = Placement(groups or {"only": [node.name for node in nodes]})
    here = placement.groups if local is None else local
    registry = Registry()
    for kind, names in takes.items():
        registry.replace(kind, names)
    return Runner(
        routing=RoutingService(
            registry, placement=placement, local_groups=here, terminals=terminals
        ),
        placement=placement,
        groups=here,
        nodes=nodes,
        context=ContextSource(
            scenario_id="scene", run_id="run-1", views=views or {}, seq_of=seq_in
        ),
        consumed_kinds=consumed,
        observers=observers,
    )
