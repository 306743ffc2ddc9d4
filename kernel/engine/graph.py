"""A graph as plain values, and the pre-flight that finds it wrong before the first line is read.

A graph says which node takes and gives which kinds, in which group it runs, which kinds come from
outside, which leave the graph, and which unit of work consumes what. It holds no node objects: a
process of one group describes the whole graph without being able to run the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from kernel.engine.errors import GraphRefused, PlacementRefused
from kernel.engine.placement import Placement
from kernel.engine.registry import Registry


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node: what it takes and what it may give."""

    name: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitSpec:
    """One unit of work, the only effect of its group: which kinds it consumes."""

    name: str
    group: str
    consumes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A scenario: nodes, the groups they run in, and the edges to the outside."""

    scenario_id: str
    nodes: tuple[NodeSpec, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    inputs: frozenset[str]
    terminals: frozenset[str]
    units: tuple[UnitSpec, ...]
    #: Dotted names of the modules in which discovery finds the nodes.
    modules: tuple[str, ...] = ()

    def placement(self) -> Placement:
        """Return which node runs in which group.

        Raises:
            PlacementRefused: a node is in no group or in two, or a group names an unknown node.
        """
        placement = Placement(dict(self.groups))
        placement.check(node.name for node in self.nodes)
        return placement

    def registry(self) -> Registry:
        """Return who consumes which kind."""
        registry = Registry()
        for node in self.nodes:
            for kind in node.takes:
                registry.register(kind, node.name)
        return registry

    def consumed_kinds(self, groups: Collection[str]) -> frozenset[str]:
        """Return the kinds that units of work of these groups consume."""
        return frozenset(
            kind for unit in self.units if unit.group in groups for kind in unit.consumes
        )


def preflight(graph: Graph) -> None:
    """Check a graph before anything runs.

    Raises:
        GraphRefused: with everything that was found.
    """
    checks = (_placing, _twins, _missing_providers, _unconsumed, _units, _cycles)
    findings = [finding for check in checks for finding in check(graph)]
    if findings:
        raise GraphRefused(findings)


def _placing(graph: Graph) -> Iterable[str]:
    try:
        graph.placement()
    except PlacementRefused as refused:
        yield str(refused)


def _twins(graph: Graph) -> Iterable[str]:
    names = [node.name for node in graph.nodes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"node '{name}' is declared more than once"


def _missing_providers(graph: Graph) -> Iterable[str]:
    provided = {kind for node in graph.nodes for kind in node.gives} | graph.inputs
    for node in graph.nodes:
        for kind in node.takes:
            if kind not in provided:
                yield f"node '{node.name}' takes kind '{kind}', which nothing provides"


def _unconsumed(graph: Graph) -> Iterable[str]:
    taken = {kind for node in graph.nodes for kind in node.takes}
    for node in graph.nodes:
        for kind in node.gives:
            if kind not in taken and kind not in graph.terminals:
                yield f"kind '{kind}' of node '{node.name}' is consumed by nobody"
    for kind in sorted(graph.inputs - taken):
        yield f"input kind '{kind}' is consumed by nobody"


def _units(graph: Graph) -> Iterable[str]:
    groups = dict(graph.groups)
    gives = {node.name: node.gives for node in graph.nodes}
    for unit in graph.units:
        if unit.group not in groups:
            yield f"unit '{unit.name}' is in an unknown group '{unit.group}'"
            continue
        emitted = {kind for node in groups[unit.group] for kind in gives.get(node, ())}
        for kind in unit.consumes:
            if kind not in emitted:
                yield f"unit '{unit.name}' consumes kind '{kind}', which its group does not give"


def _cycles(graph: Graph) -> Iterable[str]:
    takers: dict[str, list[str]] = {}
    for node in graph.nodes:
        for kind in node.takes:
            takers.setdefault(kind, []).append(node.name)
    following = {
        node.name: [taker for kind in node.gives for taker in takers.get(kind, ())]
        for node in graph.nodes
    }
    cycle = _first_cycle(following, following.__getitem__)
    if cycle:
        yield "cycle: " + " -> ".join(cycle)


def _first_cycle(nodes: Iterable[str], following: Callable[[str], list[str]]) -> list[str]:
    """Return the nodes of one cycle, the first repeated at the end; empty when there is none."""
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for other in following(node):
            found = walk(other, [*path, node])
            if found:
                return found
        done.add(node)
        return []

    return next((found for node in nodes if (found := walk(node, []))), [])
