"""Answers out, on both twins: the reply channel, the acknowledgement, the run's record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kernel.ledger.units import AckAnswer, ReadAnswer, RunView
from tests.contract.actors import Actors
from tests.support.plausible import Line

if TYPE_CHECKING:
    from tests.support.stages import Stage

PLAIN = Line(0)


@pytest.fixture
def act(stage: Stage) -> Actors:
    """A ledger with a collector on its first run, and three replies there."""
    act = Actors(stage)
    stage.ledger.open(run="r1", owner="c", kind="collect")
    act.append(PLAIN, None)
    act.worker("x").turn()
    act.append(None)
    return act


def ids(answer: ReadAnswer) -> list[str]:
    """Return the ids of the replies read."""
    return [reply.id for reply in answer.replies]


def read(act: Actors, after: str = "0", count: int = 100) -> ReadAnswer:
    """Read the first run's replies."""
    return act.stage.ledger.read(run="r1", after=after, wait_ms=0, count=count)


def ack(act: Actors, entry: str, written: int = 0, owner: str = "c") -> AckAnswer:
    """Acknowledge one of them."""
    return act.stage.ledger.ack(run="r1", owner=owner, entry=entry, written=written)


def test_replies_come_in_the_order_of_the_answers_given(act: Actors) -> None:
    """An entry's id begins with the count of answers given so far; the record comes along."""
    answer = read(act)

    assert [name.partition("-")[0] for name in ids(answer)] == ["1", "2", "3"]
    assert [reply.sealed for reply in answer.replies] == [
        b"\x00bad lines\xff",
        b"[1]",
        b"\x00bad lines\xff",
    ]
    assert answer.run == RunView(
        position=3,
        answers=3,
        written=0,
        lines=None,
        cents_accepted=100,
        tally={0: 1, 1: 2, 10: 0},
    )


def test_reading_goes_on_behind_the_last_entry_in_bounded_pieces(act: Actors) -> None:
    """Behind an id come the next ones, `count` at the most; behind the last comes nothing."""
    everything = ids(read(act))

    assert ids(read(act, count=2)) == everything[:2]
    assert ids(read(act, after=everything[1])) == everything[2:]
    assert ids(read(act, after=everything[2])) == []


def test_an_unknown_run_is_absent(act: Actors) -> None:
    """Its producer has not opened it: the collector waits for it."""
    answer = act.stage.ledger.read(run="unknown", after="0", wait_ms=0, count=1)

    assert answer == ReadAnswer("ABSENT")


def test_an_ack_trims_below_the_entry_and_keeps_it(act: Actors) -> None:
    """The floor stays, so that the next ack, and a repeat of this one, can still name it."""
    everything = ids(read(act))

    assert ack(act, everything[1], written=2) == AckAnswer("ACKED")
    assert ids(read(act)) == everything[1:]
    assert ack(act, everything[1], written=2) == AckAnswer("ACKED")
    assert act.state().runs["r1"].written == 2


def test_what_is_written_never_becomes_less(act: Actors) -> None:
    """An older ack that arrives late names an entry that is still there: ACKED, and no less."""
    everything = ids(read(act))
    ack(act, everything[0], written=2)
    before = act.state().snapshot()

    assert ack(act, everything[0], written=1) == AckAnswer("ACKED")
    assert act.state() == before
    assert ack(act, everything[0], written=3) == AckAnswer("ACKED")
    assert act.state().runs["r1"].written == 3


def test_an_ack_of_an_entry_that_is_gone_is_refused(act: Actors) -> None:
    """REWOUND: what the collector has on disk is not what the server has; nothing is trimmed."""
    everything = ids(read(act))
    ack(act, everything[1], written=2)
    before = act.state().snapshot()

    assert ack(act, everything[0], written=3) == AckAnswer("REWOUND")
    assert ack(act, "3-1", written=3) == AckAnswer("REWOUND")
    assert act.state() == before


def test_an_ack_of_nothing_renews_the_lease(act: Actors) -> None:
    """A collector that has nothing to write still says that it lives."""
    act.stage.clock.advance(4_000)

    assert ack(act, "", written=9) == AckAnswer("ACKED")

    run = act.state().runs["r1"]
    assert (run.collect, run.written) == ((act.stage.clock.now_ms + 5_000, "c"), 0)
    act.stage.clock.advance(4_000)
    other = act.stage.ledger.open(run="r1", owner="d", kind="collect")
    assert other.status == "WAIT"


def test_only_the_collector_that_has_the_lease_acknowledges(act: Actors) -> None:
    """CLOSED for another, for one whose lease another has by now, for a run nobody collects."""
    everything = ids(read(act))
    assert ack(act, everything[0], owner="d") == AckAnswer("CLOSED")
    act.stage.clock.advance(5_000)
    act.stage.ledger.open(run="r1", owner="d", kind="collect")

    assert ack(act, everything[0]) == AckAnswer("CLOSED")
    uncollected = act.stage.ledger.ack(run="r2", owner="c", entry="", written=0)
    assert uncollected == AckAnswer("CLOSED")


def test_a_reply_lost_with_the_tail_is_not_the_one_that_takes_its_place(act: Actors) -> None:
    """The same count of answers, another entry: an ack of the old one is REWOUND."""
    mark = act.stage.mark()
    act.append(None, PLAIN)
    lost = ids(read(act))[-1]
    act.stage.rewind(mark)
    act.stage.clock.advance(0, us=1)
    act.append(None, PLAIN)

    found = ids(read(act))[-1]
    assert found.partition("-")[0] == lost.partition("-")[0]
    assert ack(act, lost) == AckAnswer("REWOUND")
    assert ack(act, found) == AckAnswer("ACKED")


def test_a_mark_and_the_way_back_leave_no_trace(act: Actors) -> None:
    """What the other tests of a lost tail rest on: after going back the state is what it was."""
    act.append(Line(0, 1, candidate=True), None, Line(1, field="7"))
    mark, before = act.stage.mark(), act.state().snapshot()
    act.worker("x").turn()
    assert act.state() != before

    act.stage.rewind(mark)

    assert act.state() == before


def test_a_sum_that_no_64_bits_hold_is_kept_whole(act: Actors) -> None:
    """Amounts have 17 digits: a commit that the server could not count would be half applied."""
    amounts = [2**63 - 1, 10**17, 16_384 * 10**17, 10**12, 10**12 - 1, 0]
    for amount in amounts:
        act.append(PLAIN, run="r2")
        x = act.worker("x")
        x.take()
        x.load()
        request = x.request()
        replies = [reply._replace(cents_accepted=amount) for reply in request.replies]
        assert act.stage.ledger.commit(request._replace(replies=replies)).status == "APPLIED"

    view = act.stage.ledger.read(run="r2", after="0", wait_ms=0, count=1).run
    assert view is not None
    assert view.cents_accepted == sum(amounts)
    assert view.answers == len(amounts)
    assert act.state().runs["r2"].cents == sum(amounts)
