"""The holes of `scheduling.md`: played on both twins, and shown to open without their guards.

A scene is a row of calls that random play hardly ever hits, up to the moment where the hole would
show; it returns what is to be judged. `GUARDS` are the pieces of Lua that close the holes. With its
guard the scene ends well on both twins; with the guard cut out of the script's text the same scene
ends badly on the server, so the guard is known to be what closes it. Hole 7 is
`test_ports_resume.py`'s; 8 and 10 belong to `amend` and the lane.

A and B are partitions 0 and 1; b and c are candidates of day 1, in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kernel.ledger.units import CommitAnswer, Move, Step
from tests.contract.actors import Actors
from tests.support.plausible import Line
from tests.support.stages import server_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from tests.contract.conftest import StageMaker
    from tests.support.stages import Change

A, B = 0, 1
PLAIN_A, PLAIN_B = Line(A), Line(B)
PRIME_A, PRIME_B = Line(A, 1, candidate=True), Line(B, 1, candidate=True)


def zombie_on_a_parked_partition(act: Actors) -> object:
    """Hole 1. Return whether something can still be done about A."""
    act.append(PRIME_B, PRIME_A, PLAIN_A)  # b, c, and one behind c
    x = act.worker("x", accepts=False)
    x.take("all")
    x.load()
    act.pass_lease()
    y = act.worker("y", accepts=False)
    y.take("one", prefer=A)
    y.load()
    assert y.commit().outcomes == ("parked",)

    x.commit(limit=2)  # decided b and c before it froze: the cursor of A still fits

    return act.state().parts[A].state


def half_a_commit(act: Actors) -> object:
    """Hole 2. Return how far the chain has got while b is undecided."""
    act.append(PLAIN_A, PRIME_A, PRIME_B)
    x = act.worker("x", accepts=False)
    x.take("all")
    x.load()
    act.pass_lease()
    y = act.worker("y")
    y.take("one", prefer=A)
    y.load()
    y.commit(limit=1)  # only the plain line

    x.commit()

    assert act.state().parts[A].cursor == 1, "b is undecided"
    return act.state().front.get(1, 0)


def gate_of_a_lost_future(act: Actors) -> object:
    """Hole 3. Return how much of the day is used while b is undecided."""
    act.append(PRIME_A, PRIME_B)
    x, y = act.worker("x"), act.worker("y", accepts=False)
    y.take("one", prefer=A)
    x.take("one", prefer=B)
    mark = act.stage.mark()
    y.load()
    y.commit()  # b declined, the front is b
    x.load()  # and c is decided on that
    act.stage.rewind(mark)

    x.commit()

    assert act.state().parts[A].cursor == 0, "b is undecided"
    return act.state().used.get(1, 0)


def windows_of_another_cursor(act: Actors) -> object:
    """Hole 4. Return how often the one attempt was counted."""
    act.append(PLAIN_A)
    x, y = act.worker("x"), act.worker("y")
    x.take("all")
    act.pass_lease()
    y.take("all")
    mark = act.stage.mark()
    y.load()
    y.commit()
    x.load()  # the window has the effect of Y already
    act.stage.rewind(mark)

    if x.reads_what_it_took():
        x.commit()
    else:  # forget, take again, and decide on what is there now
        act.pass_lease()
        x.take("all")
        x.load()
        x.commit()

    return dict(act.state().windows[0])["c0"]


def entry_of_another_time(act: Actors) -> object:
    """Hole 5. Return what the commit was told that decided b behind an a that is lost."""
    act.append(PLAIN_A)  # only so that X has a lease on A
    x, y = act.worker("x"), act.worker("y")
    x.take("one", prefer=A)
    x.load()
    x.commit(wish="keep")
    start = act.stage.mark()
    act.append(PRIME_B, run="r1")  # a
    again = act.append(PRIME_A, run="r2")  # b, behind a
    y.take("one", prefer=B)
    y.load()
    y.commit()  # a accepted: the quota is used up
    x.take("one", prefer=A)
    x.load()  # so b may be decided, and moves no gate
    act.stage.rewind(start)
    act.stage.clock.advance(1)
    assert act.stage.ledger.append(again).status == "APPENDED"  # now b is the day's first
    act.append(PRIME_B, run="r1")

    return x.commit().status


def park_of_a_lost_head(act: Actors) -> object:
    """Hole 6. Return what became of A, whose head waits for a number that is its own now."""
    act.append(PLAIN_A)
    x = act.worker("x")
    x.take("one", prefer=A)
    x.load()
    x.commit(wish="keep")
    start = act.stage.mark()
    act.append(PRIME_B, run="r1")  # a
    again = act.append(PRIME_A, run="r2")  # b, behind a
    x.take("one", prefer=A)
    x.load()
    act.stage.rewind(start)
    act.stage.clock.advance(1)
    act.stage.ledger.append(again)
    act.append(PRIME_B, run="r1")

    x.commit()  # nothing decided, only: park b

    return act.state().parts[A].state


def lease_that_nobody_repairs(act: Actors) -> object:
    """Hole 9. Return how much of A is decided after a long while in which nobody was idle."""
    act.append(PLAIN_A)
    act.worker("x").take("all")  # and dies
    y = act.worker("y")
    for _ in range(50):
        act.append(PLAIN_B, PLAIN_B)
        act.stage.clock.advance(100)
        y.take("all")
        y.load()
        y.commit()

    assert act.state().parts[B].cursor == 100
    return act.state().parts[A].cursor


#: What the script of each hole checks, and what would stand there without the check.
ZOMBIE: Change = ("commit", "if m.state == 'parked' then free(m.p) end", "")
EQUALITY: Change = ("commit", "return used >= quota or pred <= front",
                    "return used >= quota or pred == front")  # fmt: skip
ALL_OR_NOTHING: Change = (
    "commit",
    "for _, m in ipairs(moves) do\n  if m.now_cursor ~= m.cursor then return {'BEHIND'} end\nend",
    """local fit = {}
