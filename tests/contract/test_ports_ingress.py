"""Lines in, on both twins: open, the registry, append and finish, one promise a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from kernel.ledger.ports import StoreFull
from kernel.ledger.units import AppendAnswer, FinishAnswer, OpenAnswer
from tests.contract.actors import Actors
from tests.support.plausible import Line
from tests.support.stages import settings_of

if TYPE_CHECKING:
    from tests.contract.conftest import StageMaker
    from tests.support.stages import Stage

PLAIN = Line(0)
PRIME_A, PRIME_B = Line(0, 1, candidate=True), Line(1, 1, candidate=True)


@pytest.fixture
def act(stage: Stage) -> Actors:
    """A ledger of two partitions with two open runs."""
    return Actors(stage)


def test_a_producer_opens_a_run_and_finds_it_where_it_stands(act: Actors) -> None:
    """Position, input offset and digest of the last append; a new owner goes on from there."""
    act.append(PLAIN, None)
    act.stage.clock.advance(5_000)

    answer = act.stage.ledger.open(run="r1", owner="other", kind="produce")

    assert answer == OpenAnswer("OPENED", position=2, offset=20, sha="02")


def test_a_collector_does_not_create_a_run(act: Actors) -> None:
    """ABSENT until the producer has opened it, and nothing is written."""
    before = act.state().snapshot()

    answer = act.stage.ledger.open(run="unknown", owner="c", kind="collect")

    assert answer == OpenAnswer("ABSENT")
    assert act.state() == before


@pytest.mark.parametrize("kind", ["produce", "collect"])
def test_a_second_owner_waits_until_the_lease_ran_out(
    act: Actors, kind: Literal["produce", "collect"]
) -> None:
    """WAIT with the deadline, and OPENED once it has passed; its owner renews at any time."""
    ledger, clock = act.stage.ledger, act.stage.clock
    ledger.open(run="r1", owner="p", kind=kind)
    clock.advance(4_000)
    ledger.open(run="r1", owner="p", kind=kind)

    waits = OpenAnswer("WAIT", deadline=clock.now_ms + 5_000)
    assert ledger.open(run="r1", owner="two", kind=kind) == waits
    clock.advance(4_999)
    assert ledger.open(run="r1", owner="two", kind=kind) == waits
    clock.advance(1)
    assert ledger.open(run="r1", owner="two", kind=kind).status == "OPENED"
    assert ledger.open(run="r1", owner="p", kind=kind).status == "WAIT"


def test_a_deadline_from_a_clock_that_jumped_back_has_expired(act: Actors) -> None:
    """Further away than twice its length: nobody waits for an hour because a clock was wrong."""
    act.stage.clock.advance(-3_600_000)

    assert act.stage.ledger.open(run="r1", owner="two", kind="produce").status == "OPENED"


def test_sequence_numbers_run_through_all_runs_and_all_lines(act: Actors) -> None:
    """From 1 on, bad lines too; two runs share one order."""
    ledger = act.stage.ledger

    assert ledger.append(act.chunk(PLAIN, None, PLAIN, run="r1")).base == 1
    assert ledger.append(act.chunk(PLAIN, run="r2")).base == 4
    assert ledger.append(act.chunk(PLAIN, run="r1")).base == 5


def test_an_entry_is_named_by_its_end_and_a_token_that_has_the_time_in_it(act: Actors) -> None:
    """`<position after its last attempt>-<request's token><ten digits of the clock>`."""
    first = act.append(PLAIN, PLAIN, Line(1))
    act.stage.clock.advance(0, us=5)
    second = act.append(PLAIN)

    stamps = [act.stage.clock.now_us - 5, act.stage.clock.now_us]
    logs = [[entry.id for entry in part.log] for part in act.state().parts]
    assert logs == [
        [
            f"2-{first.token}{stamps[0] % 10**10:010d}",
            f"3-{second.token}{stamps[1] % 10**10:010d}",
        ],
        [f"1-{first.token}{stamps[0] % 10**10:010d}"],
    ]


def test_a_chain_goes_through_runs_partitions_and_chunks(act: Actors) -> None:
    """The script hands out the predecessor: the day's last candidate, whoever appended it."""
    act.append(PRIME_A, PRIME_B, Line(1, 2, candidate=True))
    act.append(PRIME_B, run="r2")
    act.append(Line(0, 2, candidate=True), PRIME_A)

    preds = [[entry.preds for entry in part.log] for part in act.state().parts]
    assert preds == [["0", "3,4"], ["0", "2"]]
    assert act.state().last == {1: 6, 2: 5}


