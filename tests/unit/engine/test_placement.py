"""Section 7, first half: every node in exactly one group."""

from __future__ import annotations

import pytest

from kernel.engine.errors import PlacementRefused
from kernel.engine.placement import Placement


def test_a_placement_knows_groups_in_config_order() -> None:
    """Groups are started in the order they are given."""
    placement = Placement({"limits": ["decide"], "ingress": ["parse"]})

    assert placement.groups == ("limits", "ingress")
    assert placement.group_of("parse") == "ingress"
    assert placement.nodes_of("limits") == ("decide",)


def test_a_node_in_two_groups_is_refused_when_the_placement_is_built() -> None:
    """Nobody could say where its envelopes go."""
    with pytest.raises(PlacementRefused, match="'parse' is in two groups: 'one' and 'two'"):
        Placement({"one": ["parse"], "two": ["decide", "parse"]})


def test_a_node_in_no_group_is_refused_by_the_check() -> None:
    """A graph is held against its placement before anything runs."""
    placement = Placement({"one": ["parse"]})

    with pytest.raises(
        PlacementRefused, match=r"^Missing process-group placement for target 'decide'$"
    ):
        placement.check(["parse", "decide"])


def test_a_group_that_names_an_unknown_node_is_refused_by_the_check() -> None:
    """A slip of the pen in a group is not an empty place."""
    placement = Placement({"one": ["parse", "prase"]})

    with pytest.raises(PlacementRefused, match="'one' names an unknown node 'prase'"):
        placement.check(["parse"])


def test_an_unknown_group_is_refused() -> None:
    """Running a group that does not exist runs nothing."""
    with pytest.raises(PlacementRefused, match="unknown process group 'limit'"):
        Placement({"limits": ["decide"]}).nodes_of("limit")
