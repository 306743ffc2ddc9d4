"""Ends of shifts, rings and ticks, on both twins: nobody sleeps while something is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kernel.adapters.redis.keys import beside
from kernel.ledger.units import EndAnswer, TickAnswer
from tests.contract.actors import Actors
from tests.support.plausible import Line
from tests.support.stages import ServerStage

if TYPE_CHECKING:
    from tests.support.stages import Stage

A, B = 0, 1
PLAIN_A, PLAIN_B = Line(A), Line(B)


@pytest.fixture
def act(stage: Stage) -> Actors:
    """A ledger of two partitions with two open runs."""
    return Actors(stage)


def test_a_shift_goes_on_while_something_is_ready(act: Actors) -> None:
    """CONTINUE keeps it registered; with nothing ready, or by force, it is removed."""
    act.append(PLAIN_A)
    x = act.worker("x")
    x.take()
    ledger = act.stage.ledger

    assert ledger.end_shift(shift=x.shift, worker="x", forced=False) == EndAnswer("CONTINUE")
    assert list(act.state().shifts) == [x.shift]
    x.turn()
    assert ledger.end_shift(shift=x.shift, worker="x", forced=False) == EndAnswer("ENDED")
    assert ledger.end_shift(shift=x.shift, worker="x", forced=False) == EndAnswer("ENDED")
    assert act.state().shifts == {}


def test_a_shift_ended_by_force_frees_all_it_holds_and_rings(act: Actors) -> None:
    """Once; the ring that is pending then is enough for whoever ends next."""
    act.append(PLAIN_A, PLAIN_B)
    act.stage.clock.advance(2_000)
    x = act.worker("x")
    x.take()
    ledger = act.stage.ledger

    assert ledger.end_shift(shift=x.shift, worker="x", forced=True) == EndAnswer("ENDED", ring=True)
    assert ledger.end_shift(shift=x.shift, worker="x", forced=True) == EndAnswer("ENDED")
    assert (act.state().ready, act.state().leases) == ([A, B], {})


def test_a_live_shift_gets_a_token_on_the_bell_instead_of_a_ring(act: Actors) -> None:
    """As many tokens as workers are known at the most: one each is enough to wake them."""
    act.worker("x").take()

    rings = [act.stage.ledger.append(act.chunk(PLAIN_A)).ring for _ in range(3)]

    assert rings == [False, False, False]
    assert act.state().bell == 1
    act.worker("y").take("one")
    act.append(PLAIN_B)
    act.append(PLAIN_B)
    assert act.state().bell == 2


def test_a_new_shift_takes_the_pending_ring_away(act: Actors) -> None:
    """The ring has been answered, so the next one may be sent when that shift is over."""
    assert act.stage.ledger.append(act.chunk(PLAIN_A)).ring
    x = act.worker("x")
    x.turn()
    act.stage.ledger.end_shift(shift=x.shift, worker="x", forced=False)

    assert act.stage.ledger.append(act.chunk(PLAIN_A)).ring


def lose_listing(stage: Stage) -> None:
    """Take the list of ready partitions away; no step of ours does that."""
    if isinstance(stage, ServerStage):
        stage.client.delete(beside(stage.name, "ready"))
    else:
        stage.state().ready.clear()


def test_a_tick_has_nothing_to_do_without_faults(act: Actors) -> None:
    """All counts 0 with one partition held and the other ready: its first duty is not to meddle."""
    act.append(PLAIN_A, PLAIN_B)
    act.worker("x").take("one")

    assert act.stage.ledger.tick(worker="x") == TickAnswer("TICKED")
    assert act.state().counters["tick_repairs"] == 0


def test_a_ledger_is_ticked_once_in_a_while_whoever_does_it(act: Actors) -> None:
    """EARLY soon after anybody's; a clock that jumped back does not stop the ticks."""
    tick, clock = act.stage.ledger.tick, act.stage.clock

    assert tick(worker="x").status == "TICKED"
    clock.advance(249)
    assert tick(worker="y").status == "EARLY"
    clock.advance(1)
    assert tick(worker="y").status == "TICKED"
    clock.advance(-60_000)
    assert tick(worker="x").status == "TICKED"


def test_a_tick_frees_a_lease_that_ran_out_and_removes_the_dead_shift(act: Actors) -> None:
    """And asks for a shift, because nobody is on one: a crash costs a lease and a tick."""
    act.append(PLAIN_A)
    act.worker("x").take()
    act.stage.clock.advance(2_000)

    answer = act.stage.ledger.tick(worker="y")

    assert answer == TickAnswer("TICKED", leases=1, shifts=1, bells=1, ring=True)
    assert act.state().parts[A].state == "ready"
    assert act.state().counters == {"leases_reclaimed": 1, "tick_repairs": 3}


def test_a_tick_does_not_wait_for_a_shift_whose_lease_ran_out(act: Actors) -> None:
    """A shift's deadline is two seconds, its lease one: the ring comes with the lease's end."""
    act.append(PLAIN_A)
    act.worker("x").take()
    act.pass_lease()

    answer = act.stage.ledger.tick(worker="y")

    assert answer == TickAnswer("TICKED", leases=1, shifts=1, bells=1, ring=True)
    assert (act.state().shifts, set(act.state().workers)) == ({}, {"y"})


def test_a_tick_lists_a_ready_partition_that_is_not_listed(act: Actors) -> None:
    """Whatever lost it: it is found by its state."""
    act.append(PLAIN_B, PLAIN_A)
    lose_listing(act.stage)

    answer = act.stage.ledger.tick(worker="y")

    assert answer == TickAnswer("TICKED", listed=2)  # the append's ring is pending still
    assert act.state().ready == [A, B]


def test_a_tick_rings_again_when_a_ring_was_lost(act: Actors) -> None:
    """Something is ready, no shift lives, and the ring's time is over."""
    act.append(PLAIN_A)
    assert act.stage.ledger.tick(worker="y") == TickAnswer("TICKED")
    act.stage.clock.advance(2_000)

    assert act.stage.ledger.tick(worker="y") == TickAnswer("TICKED", bells=1, ring=True)


def test_a_tick_touches_neither_parked_nor_halted_partitions(act: Actors) -> None:
    """A repair there would hide a bug: their way out is a commit, or an operator."""
    act.append(Line(A, 1, candidate=True), Line(B, 1, candidate=True))
    x = act.worker("x")
    x.take("one", prefer=B)
    x.load()
    x.commit()
    x.take("one", prefer=A)
    x.fail(A, fatal=True)
    act.stage.clock.advance(60_000)

    act.stage.ledger.tick(worker="y")

    assert [part.state for part in act.state().parts] == ["halted", "parked"]


def test_deadlines_far_ahead_come_from_a_clock_that_jumped(act: Actors) -> None:
    """A lease, a shift and a ring from an hour ahead count as over, so nothing waits an hour."""
    act.append(PLAIN_A)
    act.worker("x").take()
    act.append(PLAIN_B)
    act.stage.clock.advance(-3_600_000)

    answer = act.stage.ledger.tick(worker="y")

    assert answer == TickAnswer("TICKED", leases=1, shifts=1, bells=1, ring=True)


def test_a_worker_known_from_far_ahead_is_forgotten(act: Actors) -> None:
    """Else it would take its share of the partitions until the clock has caught up."""
    act.stage.ledger.tick(worker="x")
    act.stage.clock.advance(-3_600_000)

    act.stage.ledger.tick(worker="y")

    assert list(act.state().workers) == ["y"]
