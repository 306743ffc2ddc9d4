"""Who consumes which kind, by name.

Names and no node objects: a registry knows the nodes of every group, also those that run elsewhere.

1. Consumers of a kind are kept in registration order.
2. Every change raises the version by one; a reader that kept the version knows whether its copy is
   old.
3. Reads return copies. An unknown kind has no consumers; it is not an error here (strictness is the
   router's).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Registry:
    """Kind -> names of the nodes that take it, with a version."""

    def __init__(self) -> None:
        self._consumers: dict[str, tuple[str, ...]] = {}
        self._version = 0

    @property
    def version(self) -> int:
        """How many changes there have been."""
        return self._version

    def register(self, kind: str, node: str) -> None:
        """Append a node to the consumers of a kind; one that is already there stays where it is."""
        known = self._consumers.get(kind, ())
        if node not in known:
            self.replace(kind, (*known, node))

    def replace(self, kind: str, nodes: Sequence[str]) -> None:
        """Put a new list of consumers in the place of a kind's old one."""
        self._consumers[kind] = tuple(nodes)
        self._version += 1

    def consumers(self, kind: str) -> list[str]:
        """Return the consumers of a kind in registration order; none for an unknown kind."""
        return list(self._consumers.get(kind, ()))

    def as_map(self) -> dict[str, tuple[str, ...]]:
        """Return every kind with its consumers."""
        return dict(self._consumers)

    def has_node(self, node: str) -> bool:
        """Return whether the node consumes anything."""
        return any(node in nodes for nodes in self._consumers.values())
