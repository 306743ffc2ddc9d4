"""Commit and fail, on both twins: all or nothing, and what halts a partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kernel.ledger.units import CommitAnswer, FailAnswer, LoadRequest
from tests.contract.actors import Actors
from tests.support.plausible import Line
from tests.support.stages import settings_of

if TYPE_CHECKING:
    from tests.contract.conftest import StageMaker
    from tests.support.stages import Stage

A, B = 0, 1
PLAIN_A, PLAIN_B = Line(A), Line(B)


@pytest.fixture
def act(stage: Stage) -> Actors:
    """A ledger of two partitions with two open runs."""
    return Actors(stage)


def test_a_commit_applies_everything_it_carries(act: Actors) -> None:
    """Log trimmed, cursor and token set, windows, gate, reply, counters, run record."""
    act.append(Line(A, 1, candidate=True), PLAIN_A, PLAIN_B)
    x = act.worker("x")
    x.take()
    x.load()
    request = x.request()

    assert act.stage.ledger.commit(request).status == "APPLIED"

    state = act.state()
    part, run = state.parts[A], state.runs["r1"]
    assert (part.state, part.cursor, part.log, part.token) == ("idle", 2, [], str(request.token))
    assert (state.front, state.used) == ({1: 1}, {1: 1})
    assert state.windows == {0: {"c0": b"2", "c1": b"1"}}
    assert (run.answers, run.cents, run.tally) == (3, 300, {0: 3, 10: 0})
    assert [reply.sealed for reply in run.replies] == [b"[1, 2, 3]"]
    assert run.replies[0].id == f"3-{request.token}{act.stage.clock.now_us % 10**10:010d}"
    assert state.counters == {"commits": 1, "commits:x": 1}


def test_a_commit_answers_each_run_by_itself(act: Actors) -> None:
    """One turn may decide lines of several runs: one entry in the channel of each."""
    act.append(PLAIN_A, run="r1")
    act.append(PLAIN_A, PLAIN_B, run="r2")

    act.worker("x").turn()

    runs = act.state().runs
    assert [(runs[name].answers, len(runs[name].replies)) for name in ("r1", "r2")] == [
        (1, 1),
        (2, 1),
    ]


def test_a_commit_keeps_the_last_line_of_each_run_in_each_partition(act: Actors) -> None:
    """Load tells it with the cursors; half a batch counts half, and a lost tail takes it back."""
    act.append(PLAIN_A, PLAIN_B, PLAIN_A, PLAIN_A, run="r1")
    act.append(PLAIN_A, run="r2")
    asked = LoadRequest([A, B], {}, [], ["r1", "r2", "r3"])
    assert act.stage.ledger.load(asked).last_lines == {}
    act.worker("x").turn(limit=3)
    found = act.stage.ledger.load(asked)
    assert (found.cursors, found.last_lines) == ({A: 2, B: 1}, {("r1", A): 3, ("r1", B): 2})
    mark = act.stage.mark()

    act.worker("x").turn()

    after = act.stage.ledger.load(asked)
    assert after.last_lines == {("r1", A): 4, ("r1", B): 2, ("r2", A): 5}
    assert act.state().runs["r1"].decided == {A: 4, B: 2}
    act.stage.rewind(mark)
    assert act.stage.ledger.load(asked) == found


def test_the_same_commit_again_is_told_apart_by_its_token(act: Actors) -> None:
    """ALREADY, and nothing is applied twice, also when its lease is over."""
    act.append(PLAIN_A)
    x = act.worker("x")
    x.take()
    x.load()
    request = x.request()
    act.stage.ledger.commit(request)
    before = act.state().snapshot()
    act.pass_lease()

    assert act.stage.ledger.commit(request) == CommitAnswer("ALREADY")
    assert act.state() == before


@pytest.mark.parametrize(
    ("wrong", "status"),
    [("halt", "HALTED"), ("cursor", "BEHIND"), ("entry", "REWOUND"), ("front", "REWOUND")],
)
@pytest.mark.parametrize("which", [A, B])
def test_one_unfit_partition_or_day_refuses_the_whole_commit(
    act: Actors, wrong: str, status: str, which: int
) -> None:
    """All or nothing: the other partition of the same turn is not moved either."""
    act.append(Line(A, 1, candidate=True), Line(B, 2, candidate=True))
    x = act.worker("x")
    x.take()
    x.load()
    request = x.request()
    before = act.state().snapshot()
    moves, settled = list(request.moves), list(request.settled)
    if wrong == "halt":
        moves[which] = moves[which]._replace(halt="1")
    elif wrong == "cursor":
        moves[which] = moves[which]._replace(cursor=7)
    elif wrong == "entry":
        moves[which] = moves[which]._replace(entry="1-1")
    else:
        settled[which] = settled[which]._replace(before=9)

    answer = act.stage.ledger.commit(request._replace(moves=moves, settled=settled))

    assert (answer.status, answer.outcomes) == (status, ())
    assert act.state() == before


def test_the_checks_of_a_commit_have_an_order(act: Actors) -> None:
    """HALTED before BEHIND before REWOUND before RULES, over all partitions of the commit."""
    act.append(PLAIN_A, PLAIN_B)
    x = act.worker("x")
    x.take()
    x.load()
    request = x.request()._replace(digest="other")
    a, b = request.moves
    commit = act.stage.ledger.commit

    lost, behind = a._replace(entry="1-1"), b._replace(cursor=9)
    assert commit(request._replace(moves=[lost, behind])).status == "BEHIND"
    assert commit(request._replace(moves=[behind, a._replace(halt="1")])).status == "HALTED"
    assert commit(request._replace(moves=[lost, b])).status == "REWOUND"
    assert commit(request).status == "RULES"


def test_a_commit_needs_no_lease(act: Actors) -> None:
    """Whoever decided it, it is right; only the next step is the holder's alone."""
    act.append(PLAIN_A, PLAIN_A)
    x = act.worker("x")
    x.take()
    x.load()
    act.pass_lease()
    y = act.worker("y")
    y.take()

    answer = x.commit(limit=1, wish="release")

    assert answer == CommitAnswer("APPLIED", ("left",))
    assert act.state().leases[A][1] == y.shift
    y.load()
    assert y.commit().status == "BEHIND"


