"""What an operator may do to a halted partition: let it go on, with or without its head.

A and B are partitions 0 and 1; a, b and c are candidates of day 1, in that order. The scenes of
hole 7 are played with and without their guard, as those of the other holes in `test_holes.py` are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kernel.ledger.halts import AUDIT_MAX, AuditEntry
from tests.contract.actors import Actors
from tests.support.plausible import Line
from tests.support.stages import server_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from tests.support.stages import Change, Stage

A, B = 0, 1
PLAIN = Line(A)
PRIME_A, PRIME_B = Line(A, 1, candidate=True), Line(B, 1, candidate=True)


def halted(act: Actors, *lines: Line) -> None:
    """Append lines, and halt A at the first of its own."""
    act.append(*(lines or (PLAIN, PLAIN)))
    x = act.worker("x")
    x.take("one", prefer=A)
    x.fail(A, fatal=True)
    act.stage.ledger.end_shift(shift=x.shift, worker="x", forced=True)
    assert act.state().parts[A].state == "halted"


def skip_before_its_turn(act: Actors) -> object:
    """Hole 7. Return front and use of the day, and what of B is decided, when nothing moves."""
    halted(act, PRIME_B, PRIME_A, PRIME_B)  # a, b and c; b halts, and a is undecided

    act.resume(A, skip=2)

    x = act.worker("x", accepts=False)
    for _ in range(4):
        x.turn()
        act.pass_lease()
    state = act.state()
    return state.front.get(1, 0), state.parts[B].cursor


def zombie_that_knows_of_no_skip(act: Actors) -> object:
    """Return what a worker is told that decided the head before it was skipped."""
    act.append(PLAIN)
    zombie = act.worker("z")
    zombie.take("all")
    zombie.load()
    act.pass_lease()
    x = act.worker("x")
    x.take("all")
    x.fail(A, fatal=True)
    act.resume(A, skip=1)

    return zombie.commit().status


NOTE: Change = (
    "resume",
    "if skips then redis.call('HSET', key('notes'), p .. ':' .. ARGV[4], ARGV[15]) end",
    """if skips then
  redis.call('HSET', parts, p .. ':c', tonumber(ARGV[4]) + 1)
  redis.call('HSET', key('front'), '1', ARGV[7])
end""",
)
HALT_TOKEN: Change = ("resume", "p .. ':h', ARGV[5] .. stamp, ", "p .. ':h', '0', ")

#: A scene, how it ends, the guard, and how it ends without.
SCENES: dict[str, tuple[Callable[[Actors], object], object, Change, object]] = {
    "a skip is a note": (skip_before_its_turn, (3, 2), NOTE, (2, 0)),
    "a new halt token": (zombie_that_knows_of_no_skip, "HALTED", HALT_TOKEN, "APPLIED"),
}


@pytest.mark.parametrize("name", SCENES)
def test_hole_7_is_closed_on_both_twins(name: str, stage: Stage) -> None:
    """A skipped attempt settles in its turn, and who decided it otherwise is refused."""
    scene, well, _, _ = SCENES[name]

    assert scene(Actors(stage)) == well


@pytest.mark.parametrize("name", SCENES)
def test_hole_7_opens_without_its_guard(name: str, client: redis.Redis, ledger_name: str) -> None:
    """A skip that moves cursor and front strands the predecessor; an old token lets a zombie in."""
    scene, _, guard, badly = SCENES[name]
    stage = server_stage(client, ledger_name)
    stage.weaken(guard)

    assert scene(Actors(stage)) == badly


def test_a_resumed_partition_is_as_before_its_halt(stage: Stage) -> None:
    """Ready and listed under a new halt token, failures and reason forgotten, nothing decided."""
    act = Actors(stage)
    act.append(PLAIN)
    x = act.worker("x")
    x.take()
    assert [x.fail(A).status, x.fail(A).status] == ["RETRY", "HALTED"]
    x.take()
    before = act.state().parts[A]
    halt = before.halt

    answer = act.resume(A)

    part = act.state().parts[A]
    assert (answer.status, part.state, part.cursor) == ("RESUMED", "ready", 0)
    assert (part.failures, part.reason) == (None, "")
    assert part.halt not in (halt, "0")
    assert act.state().ready == [A]
    assert act.state().notes == {}


def test_a_resume_asks_for_a_shift_when_nobody_works(stage: Stage) -> None:
    """It rings as an append does: the caller enqueues one, unless a shift lives or one is due."""
    act = Actors(stage)
    halted(act)
    stage.clock.advance(10_000)

    assert act.resume(A).ring
    act.worker("y").take()
    act.worker("y").take()
    assert act.state().parts[A].state == "leased"


def test_the_same_request_again_lets_nothing_go_on_twice(stage: Stage) -> None:
    """ALREADY, also when the partition is halted again meanwhile at the same cursor."""
    act = Actors(stage)
    halted(act)
    assert act.resume(A, token=77).status == "RESUMED"
    assert act.resume(A, token=77).status == "ALREADY"
    y = act.worker("y")
    y.take()
    y.fail(A, fatal=True)

    assert act.resume(A, token=77).status == "ALREADY"

    assert act.state().parts[A].state == "halted"
    assert act.resume(A, token=78).status == "RESUMED"


def test_what_is_not_halted_there_is_left_alone(stage: Stage) -> None:
    """NOT_HALTED and BEHIND change nothing, not even the audit."""
    act = Actors(stage)
    halted(act)
    before = stage.mark()

    assert act.resume(B).status == "NOT_HALTED"
    assert act.resume(A, cursor=1, skip=2).status == "BEHIND"

    assert stage.mark() == before


def test_a_skip_is_of_the_attempt_that_was_looked_at(stage: Stage) -> None:
    """OTHER_HEAD for one that a lost tail took away, though another is halted at its cursor."""
    act = Actors(stage)
    mark = stage.mark()
    halted(act, PLAIN)
    seen = act.state().parts[A].log[0].id
    stage.rewind(mark)
    stage.clock.advance(0, us=1)
    act.append(Line(B))
    halted(act, PLAIN, PLAIN)
    before = stage.mark()

    assert act.resume(A, skip=2, entry=seen).status == "OTHER_HEAD"
    assert act.resume(A, skip=1).status == "OTHER_HEAD", "number 1 is in no batch from 2 on"
    assert act.resume(A, cursor=1, skip=2, entry=seen).status == "BEHIND"

    assert stage.mark() == before
    assert act.resume(A, skip=2).status == "RESUMED"


def test_a_note_is_read_by_those_who_hold_the_partition_and_goes_with_its_attempt(
    stage: Stage,
) -> None:
    """Load tells it until a commit passes its position; another partition's reader is spared."""
    act = Actors(stage)
    halted(act, PLAIN, PLAIN, Line(B))
    act.resume(A, skip=1)
    x, y = act.worker("x"), act.worker("y")
    x.take("one", prefer=A)
    y.take("one", prefer=B)
    assert x.load().notes == {(A, 0): "sealed 1"}
    assert y.load().notes == {}
    y.commit()
    assert act.state().notes == {(A, 0): "sealed 1"}

    assert x.commit(limit=1).status == "APPLIED"

    assert act.state().notes == {}
    assert act.state().windows == {0: {"c1": b"1"}}, "the skipped attempt touches no window"