def test_the_same_append_again_is_told_apart_by_its_token(act: Actors) -> None:
    """ALREADY with the first answer, and nothing is appended twice."""
    request = act.append(PLAIN, None, PRIME_B)
    before = act.state().snapshot()

    answer = act.stage.ledger.append(request)

    assert answer == AppendAnswer("ALREADY", base=1)
    assert act.state() == before


def test_an_append_elsewhere_is_told_where_the_run_stands(act: Actors) -> None:
    """REWOUND with the position, before and behind it, also with another's token."""
    request = act.append(PLAIN, PLAIN)

    ahead = act.stage.ledger.append(request._replace(position=5, token=7))
    behind = act.stage.ledger.append(request._replace(token=7))

    assert ahead == behind == AppendAnswer("REWOUND", position=2)


def test_lines_in_flight_are_bounded_until_the_collector_has_written_them(
    new_stage: StageMaker,
) -> None:
    """FULL at the bound, and on again once the collector acknowledged as much."""
    act = Actors(new_stage(settings=settings_of(2, inflight_lines_max=8)))
    ledger = act.stage.ledger
    act.append(None, *[PLAIN] * 5)
    assert ledger.append(act.chunk(*[PLAIN] * 3)).status == "FULL"
    assert ledger.append(act.chunk(*[PLAIN] * 2)).status == "APPENDED"

    ledger.open(run="r1", owner="c", kind="collect")
    replies = ledger.read(run="r1", after="0", wait_ms=0, count=9).replies
    ledger.ack(run="r1", owner="c", entry=replies[-1].id, written=1)

    assert ledger.append(act.chunk(PLAIN, PLAIN)).status == "FULL"
    assert ledger.append(act.chunk(PLAIN)).status == "APPENDED"


def test_a_chunk_above_the_bound_goes_in_when_nothing_is_in_flight(new_stage: StageMaker) -> None:
    """Else a bound below a chunk's size would stop the run for ever."""
    act = Actors(new_stage(settings=settings_of(2, inflight_lines_max=4)))

    assert act.stage.ledger.append(act.chunk(*[PLAIN] * 5)).status == "APPENDED"
    assert act.stage.ledger.append(act.chunk(PLAIN)).status == "FULL"


def test_a_read_set_that_changed_is_a_conflict_and_nothing_is_written(act: Actors) -> None:
    """Free ids must be free still, and owned ones owned by the same, or the chunk is redone."""
    ledger = act.stage.ledger
    free = act.chunk(Line(0, field="7"), run="r2")
    act.append(Line(0, field="7"))
    owned = act.chunk(Line(1, field="7"), run="r2")
    before = act.state().snapshot()

    assert ledger.read_ids(["7", "8"]) == ["7:r1", None]
    assert ledger.append(free).status == "CONFLICT"
    assert ledger.append(owned._replace(owned=[("7", "7:r2")])).status == "CONFLICT"
    assert ledger.append(owned._replace(owned=[("8", "8:r2")])).status == "CONFLICT"
    assert act.state() == before
    assert ledger.append(owned).status == "APPENDED"


def test_an_append_by_other_rules_is_refused(act: Actors) -> None:
    """RULES: what was classified by another rule set never meets this ledger."""
    before = act.state().snapshot()

    answer = act.stage.ledger.append(act.chunk(PLAIN)._replace(digest="other"))

    assert answer == AppendAnswer("RULES")
    assert act.state() == before


def test_only_the_owner_of_an_open_run_appends(act: Actors) -> None:
    """CLOSED for a stranger, an unknown run, a finished one."""
    ledger = act.stage.ledger
    request = act.chunk(PLAIN)

    assert ledger.append(request._replace(owner="stranger")).status == "CLOSED"
    assert ledger.append(request._replace(run="unknown")).status == "CLOSED"
    ledger.finish(run="r1", owner="p", lines=0)
    assert ledger.append(request).status == "CLOSED"
    ledger.open(run="r1", owner="p", kind="produce")  # as whoever asks how far it is
    assert ledger.append(request).status == "CLOSED"


def test_the_checks_of_an_append_have_an_order(act: Actors) -> None:
    """Run, position, bound, read set, rules: a request wrong in all is told the first."""
    act.append(Line(0, field="7"))
    wrong = act.chunk(PLAIN)._replace(new_fields=["7"], new_prints=["x"], digest="other")

    assert act.stage.ledger.append(wrong._replace(position=9)).status == "REWOUND"
    assert act.stage.ledger.append(wrong).status == "CONFLICT"