@pytest.mark.row("attempt that makes a step raise")
def test_a_failure_is_counted_at_its_cursor_and_the_second_one_halts(act: Actors) -> None:
    """RETRY, its repeat is no second one, another one halts with the reason and a new token."""
    act.append(PLAIN_A)
    x = act.worker("x")
    x.take()

    assert x.fail(A, token=5) == FailAnswer("RETRY")
    assert x.fail(A, token=5) == FailAnswer("RETRY")
    assert x.fail(A, token=6) == FailAnswer("HALTED")
    assert x.fail(A, token=6) == FailAnswer("HALTED")

    part = act.state().parts[A]
    assert (part.state, part.reason) == ("halted", "it raised")
    assert part.halt == f"6{act.stage.clock.now_us % 10**10:010d}"
    assert act.state().counters["halts"] == 1


def test_a_failure_elsewhere_counts_anew(act: Actors) -> None:
    """One failure each at two cursors halts nothing."""
    act.append(PLAIN_A, PLAIN_A)
    x = act.worker("x")
    x.take()
    x.fail(A)
    x.load()
    x.commit(limit=1)
    x.take()

    assert x.fail(A) == FailAnswer("RETRY")


def test_a_batch_that_cannot_be_trusted_halts_at_once(act: Actors) -> None:
    """Trying again would not make a wrong seal right."""
    act.append(PLAIN_A)
    x = act.worker("x")
    x.take()

    assert x.fail(A, fatal=True) == FailAnswer("HALTED")


def test_only_the_holder_of_this_very_head_reports_a_failure(act: Actors) -> None:
    """LOST for a shift that lost it, BEHIND at another cursor, REWOUND when the entry is gone."""
    mark = act.stage.mark()
    act.append(PLAIN_A, PLAIN_A)
    x = act.worker("x")
    x.take()
    act.pass_lease()
    y = act.worker("y")
    y.take()
    assert x.fail(A) == FailAnswer("LOST")

    y.load()
    y.commit(limit=1)
    assert y.fail(A) == FailAnswer("BEHIND")

    act.stage.rewind(mark)
    act.append(PLAIN_A, PLAIN_A)
    act.worker("y").take()
    assert y.fail(A) == FailAnswer("REWOUND")


@pytest.mark.parametrize(
    ("accepts", "woken"),
    [(True, ["idle", "ready", "ready", "parked"]), (False, ["idle", "ready", "parked", "parked"])],
)
def test_a_settled_day_wakes_all_who_wait_or_only_the_next(
    new_stage: StageMaker, accepts: bool, woken: list[str]
) -> None:
    """Its quota used up: everybody of that day. Else: who waits for the new front. No other day."""
    act = Actors(new_stage(settings=settings_of(5)))
    chain = [Line(p, 1, candidate=True) for p in range(3)]
    act.append(Line(4, 2, candidate=True), *chain, Line(3, 2, candidate=True))
    w = act.worker("w")
    for partition in (1, 2, 3):
        w.take("one", prefer=partition)
        w.load()
        assert w.commit().outcomes == ("parked",)
    y = act.worker("y", accepts=accepts)
    y.take("one", prefer=0)
    y.load()

    y.commit()

    assert [part.state for part in act.state().parts[:4]] == woken
