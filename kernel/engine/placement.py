"""Which group a node runs in.

Placement, and not the graph, decides what crosses a process boundary. Every node is in exactly one
group. That is checked when a placement is built and again against the nodes of a graph, so that no
envelope can find out later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel.engine.errors import PlacementRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Placement:
    """Group -> nodes, each node once."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        """Build a placement.

        Raises:
            PlacementRefused: a node is in two groups.
        """
        self._nodes = {group: tuple(nodes) for group, nodes in groups.items()}
        self._group_of: dict[str, str] = {}
        for group, nodes in self._nodes.items():
            for node in nodes:
                other = self._group_of.setdefault(node, group)
                if other != group:
                    raise PlacementRefused(
                        f"node '{node}' is in two groups: '{other}' and '{group}'"
                    )

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, in the order they were given."""
        return tuple(self._nodes)

    def nodes_of(self, group: str) -> tuple[str, ...]:
        """Return the nodes of a group.

        Raises:
            PlacementRefused: there is no such group.
        """
        if group not in self._nodes:
            raise PlacementRefused(f"unknown process group '{group}'")
        return self._nodes[group]

    def group_of(self, node: str) -> str:
        """Return the group of a node.

        Raises:
            PlacementRefused: the node is in no group.
        """
        group = self._group_of.get(node)
        if group is None:
            raise PlacementRefused(f"Missing process-group placement for target '{node}'")
        return group

    def check(self, nodes: Iterable[str]) -> None:
        """Check that the placement is about exactly these nodes.

        Raises:
            PlacementRefused: one of them is in no group, or the placement names one that is not
                among them.
        """
        known = set(nodes)
        for node in sorted(known):
            self.group_of(node)
        for node, group in self._group_of.items():
            if node not in known:
                raise PlacementRefused(f"group '{group}' names an unknown node '{node}'")