def test_answers_to_lines_that_fail_to_parse_come_from_the_append(act: Actors) -> None:
    """They stand in the reply channel at once, counted, and no worker sees those lines."""
    act.append(None, PLAIN, None)

    read = act.stage.ledger.read(run="r1", after="0", wait_ms=0, count=9)

    assert [reply.id.partition("-")[0] for reply in read.replies] == ["2"]
    assert read.run is not None
    assert (read.run.position, read.run.answers, dict(read.run.tally)) == (3, 2, {1: 2})


def test_the_first_append_asks_for_a_shift_and_the_next_does_not(act: Actors) -> None:
    """RING when something is ready and neither a shift lives nor a ring is pending."""
    ledger = act.stage.ledger

    assert ledger.append(act.chunk(None))[:3] == ("APPENDED", 1, False)
    assert ledger.append(act.chunk(PLAIN))[:3] == ("APPENDED", 2, True)
    assert ledger.append(act.chunk(PLAIN))[:3] == ("APPENDED", 3, False)
    act.stage.clock.advance(2_000)  # nobody came
    assert ledger.append(act.chunk(PLAIN))[:3] == ("APPENDED", 4, True)


def test_finish_writes_the_line_count_once(act: Actors) -> None:
    """At the run's position only, by its owner only; again is ALREADY, another count is CLOSED."""
    act.append(PLAIN, None)
    finish = act.stage.ledger.finish

    assert finish(run="r1", owner="p", lines=3) == FinishAnswer("REWOUND", position=2)
    assert finish(run="r1", owner="stranger", lines=2).status == "CLOSED"
    assert finish(run="unknown", owner="p", lines=0).status == "CLOSED"
    assert finish(run="r1", owner="p", lines=2) == FinishAnswer("FINISHED")
    assert finish(run="r1", owner="p", lines=2) == FinishAnswer("ALREADY")
    assert finish(run="r1", owner="p", lines=1).status == "CLOSED"


def test_an_empty_input_is_finished_at_line_none(act: Actors) -> None:
    """A run without a line is complete: its record says 0 of 0."""
    assert act.stage.ledger.finish(run="r1", owner="p", lines=0) == FinishAnswer("FINISHED")

    read = act.stage.ledger.read(run="r1", after="0", wait_ms=0, count=9)
    assert read.run is not None
    assert (read.run.lines, read.run.answers, read.replies) == (0, 0, ())


def test_a_full_store_refuses_what_makes_it_grow_and_nothing_else(act: Actors) -> None:
    """Open and append are refused and change nothing; finish, turns, acks and ticks go on."""
    act.append(PLAIN, None)
    request = act.chunk(PLAIN)
    ledger = act.stage.ledger
    ledger.open(run="r1", owner="c", kind="collect")
    before = act.state().snapshot()
    act.stage.refuse_growth(full=True)
    with pytest.raises(StoreFull):
        ledger.append(request)
    with pytest.raises(StoreFull):
        ledger.open(run="r1", owner="p", kind="produce")
    assert act.state() == before

    x = act.worker("x")
    assert x.turn().status == "APPLIED"
    assert ledger.end_shift(shift=x.shift, worker="x", forced=False).status == "ENDED"
    assert ledger.finish(run="r1", owner="p", lines=2).status == "FINISHED"
    replies = ledger.read(run="r1", after="0", wait_ms=0, count=9).replies
    ack = ledger.ack(run="r1", owner="c", entry=replies[-1].id, written=2)
    assert ack.status == "ACKED"
    assert ledger.tick(worker="x").status == "TICKED"
    act.stage.refuse_growth(full=False)


def test_many_fields_and_days_go_through_in_slices(act: Actors) -> None:
    """More new ids, days and windows than one call of Lua can take as arguments."""
    fields = [str(n) for n in range(7_500)]
    request = act.chunk(PLAIN)._replace(
        new_fields=fields,
        new_prints=[f"{name}:r1" for name in fields],
        lines=7_500,
        last_candidates={day: day % 7_500 for day in range(1, 3_801)},
    )

    assert act.stage.ledger.append(request).status == "APPENDED"

    assert list(act.stage.ledger.read_ids(fields)) == request.new_prints
    assert act.state().last[3_800] == 3_801
    owned = list(zip(fields, request.new_prints, strict=True))
    again = act.chunk(PLAIN, run="r2")
    assert act.stage.ledger.append(again._replace(owned=owned)).status == "APPENDED"
    stale = [*owned[:-1], (fields[-1], "another")]
    third = act.chunk(PLAIN, run="r2")
    assert act.stage.ledger.append(third._replace(owned=stale)).status == "CONFLICT"
