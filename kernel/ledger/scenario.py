"""The graph of a fund load. Read this first: everything else fills in one of its boxes.

    chunk ─ parse ─ attempts ─ classify ─ classified ─ partition ─ batch      ingress: *append*
              └─ declined ────────────────────────────────────────┐
    batch ─ features ─ featured ─ decide ─ decided                │           limits:  *commit*
    decided, declined ─ format ─ rows ◄───────────────────────────┘           egress:  *write*

1. Nodes are pure. The three units of work are the only effects, one for each group; each consumes
   the kinds named here, whether or not these also went on.
2. Placement alone decides what crosses Redis. The memory profile runs all groups in one process,
   the fleet each in processes of its own; graph, nodes and runner are the same.
3. Nodes read through views: classify through `ids`, partition through `order`, decide through
   `state`; the others read nothing.
4. The graph is checked before the first line is read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from kernel.domain.ruleset import RuleSet
from kernel.engine.context import ContextSource
from kernel.engine.discovery import discover
from kernel.engine.errors import PlacementRefused
from kernel.engine.graph import Graph, NodeSpec, UnitSpec, preflight
from kernel.engine.observers import Observer
from kernel.engine.routing import RoutingService
from kernel.engine.runner import Runner
from kernel.ledger.described import seq_of
from kernel.ledger.payloads import (
    ATTEMPTS,
    BATCH,
    CHUNK,
    CLASSIFIED,
    DECIDED,
    DECLINED,
    FEATURED,
    ROWS,
)

SCENARIO_ID = "fund-load"

INGRESS = "ingress"
LIMITS = "limits"
EGRESS = "egress"
#: Every group, in the order in which their units of work are applied when they share a process.
ALL_GROUPS = (INGRESS, LIMITS, EGRESS)
#: Process boundaries that a line has crossed when it reaches a group of the fleet.
HOPS: Mapping[str, int] = {INGRESS: 0, LIMITS: 1, EGRESS: 2}

GRAPH = Graph(
    scenario_id=SCENARIO_ID,
    nodes=(
        NodeSpec("parse", takes=(CHUNK,), gives=(ATTEMPTS, DECLINED)),
        NodeSpec("classify", takes=(ATTEMPTS,), gives=(CLASSIFIED,)),
        NodeSpec("partition", takes=(CLASSIFIED,), gives=(BATCH,)),
        NodeSpec("features", takes=(BATCH,), gives=(FEATURED,)),
        NodeSpec("decide", takes=(FEATURED,), gives=(DECIDED,)),
        NodeSpec("format", takes=(DECIDED, DECLINED), gives=(ROWS,)),
    ),
    groups=(
        (INGRESS, ("parse", "classify", "partition")),
        (LIMITS, ("features", "decide")),
        (EGRESS, ("format",)),
    ),
    inputs=frozenset({CHUNK}),
    terminals=frozenset({ROWS}),
    units=(
        UnitSpec("append", group=INGRESS, consumes=(CLASSIFIED, BATCH, DECLINED)),
        UnitSpec("commit", group=LIMITS, consumes=(DECIDED,)),
        UnitSpec("write", group=EGRESS, consumes=(ROWS,)),
    ),
    modules=(
        "kernel.ledger.ingress_nodes",
        "kernel.ledger.limits_nodes",
        "kernel.ledger.egress_nodes",
    ),
)


def build_runner(
    rules: RuleSet,
    partitions: int,
    groups: Collection[str],
    observers: Sequence[Observer] = (),
    *,
    views: Mapping[str, object],
    run_id: str | None = None,
) -> Runner:
    """Return the runner for the groups of this process.

    Args:
        rules: The rule set in force.
        partitions: Partitions of the ledger; 1 in the memory profile.
        groups: The groups that run here: all three, or one of the fleet.
        observers: Who watches.
        views: `ids` and `order` for the ingress, `state` for the limits; `PER_RUN` for one that
            every call of `run` brings itself.
        run_id: The run that the process works for; None where it works for many.

    Raises:
        GraphRefused: pre-flight found the graph wrong.
        PlacementRefused: a group that does not exist.
        MissingDependency: a view of these groups' nodes was not given.
    """
    preflight(GRAPH)
    makers = discover(GRAPH.modules, [node.name for node in GRAPH.nodes])
    placement = GRAPH.placement()
    local = [name for group in groups for name in placement.nodes_of(group)]
    if not local:
        raise PlacementRefused("a runner needs at least one process group")
    return Runner(
        routing=RoutingService(
            GRAPH.registry(),
            placement=placement,
            local_groups=groups,
            terminals=GRAPH.terminals,
        ),
        placement=placement,
        groups=groups,
        nodes=[makers[name](rules, partitions) for name in local],
        context=ContextSource(
            scenario_id=GRAPH.scenario_id,
            views=views,
            run_id=run_id,
            seq_of=seq_of,
        ),
        consumed_kinds=GRAPH.consumed_kinds(groups),
        observers=observers,
    )
