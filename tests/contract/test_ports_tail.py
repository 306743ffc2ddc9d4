"""The tail of a ledger, on both twins: who appended last need not look up again what was free.

A producer's read set is read after its own last append was answered. While that append is the
ledger's last, nobody has claimed an id in between, and the look-up of each is left out: that is a
quarter of what an append costs. Whatever else happened, the whole read set is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.actors import Actors
from tests.support.plausible import Line

if TYPE_CHECKING:
    from tests.support.stages import Stage

SEVEN = Line(0, field="7")


@pytest.fixture
def act(stage: Stage) -> Actors:
    """A ledger of two partitions with two open runs."""
    return Actors(stage)


def test_an_append_is_answered_with_a_name_that_no_other_one_gets(act: Actors) -> None:
    """Token and time: the same token at another moment is another name; the last one stands."""
    ledger = act.stage.ledger
    first = ledger.append(act.chunk(SEVEN))
    again = act.chunk(Line(1, field="8"))._replace(token=101)
    act.stage.clock.advance(0, us=5)
    second = ledger.append(again)

    assert first.tail
    assert second.tail
    assert first.tail != second.tail
    assert act.state().tail == second.tail


def test_who_appended_last_goes_on(act: Actors) -> None:
    """The usual case: one producer, chunk after chunk."""
    ledger = act.stage.ledger
    tail = ledger.append(act.chunk(SEVEN)).tail

    answer = ledger.append(act.chunk(SEVEN, Line(1, field="8"))._replace(after=tail))

    assert answer.status == "APPENDED"
    assert act.state().ids == {"7": "7:r1", "8": "8:r1"}


def test_an_id_that_somebody_else_claimed_since_is_a_conflict(act: Actors) -> None:
    """The producer's own append is not the last any more, so what it found free is looked up."""
    ledger = act.stage.ledger
    tail = ledger.append(act.chunk(Line(0, field="1"))).tail
    stale = act.chunk(SEVEN)._replace(after=tail)
    act.append(SEVEN, run="r2")

    assert ledger.append(stale).status == "CONFLICT"
    assert act.state().ids["7"] == "7:r2"


def test_an_owner_that_a_lost_tail_took_along_is_a_conflict(act: Actors) -> None:
    """The ledger is where this producer left it, but what it read since then is lost."""
    ledger = act.stage.ledger
    tail = ledger.append(act.chunk(Line(0, field="1"))).tail
    mark = act.stage.mark()
    act.append(SEVEN, run="r2")
    lost = act.chunk(SEVEN)._replace(after=tail)
    assert lost.owned == [("7", "7:r2")]
    act.stage.rewind(mark)

    assert ledger.append(lost).status == "CONFLICT"


def test_what_was_free_before_a_lost_tail_is_free_after_it(act: Actors) -> None:
    """A lost tail frees ids and claims none: the append applies, and the id is this run's."""
    ledger = act.stage.ledger
    tail = ledger.append(act.chunk(Line(0, field="1"))).tail
    mark = act.stage.mark()
    act.append(Line(1, field="9"), run="r2")
    request = act.chunk(SEVEN)._replace(after=tail)
    act.stage.rewind(mark)

    assert ledger.append(request).status == "APPENDED"
    assert act.state().ids == {"1": "1:r1", "7": "7:r1"}
