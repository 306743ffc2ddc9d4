"""Stories without chance: for every answer and every transition, calls that are sure to bring it.

The random rounds look for what nobody thought of; how often they meet a rare answer is luck, and
shifts with the tests beside them. What they met too seldom is topped up from here. The stories make
their calls through the same machine, so that the twins are compared after each of them as well.

To add an answer: a row in `STORIES`, which is held to the list of answers and to the table of
transitions. A story begins with one line of run r1 undecided in partition 0, and nobody at work.
"""

from __future__ import annotations

from collections.abc import Callable

from kernel.ledger.schedule import TRANSITIONS, Transition
from tests.contract.twins.answers import ANSWERS, FULL
from tests.contract.twins.fleet import ALL, SHIFTS
from tests.contract.twins.mishaps import FaultyMachine
from tests.contract.twins.stories import Half
from tests.support.plausible import Line, Wish

Story = Callable[[FaultyMachine], object]
#: A transition, or an answer: the script's name and what it says.
Met = Transition | tuple[str, str]
#: All that must be met.
WANTED: frozenset[Met] = TRANSITIONS | {
    (script, answer) for script, answers in ANSWERS.items() for answer in answers
}

HOLDER, OTHER, THIRD = SHIFTS
TRIO = list(SHIFTS)
EVERYTHING = Half("all", [], 100, [])
LINE = Line(0)
#: More lines than a ledger takes before some are answered.
FLOOD = 1_001
LEASE_OVER_MS = 1_001


def tell(story: Story, number: int) -> None:
    """Play a story on a ledger of its own; quota and partitions vary with the number."""
    machine = FaultyMachine()
    quota, partitions = 1 + number % 3, 2 + number // 3 % 3
    machine.begin(quota=quota, partitions=partitions, in_flight=1_000, chunk=[LINE])
    story(machine)
    machine.teardown()


def row(*stories: Story) -> Story:
    """One after the other."""

    def told(machine: FaultyMachine) -> None:
        for story in stories:
            story(machine)

    return told


def appends(line: Line | None = LINE, times: int = 1, fault: str | None = None) -> Story:
    """A chunk with the same line so many times."""
    return lambda m: m.append("r1", [line] * times, opens=True, fault=fault)


def waits(machine: FaultyMachine) -> None:
    """Every lease runs out."""
    machine.wait(LEASE_OVER_MS, 0)


def holds(shift: str = HOLDER) -> Story:
    """Take all there is, and read it."""
    return lambda m: m.hold(shift, EVERYTHING)


def decides(wish: Wish = "auto", fault: str | None = None, limit: int = 100) -> Story:
    """Commit what is held, and go on as wished."""
    return lambda m: m.commit(HOLDER, limit, ALL, [wish] * 4, fault)


def works(shift: str = HOLDER) -> Story:
    """Take, read, decide and commit all there is."""
    return lambda m: m.turn(shift, 100, ALL)


def ends(*, forced: bool = True) -> Story:
    """End the shift."""
    return lambda m: m.end_shift(HOLDER, "w1", forced, twice=False, takes=False)


def raises(*, fatal: bool = False, known: bool = True, off: int = 0) -> Story:
    """The head of what is held raised; or one that the log does not have, or no longer."""
    return lambda m: m.fail(HOLDER, int(known), fatal, off)


def resumes(*, off: int = 0, other: bool = False, times: int = 1) -> Story:
    """An operator lets a partition go on without its head, or mistakes it."""
    return lambda m: m.resume(0, skips=True, off=off, other=other, times=times)


def ticks(*, twice: bool = False) -> Story:
    """Repair what is to be repaired."""
    return lambda m: m.tick("w2", twice)


def finishes(*, stranger: bool = False, off: int = 0) -> Story:
    """End the run, twice."""
    return lambda m: m.finish("r1", stranger, off, twice=True)


def links(order: str, more: str = "no") -> Story:
    """One partition waits for another one of its day's chain."""
    return lambda m: m.chain(TRIO, 0, order, more)


def front_is_lost(machine: FaultyMachine) -> None:
    """A worker decides behind a gate that was settled in a future which is lost."""
    day = machine.fresh()
    declines = (machine.twins.before.next_seq + 1) % 2  # else the quota might be used up
    chain: list[Line | None] = [Line(0, day, candidate=True), Line(1, day, candidate=True)]
    machine.append("r1", chain, opens=True, fault=None)
    machine.take(HOLDER, None, "one", 100, [0])
    machine.take(OTHER, None, "one", 100, [1])
    early = machine.remembered()
    machine.load(HOLDER)
    machine.commit(HOLDER, 100, declines, ["auto"] * 4, None)
    machine.load(OTHER)
    machine.go_back(early)
    machine.commit(OTHER, 100, declines, ["auto"] * 4, None)


BEGINS = row()
HALTS = row(holds(), raises(fatal=True))
#: One stands still until another one has what it held, or nobody has.
LATE = row(holds(), waits, holds(OTHER), decides())
ABANDONED = row(holds(), waits, ticks(), decides("keep"))
KEEPS = row(holds(), decides("keep"))

