"""Take and load, on both twins: who gets what, and what a turn reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kernel.ledger.units import LoadRequest
from tests.contract.actors import Actors
from tests.support.plausible import Line
from tests.support.stages import settings_of

if TYPE_CHECKING:
    from kernel.ledger.units import Policy
    from tests.contract.conftest import StageMaker
    from tests.support.stages import Stage

A, B = 0, 1
PLAIN_A, PLAIN_B = Line(A), Line(B)


@pytest.fixture
def act(stage: Stage) -> Actors:
    """A ledger of two partitions with two open runs."""
    return Actors(stage)


@pytest.fixture
def wide(new_stage: StageMaker) -> Actors:
    """A ledger of six partitions, all of them ready."""
    act = Actors(new_stage(settings=settings_of(6)))
    act.append(*[Line(p) for p in range(6)])
    return act


def test_a_take_returns_what_the_shift_holds_with_the_entries_at_hand(act: Actors) -> None:
    """Cursor, end, halt token and entries; a take again renews and returns the same."""
    act.append(PLAIN_A, PLAIN_A, PLAIN_B)
    x = act.worker("x")

    first = x.take()
    act.stage.clock.advance(900)
    again = x.take()

    logs = [part.log for part in act.state().parts]
    assert [tuple(held) for held in first.held] == [
        (A, 0, 2, "0", tuple(logs[A])),
        (B, 0, 1, "0", tuple(logs[B])),
    ]
    assert again.held == first.held
    assert act.state().leases[A] == (act.stage.clock.now_ms + 1_000, x.shift)


def test_entries_come_in_the_order_of_sequence_numbers_up_to_the_limit(act: Actors) -> None:
    """Over all partitions held: the lowest undecided lines of the ledger are always at hand."""
    act.append(PLAIN_A, PLAIN_A)
    act.append(PLAIN_B)
    act.append(PLAIN_A)

    answer = act.worker("x").take(limit=3)

    assert [[entry.base for entry in held.entries] for held in answer.held] == [[1], [3]]


def test_many_small_entries_are_all_at_hand(act: Actors) -> None:
    """The script reads a log in growing pieces; none is left out or comes twice."""
    for _ in range(30):
        act.append(PLAIN_A, PLAIN_B)

    answer = act.worker("x").take()

    expected = list(range(1, 61, 2))
    assert [[entry.base for entry in held.entries] for held in answer.held] == [expected] * 2


def test_a_take_from_the_middle_of_an_entry_begins_with_that_entry(act: Actors) -> None:
    """A turn may end in the middle of a batch; the next one reads the same batch again."""
    act.append(PLAIN_A, PLAIN_A, PLAIN_A)
    x = act.worker("x")
    x.take()
    x.load()
    x.commit(limit=2)

    held = x.take().held[0]

    assert (held.cursor, held.end, [entry.end for entry in held.entries]) == (2, 3, [3])


@pytest.mark.parametrize(
    ("policy", "first", "second", "share"),
    [("share", [3, 3], [3, 3], 3), ("all", [6, 0], [6, 0], 6), ("one", [1, 1], [1, 1], 1)],
)
def test_a_policy_says_how_much_two_workers_take(
    wide: Actors, policy: Policy, first: list[int], second: list[int], share: int
) -> None:
    """Share: an equal part of what is ready or leased. All: everything. One: one."""
    x, y = wide.worker("x"), wide.worker("y")
    wide.stage.ledger.tick(worker="x")
    wide.stage.ledger.tick(worker="y")

    answers = [worker.take(policy) for worker in (x, y)]

    assert [len(answer.held) for answer in answers] == first
    assert [len(worker.take(policy).held) for worker in (x, y)] == second
    assert {answer.share for answer in answers} == {share}


def test_a_worker_who_holds_more_than_its_share_is_told_so(wide: Actors) -> None:
    """The share shrinks when another becomes known; what is held stays until it is released."""
    x = wide.worker("x")
    assert (x.take("share").share, len(x.held)) == (6, 6)

    wide.worker("y").take("share")

    answer = x.take("share")
    assert (answer.share, len(answer.held)) == (3, 6)


def test_a_worker_whose_lease_ran_out_takes_no_share_any_more(wide: Actors) -> None:
    """It is not waited for until its time to live is over: who reclaims gets all at once."""
    x, y = wide.worker("x"), wide.worker("y")
    for worker in (x, y, x, y):
        worker.take("share")
    wide.stage.clock.advance(999)
    y.take("share")
    wide.stage.clock.advance(1)

    answer = y.take("share")

    assert (answer.share, len(answer.held)) == (6, 6)
    assert (set(wide.state().workers), set(wide.state().shifts)) == ({"y"}, {y.shift})


def test_a_worker_who_was_only_slow_takes_its_share_again(wide: Actors) -> None:
    """Counted as dead when its lease ran out, it is back with its next take."""
    x, y = wide.worker("x"), wide.worker("y")
    x.take("share")
    wide.pass_lease()
    y.take("share")

    x.take("share")

    assert set(wide.state().workers) == {"x", "y"}
    assert y.take("share").share == 3


def test_a_worker_not_heard_of_for_its_time_to_live_takes_no_share(wide: Actors) -> None:
    """Known are those who took, committed or ticked in the last two seconds."""
    wide.stage.ledger.tick(worker="y")
    wide.stage.clock.advance(1_999)
    assert wide.worker("x").take("share").share == 3

    wide.stage.clock.advance(1)

    assert wide.worker("x").take("share").share == 6


def test_preferred_partitions_are_taken_first(wide: Actors) -> None:
    """In the order wished for, then the one that has been ready longest; wishes may be void."""
    answer = wide.worker("x").take("one", prefer=4)
    other = wide.worker("y").take("one", prefer=4)

    assert [held.partition for held in answer.held] == [4]
    assert [held.partition for held in other.held] == [0]


def test_a_take_that_leaves_something_ready_asks_for_another_shift(wide: Actors) -> None:
    """If more workers are known than shifts live, once; else an idle worker would never join."""
    wide.stage.clock.advance(1_999)
    wide.stage.ledger.tick(worker="y")
    wide.stage.clock.advance(1)  # the append's own ring is forgotten
    x = wide.worker("x")

    assert x.take("one").ring
    assert not x.take("one").ring
    assert not wide.worker("y").take("one").ring


def test_a_load_reads_cursors_windows_and_gates_at_once(act: Actors) -> None:
    """In the order asked; what is not there is None, and a gate nobody touched is (0, 0)."""
    act.append(Line(A, 1, candidate=True), PLAIN_B)
    act.worker("x").turn()

    answer = act.stage.ledger.load(
        LoadRequest([B, A], {0: ["c1", "c9", "c0"], 7: ["c0"], 14: []}, [2, 1], ["r9", "r1"])
    )

    assert answer == (
        "LOADED",
        {B: 1, A: 1},
        {0: [b"1", None, b"1"], 7: [None], 14: []},
        {2: (0, 0), 1: (1, 1)},
        {("r1", B): 2, ("r1", A): 1},
        {},
    )


def test_a_load_of_nothing_is_empty(act: Actors) -> None:
    """A turn without attempts asks for nothing and gets nothing."""
    answer = act.stage.ledger.load(LoadRequest([], {}, []))

    assert answer == ("LOADED", {}, {}, {}, {}, {})


def test_a_load_goes_through_in_slices(act: Actors) -> None:
    """More customers and days than one call of Lua can take as arguments."""
    customers = [f"c{n}" for n in range(7_200)]

    answer = act.stage.ledger.load(LoadRequest([A], {0: customers}, list(range(1, 7_101))))

    assert list(answer.packed[0]) == [None] * 7_200
    assert answer.gates == dict.fromkeys(range(1, 7_101), (0, 0))
