"""Pre-flight: a wrong graph is refused before the first line is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kernel.engine.errors import GraphRefused
from kernel.engine.graph import Graph, NodeSpec, UnitSpec, preflight

GOOD = Graph(
    scenario_id="scene",
    nodes=(
        NodeSpec("parse", takes=("chunk",), gives=("batch",)),
        NodeSpec("decide", takes=("batch",), gives=("rows",)),
    ),
    groups=(("ingress", ("parse",)), ("limits", ("decide",))),
    inputs=frozenset({"chunk"}),
    terminals=frozenset({"rows"}),
    units=(UnitSpec("append", group="ingress", consumes=("batch",)),),
)
PARSE, DECIDE = GOOD.nodes


def test_a_good_graph_passes() -> None:
    """Nothing is found where nothing is wrong."""
    preflight(GOOD)

    assert GOOD.registry().consumers("batch") == ["decide"]
    assert GOOD.placement().group_of("decide") == "limits"


def test_units_consume_by_group() -> None:
    """A process returns only what units of its own groups consume."""
    assert GOOD.consumed_kinds(["ingress"]) == {"batch"}
    assert GOOD.consumed_kinds(["limits"]) == frozenset()


@pytest.mark.parametrize(
    ("graph", "finding"),
    [
        (
            replace(GOOD, groups=(("ingress", ("parse",)),)),
            "Missing process-group placement for target 'decide'",
        ),
        (
            replace(GOOD, groups=(("ingress", ("parse",)), ("limits", ("decide", "parse")))),
            "node 'parse' is in two groups: 'ingress' and 'limits'",
        ),
        (
            replace(GOOD, groups=(("ingress", ("parse",)), ("limits", ("decide", "ghost")))),
            "group 'limits' names an unknown node 'ghost'",
        ),
        (replace(GOOD, nodes=(PARSE, DECIDE, DECIDE)), "node 'decide' is declared more than once"),
        (
            replace(GOOD, nodes=(PARSE, replace(DECIDE, takes=("batch", "features")))),
            "node 'decide' takes kind 'features', which nothing provides",
        ),
        (
            replace(GOOD, nodes=(replace(PARSE, gives=("batch", "declined")), DECIDE)),
            "kind 'declined' of node 'parse' is consumed by nobody",
        ),
        (
            replace(GOOD, inputs=frozenset({"chunk", "signal"})),
            "input kind 'signal' is consumed by nobody",
        ),
        (
            replace(GOOD, units=(UnitSpec("commit", group="limit", consumes=("rows",)),)),
            "unit 'commit' is in an unknown group 'limit'",
        ),
        (
            replace(GOOD, units=(UnitSpec("append", group="ingress", consumes=("rows",)),)),
            "unit 'append' consumes kind 'rows', which its group does not give",
        ),
        (
            replace(
                GOOD,
                nodes=(
                    replace(PARSE, takes=("chunk", "again")),
                    replace(DECIDE, gives=("rows", "again")),
                ),
            ),
            "cycle: parse -> decide -> parse",
        ),
        (
            replace(GOOD, nodes=(PARSE, replace(DECIDE, gives=("rows", "batch")))),
            "cycle: decide -> decide",
        ),
    ],
)
def test_a_wrong_graph_is_refused_with_what_is_wrong(graph: Graph, finding: str) -> None:
    """Each kind of mistake is a sentence of its own."""
    with pytest.raises(GraphRefused) as refused:
        preflight(graph)

    assert finding in refused.value.findings
    assert finding in str(refused.value)


def test_all_findings_are_told_at_once() -> None:
    """One look at the message is enough to mend everything."""
    with pytest.raises(GraphRefused) as refused:
        preflight(replace(GOOD, nodes=(PARSE,), inputs=frozenset({"chunk", "signal"})))

    assert len(refused.value.findings) == 3
