"""Section 4, first half: what a node may see."""

from __future__ import annotations

import pytest

from kernel.engine.context import PER_RUN
from kernel.engine.envelope import Envelope
from kernel.engine.errors import MissingDependency
from tests.support.steps import Step, ends, runner_over


def test_an_ordinary_node_sees_its_views_and_no_addressing() -> None:
    """Only the views it names, and no key that begins with two underscores."""
    node = Step("a", ends(), requires=("ids",))
    runner_over([node], {"kind": ["a"]}, views={"ids": "registry", "state": "windows"}).run(
        [Envelope([1], "kind", trace_id="r:1", reply_to="replies")],
    )

    assert dict(node.contexts[0]) == {"ids": "registry"}


def test_a_service_node_sees_views_and_all_of_the_addressing() -> None:
    """Run, scenario, trace, lowest sequence number and reply channel, by envelope."""
    node = Step("a", ends(), requires=("ids",), is_service=True)
    runner_over(
        [node],
        {"kind": ["a"]},
        views={"ids": "registry"},
    ).run([Envelope((42, 43), "kind", trace_id="r:1", reply_to="replies")])

    assert dict(node.contexts[0]) == {
        "ids": "registry",
        "__run_id": "run-1",
        "__scenario_id": "scene",
        "__trace_id": "r:1",
        "__seq": 42,
        "__reply_to": "replies",
    }


def test_without_a_sequence_number_a_service_node_sees_none() -> None:
    """Before the append there is no number to see."""
    node = Step("a", ends(), is_service=True)
    runner_over([node], {"kind": ["a"]}).run([Envelope([1], "kind")])

    assert node.contexts[0]["__seq"] is None
    assert node.contexts[0]["__trace_id"] is None


@pytest.mark.parametrize("is_service", [False, True])
def test_a_context_is_read_only(is_service: bool) -> None:
    """A node cannot leave something behind for another."""
    node = Step("a", ends(), requires=("ids",), is_service=is_service)
    runner_over([node], {"kind": ["a"]}, views={"ids": "registry"}).run([Envelope([1], "kind")])

    with pytest.raises(TypeError):
        node.contexts[0]["ids"] = "other"  # type: ignore[index]


def test_a_view_that_nobody_gives_fails_at_construction_by_name() -> None:
    """Not when the first batch meets it."""
    node = Step("decide", ends(), requires=("state",))

    with pytest.raises(MissingDependency, match="'state', needed by node 'decide'") as missing:
        runner_over([node], {"kind": ["decide"]}, views={"ids": "registry"})

    assert missing.value.name == "state"


def test_fresh_views_hold_for_one_run_only() -> None:
    """Doing an append again is running the same envelope on fresh views."""
    node = Step("a", ends(), requires=("ids", "order"))
    runner = runner_over([node], {"kind": ["a"]}, views={"ids": "stale", "order": "kept"})
    envelope = Envelope([1], "kind")
    runner.run([envelope], views={"ids": "fresh"})
    runner.run([envelope])

    assert dict(node.contexts[0]) == {"ids": "fresh", "order": "kept"}
    assert dict(node.contexts[1]) == {"ids": "stale", "order": "kept"}


def test_a_view_may_be_promised_for_each_run_and_then_every_run_must_bring_it() -> None:
    """A turn has a view of its own; a runner can be built before there is any turn."""
    node = Step("decide", ends(), requires=("state",))
    runner = runner_over([node], {"kind": ["decide"]}, views={"state": PER_RUN})
    runner.run([Envelope([1], "kind")], views={"state": "of this turn"})

    assert dict(node.contexts[0]) == {"state": "of this turn"}
    with pytest.raises(MissingDependency, match="'state', needed by node 'decide' in each run"):
        runner.run([Envelope([1], "kind")])
