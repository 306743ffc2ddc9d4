"""Discovery: nodes come from the modules that the graph names, and everything wrong is told."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest

from kernel.engine.discovery import discover
from kernel.engine.errors import GraphRefused
from kernel.ledger.scenario import GRAPH

NAMES = [node.name for node in GRAPH.nodes]


@pytest.fixture
def spare() -> Iterator[types.ModuleType]:
    """A module that makes one node, until the test is over."""
    module = types.ModuleType("spare_nodes")
    vars(module)["NODES"] = {"spare": lambda: None}
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def test_every_node_of_the_graph_is_found_in_the_modules_it_names() -> None:
    """The scenario names its modules; together they make exactly its nodes."""
    assert sorted(discover(GRAPH.modules, NAMES)) == sorted(NAMES)


@pytest.mark.parametrize("module", ["kernel.ledger.ghost_nodes", "ghost.nodes", "kernel.errors"])
def test_a_module_that_is_unknown_or_makes_nothing_is_named(module: str) -> None:
    """A spelling mistake in a scenario is told as one."""
    with pytest.raises(GraphRefused, match=f"unknown module '{module}', or one without"):
        discover([*GRAPH.modules, module], NAMES)


@pytest.mark.usefixtures("spare")
def test_a_node_made_by_nobody_and_one_that_nobody_knows_are_named() -> None:
    """Both are told at once."""
    with pytest.raises(GraphRefused) as refused:
        discover(["spare_nodes"], ["parse"])

    assert refused.value.findings == (
        "node 'parse' is made by no module",
        "unknown node 'spare' in a module",
    )


@pytest.mark.usefixtures("spare")
def test_a_node_that_two_modules_make_is_refused() -> None:
    """It would depend on the order of the modules which of them decides."""
    with pytest.raises(GraphRefused, match="node 'spare' is made by two modules"):
        discover(["spare_nodes", "spare_nodes"], ["spare"])


def test_a_module_whose_own_import_fails_is_not_called_unknown(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What is missing is what it needs, and that error is the one to see."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "needy_nodes.py").write_text("import nowhere_to_be_found\n")
    sys.path.insert(0, str(folder))
    try:
        with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
            discover(["needy_nodes"], ["spare"])
    finally:
        sys.path.remove(str(folder))
