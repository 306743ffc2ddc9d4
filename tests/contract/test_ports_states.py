"""The state table of `scheduling.md`, row by row, on both twins.

A way leads a partition into a state, an event happens, and the table says where it is then. The
rows are written down here once more, by hand, beside `kernel.ledger.schedule`: a table compared
with itself would prove nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, get_args

import pytest

from kernel.ledger.schedule import EVENTS, STATES, TRANSITIONS, Event, Transition, moved, reachable
from tests.contract import cases
from tests.contract.actors import Actors
from tests.support.stages import settings_of

if TYPE_CHECKING:
    from kernel.ledger.schedule import State
    from tests.contract.conftest import StageMaker

Way = Callable[[cases.Case], None]

ROWS: list[tuple[Way, Way, State]] = [
    (cases.idle, cases.append, "ready"),
    (cases.idle, cases.take, "idle"),
    (cases.idle, cases.tick, "idle"),
    (cases.ready, cases.append, "ready"),
    (cases.ready, cases.tick, "ready"),
    (cases.ready, cases.take, "leased"),
    (cases.ready_again, cases.zombie_part, "ready"),
    (cases.ready_again, cases.zombie_all, "ready"),
    (cases.leased, cases.append, "leased"),
    (cases.leased, cases.take, "leased"),
    (cases.leased, cases.take_again, "leased"),
    (cases.leased, cases.tick, "leased"),
    (cases.leased, cases.settle, "leased"),
    (cases.leased_again, cases.zombie_part, "leased"),
    (cases.leased_again, cases.zombie_all, "leased"),
    (cases.leased, cases.keep, "leased"),
    (cases.leased, cases.release, "ready"),
    (cases.leased, cases.decide, "idle"),
    (cases.leased, cases.end, "ready"),
    (cases.leased_again, cases.end_when_emptied, "idle"),
    (cases.leased, cases.tick_late, "ready"),
    (cases.leased, cases.take_late, "ready"),
    (cases.leased_again, cases.expire_when_emptied, "idle"),
    (cases.leased, cases.park, "parked"),
    (cases.leased, cases.settle_and_park, "ready"),
    (cases.leased, cases.settle_and_park_below, "ready"),
    (cases.leased, cases.park_elsewhere, "ready"),
    (cases.leased, cases.park_another_head, "ready"),
    (cases.leased_again, cases.park_when_emptied, "idle"),
    (cases.leased, cases.fail, "leased"),
    (cases.leased, cases.fail_twice, "halted"),
    (cases.parked, cases.append, "parked"),
    (cases.parked, cases.take, "parked"),
    (cases.parked, cases.tick_late, "parked"),
    (cases.parked, cases.end, "parked"),
    (cases.parked, cases.settle, "ready"),
    (cases.parked, cases.settle_elsewhere, "parked"),
    (cases.parked_again, cases.zombie_part, "ready"),
    (cases.parked_again, cases.zombie_all, "idle"),
    (cases.halted, cases.append, "halted"),
    (cases.halted, cases.take_late, "halted"),
    (cases.halted, cases.tick_late, "halted"),
    (cases.halted, cases.end, "halted"),
    (cases.halted, cases.settle, "halted"),
    (cases.halted_again, cases.zombie_refused, "halted"),
    (cases.halted, cases.resume, "ready"),
    (cases.halted_again, cases.skip, "ready"),
]


@pytest.mark.parametrize(
    ("way", "event", "after"),
    ROWS,
    ids=[f"{way.__name__}-{event.__name__}-{after}" for way, event, after in ROWS],
)
def test_a_partition_goes_where_the_table_says(
    way: Way, event: Way, after: State, new_stage: StageMaker
) -> None:
    """The state is reached, the event happens, and the partition is there and nowhere else."""
    case = cases.Case(Actors(new_stage(settings=settings_of(3))))
    way(case)
    assert case.state() == way.__name__.partition("_")[0]

    event(case)

    assert case.state() == after
    state = case.act.state()
    places = {"ready": state.ready, "leased": state.leases, "parked": state.waits}
    assert [name for name, place in places.items() if cases.A in place] == [after] * (
        after in places
    )


def test_every_row_of_the_table_is_among_the_rows() -> None:
    """What the program's own table allows has a row here, and a row here is allowed by it."""
    changes = {(way.__name__.partition("_")[0], after) for way, _, after in ROWS}

    allowed = {(row.before, row.after) for row in TRANSITIONS}
    assert changes - {("idle", "idle")} == allowed


def test_what_is_not_in_the_table_ends_the_step_that_tried_it() -> None:
    """Of all the ways from a state by an event to a state, only those of the table are let by."""
    events = get_args(Event)
    refused = 0
    for before, event, after in itertools.product(STATES, events, STATES):
        if Transition(before, event, after) in TRANSITIONS:
            assert moved(before, event, after) == after
        else:
            with pytest.raises(AssertionError, match="never goes from"):
                moved(before, event, after)
            refused += 1

    assert refused == len(STATES) ** 2 * len(events) - len(TRANSITIONS)


def test_a_step_reaches_what_its_events_reach_one_after_another() -> None:
    """A commit may wake a partition but not park it again; a take may free and lease at once."""
    assert reachable("parked", "commit") == {"parked", "ready", "idle"}
    assert reachable("leased", "take") == {"leased", "ready", "idle"}
    assert reachable("halted", "commit") == {"halted"}
    assert reachable("idle", "tick") == {"idle"}
    assert {event for step in EVENTS.values() for event in step} == set(get_args(Event))
