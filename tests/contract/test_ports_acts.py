"""An operator's act counts once and for a while, and a note that is none goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel.ledger.halts import ACT_MS
from tests.contract.actors import Actors, Worker
from tests.support.plausible import Line

if TYPE_CHECKING:
    from tests.support.stages import Stage

A = 0


def halting(stage: Stage) -> tuple[Actors, Worker]:
    """Halt A at the first of two attempts; return who does it again."""
    act = Actors(stage)
    act.append(Line(A), Line(A))
    y = act.worker("y")
    halt(y)
    return act, y


def halt(y: Worker) -> None:
    """Halt A at its head."""
    y.take()
    assert y.fail(A, fatal=True).status == "HALTED"


def test_an_act_counts_once_and_for_a_while(stage: Stage) -> None:
    """One sent again is told from a new one, and one that comes too late from both."""
    act, y = halting(stage)
    assert act.resume(A, token=77).status == "RESUMED"
    halt(y)
    assert act.resume(A, token=78).status == "RESUMED"
    halt(y)
    before = stage.mark()

    assert act.resume(A, token=77).status == "REPLAYED"
    assert act.resume(A, token=79, asked_ago_ms=ACT_MS).status == "STALE"
    assert act.resume(A, token=79, asked_ago_ms=-ACT_MS - 1).status == "STALE"
    assert stage.mark() == before

    assert act.resume(A, token=79, asked_ago_ms=ACT_MS - 1).status == "RESUMED"
    halt(y)
    stage.clock.advance(ACT_MS)
    assert act.resume(A, token=80).status == "RESUMED"
    assert set(act.state().acts) == {"80"}, "what can count no more is not remembered"


def test_a_note_that_cannot_be_trusted_goes_with_the_halt_that_it_makes(stage: Stage) -> None:
    """Only that one; and the first word of the reason is counted."""
    act, y = halting(stage)
    act.resume(A, skip=1)
    y.take()

    assert y.fail(A, fatal=True, note=1).status == "HALTED"
    assert act.state().notes == {(A, 0): "sealed 1"}
    act.resume(A)
    y.take()
    assert y.fail(A, fatal=True, note=0).status == "HALTED"

    assert act.state().notes == {}
    counters = act.state().counters
    assert counters["halts:it raised"] == counters["halts"] == 3
