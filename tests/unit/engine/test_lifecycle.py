"""The life of a fleet: every entry of the table leads where it says, and nothing else leads on."""

from __future__ import annotations

import itertools

import pytest

from kernel.engine.lifecycle import FAILURES, TRANSITIONS, Event, Lifecycle, NotInTable, State

PAIRS = list(itertools.product(State, Event))
GOOD_LIFE = (
    (Event.START, State.STARTING),
    (Event.ALL_READY, State.READY),
    (Event.RUN, State.RUNNING),
    (Event.DRAIN, State.DRAINING),
    (Event.ALL_STOPPED, State.STOPPED),
)


def life_in(state: State) -> Lifecycle:
    """Make a life that stands in a state."""
    life = Lifecycle()
    life.state = state
    return life


@pytest.mark.parametrize(("state", "event"), PAIRS, ids=lambda part: part.value)
def test_what_is_not_in_the_table_is_an_error_and_changes_nothing(
    state: State, event: Event
) -> None:
    """Each pair of a state and an event either leads on as written, or is refused."""
    life = life_in(state)

    if event in TRANSITIONS[state]:
        assert life.on(event) is TRANSITIONS[state][event]
        assert life.state is TRANSITIONS[state][event]
    else:
        with pytest.raises(NotInTable, match=f"{state.value} knows no {event.value}"):
            life.on(event)
        assert life.state is state
        assert life.failure is None


def test_a_good_life_passes_through_all_six_states() -> None:
    """From init to stopped, without a failure."""
    life = Lifecycle()

    assert [life.on(event) for event, _ in GOOD_LIFE] == [state for _, state in GOOD_LIFE]
    assert life.failure is None


def test_the_first_failure_is_remembered_whatever_the_stopping_adds() -> None:
    """A fleet that was not ready and then did not stop in time was, first of all, not ready."""
    life = Lifecycle()
    for event in (Event.START, Event.READY_LATE, Event.DRAIN, Event.GRACE_OVER, Event.ALL_STOPPED):
        life.on(event)

    assert life.state is State.STOPPED
    assert life.failure is State.NOT_READY


def test_every_state_can_be_reached_and_every_failure_but_the_last_can_be_drained() -> None:
    """No state of the table is only there for show, and none is a trap but the two ends."""
    reached = {State.INIT} | {state for row in TRANSITIONS.values() for state in row.values()}
    ends = {state for state, row in TRANSITIONS.items() if not row}

    assert reached == set(State)
    assert ends == {State.STOPPED, State.STOP_FAILED}
    assert set(State) >= FAILURES