STORIES: dict[Met, Story] = {
    **{
        (script, "GONE"): lambda m: m.meet_nothing(flushed=True)
        for script, answers in ANSWERS.items()
        if "GONE" in answers
    },
    ("create", "CREATED"): BEGINS,
    ("create", "EXISTS"): lambda m: m.create_again(full=False),
    ("create", FULL): lambda m: m.create_again(full=True),
    ("open", "OPENED"): BEGINS,
    ("open", "WAIT"): lambda m: m.open("r1", "b", "produce"),
    ("open", "ABSENT"): lambda m: m.open("r2", "a", "collect"),
    ("open", FULL): lambda m: m.run_full("r2", "a", chunk=False),
    ("append", "APPENDED"): BEGINS,
    ("append", "ALREADY"): lambda m: m.append_again("r1", 1),
    ("append", "REWOUND"): appends(fault="off"),
    ("append", "FULL"): appends(None, FLOOD),
    ("append", "CONFLICT"): lambda m: m.race_for_an_id("r1", "7", later=False),
    ("append", "RULES"): appends(fault="rules"),
    ("append", "CLOSED"): row(finishes(), appends()),
    ("append", FULL): lambda m: m.run_full("r1", "a", chunk=True),
    ("finish", "FINISHED"): finishes(),
    ("finish", "ALREADY"): finishes(),
    ("finish", "REWOUND"): finishes(off=1),
    ("finish", "CLOSED"): finishes(stranger=True),
    ("leave", "LEFT"): lambda m: m.leave("r1", "a", "produce"),
    ("leave", "CLOSED"): lambda m: m.leave("r1", "b", "produce"),
    ("take", "TAKEN"): holds(),
    ("load", "LOADED"): holds(),
    ("commit", "APPLIED"): works(),
    ("commit", "ALREADY"): row(holds(), decides(fault="twice")),
    ("commit", "BEHIND"): row(holds(), waits, works(OTHER), decides()),
    ("commit", "REWOUND: entry"): row(holds(), decides(fault="entry")),
    ("commit", "REWOUND: front"): front_is_lost,
    ("commit", "HALTED"): row(HALTS, decides()),
    ("commit", "RULES"): row(holds(), decides(fault="rules")),
    ("fail", "RETRY"): row(holds(), raises()),
    ("fail", "HALTED"): HALTS,
    ("fail", "LOST"): row(holds(), ends(), raises()),
    ("fail", "BEHIND"): row(holds(), raises(off=1)),
    ("fail", "REWOUND"): row(holds(), raises(known=False)),
    ("end_shift", "CONTINUE"): row(holds(), ends(forced=False)),
    ("end_shift", "ENDED"): ends(),
    ("ack", "ACKED"): lambda m: m.ack("r1", "a", 0, opens=True),
    ("ack", "REWOUND"): lambda m: m.lose_reply("r1", "a", redo=False),
    ("ack", "CLOSED"): lambda m: m.ack("r1", "a", 0, opens=False),
    ("tick", "TICKED"): ticks(),
    ("tick", "EARLY"): ticks(twice=True),
    ("resume", "RESUMED"): row(HALTS, resumes()),
    ("resume", "ALREADY"): row(HALTS, resumes(times=2)),
    ("resume", "STALE"): row(HALTS, resumes(off=1), lambda m: m.resume_again(late=True)),
    ("resume", "REPLAYED"): row(
        *(HALTS, resumes(), HALTS, resumes(), lambda m: m.resume_again(back=2)),
    ),
    ("resume", "BEHIND"): row(HALTS, resumes(off=1)),
    ("resume", "NOT_HALTED"): resumes(),
    ("resume", "OTHER_HEAD"): row(HALTS, resumes(other=True)),
    ("drop", "MORE"): BEGINS,
    ("drop", "DROPPED"): BEGINS,
    ("note", "made"): row(HALTS, resumes()),
    ("note", "passed"): row(HALTS, resumes(), works()),
    ("step", "kept"): KEEPS,
    ("step", "freed"): works(),
    ("step", "ready"): links("settle, park"),
    ("step", "parked"): links("park, wake"),
    ("step", "left"): ABANDONED,
    ("read", "READ"): lambda m: m.read("r1", 0, 1),
    ("read", "ABSENT"): lambda m: m.read("r2", 0, 1),
    ("read_ids", "READ"): BEGINS,
    Transition("idle", "append", "ready"): BEGINS,
    Transition("ready", "append", "ready"): appends(),
    Transition("ready", "commit", "ready"): ABANDONED,
    Transition("ready", "tick", "ready"): lambda m: m.lose_listing(),
    Transition("ready", "take", "leased"): holds(),
    Transition("leased", "append", "leased"): row(holds(), appends()),
    Transition("leased", "take", "leased"): row(holds(), holds()),
    Transition("leased", "commit", "leased"): LATE,
    Transition("leased", "keep", "leased"): KEEPS,
    Transition("leased", "release", "ready"): row(appends(), holds(), decides("release", limit=1)),
    Transition("leased", "release", "idle"): works(),
    Transition("leased", "end", "ready"): row(holds(), ends()),
    Transition("leased", "end", "idle"): row(KEEPS, ends()),
    Transition("leased", "expire", "ready"): LATE,
    Transition("leased", "expire", "idle"): row(KEEPS, waits, ticks()),
    Transition("leased", "park", "parked"): links("park, wake"),
    Transition("leased", "park", "ready"): links("settle, park"),
    Transition("leased", "park", "idle"): row(holds(), decides("park")),
    Transition("leased", "fail", "leased"): row(holds(), raises()),
    Transition("leased", "fail", "halted"): HALTS,
    Transition("parked", "append", "parked"): links("park, wake", "after"),
    Transition("parked", "wake", "ready"): links("park, wake"),
    Transition("parked", "commit", "ready"): links("park under a zombie", "after"),
    Transition("parked", "commit", "idle"): links("park under a zombie"),
    Transition("halted", "append", "halted"): row(HALTS, appends()),
    Transition("halted", "resume", "ready"): row(HALTS, resumes()),
}