for _, m in ipairs(moves) do
  if m.now_cursor == m.cursor then fit[#fit + 1] = m end
end
moves = fit""",
)
COMPARE_FRONT: Change = (
    "commit",
    "if (got[i] or '0') ~= ARGV[at_days + 4 * (first + i - 2) + 1] then return {'REWOUND'} end",
    "",
)
CURSOR_IN_LOAD: Change = (
    "load",
    "cursors = redis.call('HMGET', key('parts'), unpack(cursors))",
    "for i = 1, n do cursors[i] = '0' end",  # what the take said, not what this read sees
)
TIME_IN_ENTRY: Change = (
    "append",
    "local base, token = tonumber(ledger[2]), ARGV[5] .. stamp",
    "local base, token = tonumber(ledger[2]), ARGV[5]",
)
HEAD_IN_PARK: Change = ("commit", " or head[1][1] ~= ARGV[s + 5] then", " then")
REPAIR_IN_TAKE: Change = ("take", "elseif expired(tonumber(deadline), lease_ms) then",
                          "elseif false then")  # fmt: skip

#: Hole: its scene, how it ends with the guard, the guards, how it ends without them.
HOLES: dict[str, tuple[Callable[[Actors], object], object, tuple[Change, ...], object]] = {
    "1 zombie on a parked partition": (
        *(zombie_on_a_parked_partition, "ready", (ZOMBIE, EQUALITY), "parked"),
    ),
    "2 half a commit": (half_a_commit, 0, (ALL_OR_NOTHING,), 3),
    "3 gate of a lost future": (gate_of_a_lost_future, 0, (COMPARE_FRONT,), 1),
    "4 windows of another cursor": (windows_of_another_cursor, b"1", (CURSOR_IN_LOAD,), b"2"),
    "5 entry of another time": (entry_of_another_time, "REWOUND", (TIME_IN_ENTRY,), "APPLIED"),
    "6 park of a lost head": (park_of_a_lost_head, "ready", (HEAD_IN_PARK,), "parked"),
    "9 lease that nobody repairs": (lease_that_nobody_repairs, 1, (REPAIR_IN_TAKE,), 0),
}


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_is_closed_on_both_twins(hole: str, new_stage: StageMaker) -> None:
    """The scene ends as it must: nothing stalls, nothing diverges."""
    scene, well, _, _ = HOLES[hole]

    assert scene(Actors(new_stage())) == well


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_opens_without_its_guard(hole: str, client: redis.Redis, ledger_name: str) -> None:
    """The same scene with the guard cut out of the script: it ends in the stall or divergence."""
    scene, _, guards, badly = HOLES[hole]
    stage = server_stage(client, ledger_name)
    stage.weaken(*guards)

    assert scene(Actors(stage)) == badly


@pytest.mark.parametrize("left_out", [ZOMBIE, EQUALITY])
def test_either_guard_of_hole_1_is_enough(
    left_out: Change, client: redis.Redis, ledger_name: str
) -> None:
    """The freed partition and the wake rule each cover for the other; the ledger has both."""
    stage = server_stage(client, ledger_name)
    stage.weaken(left_out)

    assert zombie_on_a_parked_partition(Actors(stage)) == "ready"


def test_a_stall_of_hole_1_lasts(client: redis.Redis, ledger_name: str) -> None:
    """What the unguarded script leaves behind nobody mends: not a take, not a tick, not time."""
    stage = server_stage(client, ledger_name)
    stage.weaken(ZOMBIE, EQUALITY)
    act = Actors(stage)
    zombie_on_a_parked_partition(act)

    for _ in range(5):
        stage.clock.advance(5_000)
        stage.ledger.tick(worker="z")
        z = act.worker("z")
        z.take("all")
        z.load()
        z.commit()

    part = act.state().parts[A]
    assert (part.state, part.cursor, part.end) == ("parked", 1, 2)


def test_a_park_names_the_cursor_too(new_stage: StageMaker) -> None:
    """Another commit moved on from there: the partition is free, and nothing waits."""
    act = Actors(new_stage())
    act.append(PLAIN_A, PRIME_B, PRIME_A)
    x = act.worker("x")
    x.take("one", prefer=A)
    x.load()
    x.commit(limit=1, wish="keep")
    part = act.state().parts[A]

    stale = Step(A, "park", 1, 2, part.cursor - 1, part.log[0].id)
    answer = act.stage.ledger.commit(x.request()._replace(moves=[], replies=[], steps=[stale]))

    assert answer == CommitAnswer("APPLIED", ("freed",), ring=answer.ring)
    assert act.state().waits == {}


def test_an_entry_that_is_trimmed_is_gone_for_good(new_stage: StageMaker) -> None:
    """An entry that was decided to its end is trimmed; nothing can be decided from it again."""
    act = Actors(new_stage())
    act.append(PLAIN_A)
    x = act.worker("x")
    x.take("all")
    x.load()
    x.commit()
    entry = x.held[0].entries[0].id

    again = x.request()._replace(token=999, moves=[Move(A, 1, 2, entry, "0")])

    assert act.stage.ledger.commit(again).status == "REWOUND"