def test_a_note_outlives_a_second_halt_and_a_resume_without_one(stage: Stage) -> None:
    """What was given up stays given up, whatever else becomes of the partition."""
    act = Actors(stage)
    halted(act)
    act.resume(A, skip=1)
    y = act.worker("y")
    y.take()
    y.fail(A, fatal=True)

    act.resume(A)

    y.take()
    assert y.load().notes == {(A, 0): "sealed 1"}


def test_the_audit_says_who_did_what_where_when_and_why(stage: Stage) -> None:
    """Both acts are kept, with the reason of the halt that each ended."""
    act = Actors(stage)
    halted(act)
    stage.clock.advance(5)
    began = stage.clock.now_ms
    act.resume(A)
    y = act.worker("y")
    y.take()
    y.fail(A, fatal=True)
    act.resume(A, skip=1)

    why = 'it is "broken" / ü'
    assert act.state().audit == [
        AuditEntry(began, "me@here", "resume", A, 0, 0, "", "it raised", "sealed 0"),
        AuditEntry(began, "me@here", "skip", A, 0, 1, why, "it raised", "sealed 1"),
    ]
    counters = act.state().counters
    assert (counters["resumes"], counters["skips"]) == (1, 1)


def test_the_audit_is_bounded(stage: Stage) -> None:
    """The oldest acts are dropped."""
    act = Actors(stage)
    halted(act)
    y = act.worker("y")
    for _ in range(AUDIT_MAX + 2):
        stage.clock.advance(1)
        assert act.resume(A, cursor=0).status == "RESUMED"
        y.take()
        y.fail(A, fatal=True)

    audit = act.state().audit
    assert len(audit) == AUDIT_MAX
    assert audit[-1].at_ms - audit[0].at_ms == AUDIT_MAX - 1


def test_a_halt_and_a_park_tell_since_when(stage: Stage) -> None:
    """The time is the script's own, and stays while the state does."""
    act = Actors(stage)
    act.append(PRIME_B, PRIME_A)
    x = act.worker("x")
    x.take("one", prefer=A)
    x.load()
    parked_at = stage.clock.now_ms
    assert x.commit().outcomes == ("parked",)
    y = act.worker("y")
    stage.clock.advance(7)
    y.take("one", prefer=B)
    y.fail(B, fatal=True)
    stage.clock.advance(1_000)
    stage.ledger.tick(worker="z")

    since = [part.since for part in act.state().parts]

    assert since == [parked_at, parked_at + 7]
