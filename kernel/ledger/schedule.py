"""States of a partition and every transition between them, as a table.

Here: the table of `scheduling.md` and questions to it. Not here: what else a step changes, or when
it may; that is each script's and its twin's. The memory twin passes through `moved` whenever it
changes a state, so that a transition which is not in the table ends the test that caused it; the
contract suite holds the scripts to the same table from outside.

1. idle: nothing undecided. ready: undecided and listed. leased: a shift holds it. parked: its head
   waits for a gate. halted: stopped, waits for an operator.
2. Whatever is not in the table does not exist.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

State = Literal["idle", "ready", "leased", "parked", "halted"]
STATES: tuple[State, ...] = get_args(State)

#: What may happen to a partition. `append`: a batch is added. `take`: leased to a shift, or renewed
#: by it. `commit`: its cursor is moved. `wake`: a day that it waits for was settled. `keep`,
#: `release`, `park`: the holder's next step. `end`: the holder's shift ended. `expire`: its lease
#: ran out and somebody saw it. `tick`: listed again. `fail`: its head raised. `resume`: an
#: operator let it go on (`skip` is the same with a note).
Event = Literal[
    "append",
    "take",
    "commit",
    "wake",
    "keep",
    "release",
    "park",
    "end",
    "expire",
    "tick",
    "fail",
    "resume",
]


class Transition(NamedTuple):
    """One row: a partition in `before` may be in `after` once `event` has happened."""

    before: State
    event: Event
    after: State


#: "Free it": what was held or waited is ready if something is undecided, else idle.
_FREED: tuple[State, State] = ("ready", "idle")

_ROWS: tuple[tuple[State, Event, tuple[State, ...]], ...] = (
    ("idle", "append", ("ready",)),
    ("ready", "append", ("ready",)),
    ("ready", "commit", ("ready",)),  # by a zombie, even one that empties it
    ("ready", "tick", ("ready",)),
    ("ready", "take", ("leased",)),
    ("leased", "append", ("leased",)),
    ("leased", "take", ("leased",)),
    ("leased", "commit", ("leased",)),  # its holder's, or another's: the holder is BEHIND then
    ("leased", "keep", ("leased",)),
    ("leased", "release", _FREED),
    ("leased", "end", _FREED),
    ("leased", "expire", _FREED),
    ("leased", "park", ("parked", *_FREED)),  # freed: the gate is open, or the head differs
    ("leased", "fail", ("leased", "halted")),
    ("parked", "append", ("parked",)),
    ("parked", "wake", ("ready",)),
    ("parked", "commit", _FREED),  # by a zombie: what it waited for is past
    ("halted", "append", ("halted",)),
    ("halted", "resume", ("ready",)),  # never idle: a halt names a head, and nothing decides it
)

TRANSITIONS: frozenset[Transition] = frozenset(
    Transition(before, event, after) for before, event, outcomes in _ROWS for after in outcomes
)

#: Events that one step of a port may bring upon a partition, in the order in which they happen.
EVENTS: dict[str, tuple[Event, ...]] = {
    "open": (),
    "read_ids": (),
    "append": ("append",),
    "finish": (),
    "leave": (),
    "take": ("expire", "take"),
    "load": (),
    "commit": ("commit", "wake", "keep", "release", "park"),
    "fail": ("fail",),
    "end_shift": ("end",),
    "tick": ("expire", "tick"),
    "read": (),
    "ack": (),
    "resume": ("resume",),
}


def moved(before: State, event: Event, after: State) -> State:
    """Return `after`, if a partition may get there so.

    Raises:
        AssertionError: no such transition; a bug of ours, and nothing was changed yet.
    """
    assert Transition(before, event, after) in TRANSITIONS, (
        f"a partition never goes from {before} to {after} by {event}"
    )
    return after


def reachable(before: State, step: str) -> frozenset[State]:
    """Return where one step of a port may leave a partition that was in `before`."""
    found = {before}
    for event in EVENTS[step]:
        found |= {row.after for row in TRANSITIONS if row.event == event and row.before in found}
    return frozenset(found)
