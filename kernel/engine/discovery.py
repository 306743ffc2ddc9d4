"""Discovery: the modules a scenario names, and the nodes that they make.

A discovery module has a mapping `NODES` from a node's name to its maker. Nothing else of it is
looked at, and only modules that the graph itself names are ever imported: no configuration, message
or bundle can name code to run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any

from kernel.engine.context import Node
from kernel.engine.errors import GraphRefused

#: Makes a node from whatever the scenario makes its nodes from.
Maker = Callable[..., Node]


def discover(modules: Collection[str], nodes: Collection[str]) -> dict[str, Maker]:
    """Return who makes each node of a graph.

    Args:
        modules: Dotted names of the discovery modules.
        nodes: Names of the nodes that the graph declares.

    Raises:
        GraphRefused: a module is unknown or makes nothing, a node is made twice, by nobody, or is
            not in the graph; with everything that was found.
    """
    makers: dict[str, Maker] = {}
    findings: list[str] = []
    for module in modules:
        made = _made_by(module)
        if made is None:
            findings.append(f"unknown module '{module}', or one without a mapping NODES")
            continue
        findings += [f"node '{name}' is made by two modules" for name in made if name in makers]
        makers.update(made)
    if not findings:
        findings += [f"node '{name}' is made by no module" for name in nodes if name not in makers]
        findings += [f"unknown node '{name}' in a module" for name in makers if name not in nodes]
    if findings:
        raise GraphRefused(findings)
    return makers


def _made_by(module: str) -> Mapping[str, Any] | None:
    try:
        made = getattr(import_module(module), "NODES", None)
    except ModuleNotFoundError as missing:
        if missing.name is None or not f"{module}.".startswith(f"{missing.name}."):
            raise  # the module is there, and something that it needs is not
        return None
    return made if isinstance(made, Mapping) else None
