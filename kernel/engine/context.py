"""What a node may see beside its payload: views, and for service nodes the addressing.

1. A node sees the views it names in ``requires``, and no others.
2. Keys that begin with ``__`` (run, scenario, trace, sequence number, reply channel) are for
   service nodes only. Ordinary nodes cannot come to depend on how their batch travelled, so they
   decide the same everywhere.
3. A view that a node names and nobody gives is an error when the runner is built, not when the node
   is called. A view that only a run can give is promised then, as `PER_RUN`.
4. A context is read-only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from kernel.engine.envelope import Envelope
from kernel.engine.errors import MissingDependency

RUN_ID = "__run_id"
SCENARIO_ID = "__scenario_id"
TRACE_ID = "__trace_id"
SEQ = "__seq"
REPLY_TO = "__reply_to"

#: A node's view of the world, by name.
Context = Mapping[str, object]

#: In the place of a view: each run brings its own.
PER_RUN: Final = object()


class Node(Protocol):
    """One step of the graph: a pure function of its payload and the views in its context."""

    @property
    def name(self) -> str:
        """The name it is routed by; one node of the graph bears it."""

    @property
    def requires(self) -> tuple[str, ...]:
        """Names of the views it reads."""

    @property
    def is_service(self) -> bool:
        """Whether it gets the ``__`` keys."""

    # The engine carries payloads of any kind without looking at them.
    def __call__(self, payload: Any, context: Context, /) -> Iterable[Envelope]:  # noqa: ANN401
        """Return what comes of one payload; an empty iterable when nothing does, never None."""


class PureNode:
    """What nodes have in common that do not see how their batch travelled."""

    requires: tuple[str, ...] = ()
    is_service = False


def no_seq(_envelope: Envelope) -> None:
    """Say that an envelope has no sequence number: for graphs that number nothing."""


class ContextSource:
    """Makes the context of each node call; costs one dictionary look-up for an ordinary node."""

    def __init__(
        self,
        *,
        scenario_id: str,
        views: Mapping[str, object],
        run_id: str | None = None,
        seq_of: Callable[[Envelope], int | None] = no_seq,
    ) -> None:
        """Keep what contexts are made of.

        Args:
            scenario_id: Name of the graph.
            views: View by name, or `PER_RUN`.
            run_id: The one run that the runner works for; None when it works for many.
            seq_of: Returns the lowest sequence number in an envelope, None before it has one.
        """
        self._scenario_id = scenario_id
        self._run_id = run_id
        self._seq_of = seq_of
        self._views = dict(views)
        self._contexts: dict[str, Context] = {}

    def prepare(self, nodes: Iterable[Node]) -> None:
        """Make the views of each node ready.

        Raises:
            MissingDependency: a node requires a view that was not given.
        """
        for node in nodes:
            for view in node.requires:
                if view not in self._views:
                    raise MissingDependency(view, needed_by=f"node '{node.name}'")
            self._contexts[node.name] = _views_of(node, self._views)

    def of(self, node: Node, envelope: Envelope, fresh: Mapping[str, object] | None) -> Context:
        """Return the context for one call.

        Args:
            node: A node that was prepared.
            envelope: What it is called with.
            fresh: Views for this run alone, in the place of those given at first.

        Raises:
            MissingDependency: a view was promised for each run, and this run has none.
        """
        context = self._contexts[node.name]
        if fresh:
            context = _views_of(node, {**self._views, **fresh})
        if PER_RUN in context.values():
            name = next(name for name, view in context.items() if view is PER_RUN)
            raise MissingDependency(name, needed_by=f"node '{node.name}' in each run")
        if not node.is_service:
            return context
        return MappingProxyType(
            {
                **context,
                RUN_ID: self._run_id,
                SCENARIO_ID: self._scenario_id,
                TRACE_ID: envelope.trace_id,
                SEQ: self._seq_of(envelope),
                REPLY_TO: envelope.reply_to,
            },
        )


def _views_of(node: Node, views: Mapping[str, object]) -> Context:
    return MappingProxyType({name: views[name] for name in node.requires})
