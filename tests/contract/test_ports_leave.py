"""A run's lease given back by who ends in good order, on both twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from tests.contract.actors import Actors
from tests.support.plausible import Line

if TYPE_CHECKING:
    from tests.support.stages import Stage

PLAIN = Line(0)


@pytest.fixture
def act(stage: Stage) -> Actors:
    """A ledger of two partitions with two open runs."""
    return Actors(stage)


@pytest.mark.parametrize("kind", ["produce", "collect"])
def test_a_lease_given_back_is_free_at_once(
    act: Actors, kind: Literal["produce", "collect"]
) -> None:
    """By its owner alone, and once; the run stays where it is, and nobody leaves the next one."""
    ledger = act.stage.ledger
    act.append(PLAIN)
    ledger.open(run="r1", owner="p", kind=kind)
    before = act.state().snapshot()
    assert ledger.leave(run="r1", owner="two", kind=kind) == "CLOSED"
    assert ledger.leave(run="unknown", owner="p", kind=kind) == "CLOSED"
    assert act.state() == before

    assert ledger.leave(run="r1", owner="p", kind=kind) == "LEFT"
    assert ledger.leave(run="r1", owner="p", kind=kind) == "CLOSED"

    opened = ledger.open(run="r1", owner="two", kind=kind)
    assert (opened.status, opened.position) == ("OPENED", 1)
    assert ledger.leave(run="r1", owner="p", kind=kind) == "CLOSED"
    assert ledger.open(run="r1", owner="p", kind=kind).status == "WAIT"


def test_who_has_left_a_run_appends_no_more(act: Actors) -> None:
    """A request that was on its way when its producer ended is CLOSED, as any stranger's."""
    late = act.chunk(PLAIN)
    act.stage.ledger.leave(run="r1", owner="p", kind="produce")

    assert act.stage.ledger.append(late).status == "CLOSED"
