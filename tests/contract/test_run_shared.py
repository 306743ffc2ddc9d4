"""A run's wait, told to its ledger on a real server: who registers it, and what is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kernel.adapters.redis.client import connect
from kernel.adapters.redis.ledger import RedisLedger
from kernel.adapters.redis.outcomes import RedisOutcomes
from kernel.engine.replies import Counters, Outcome
from kernel.errors import Incomplete
from kernel.runtime.run_wait import ALIVE_MS, RunWait, code_of, sentence_of
from tests.support.server import Server
from tests.support.stages import server_stage
from tests.support.workshop import HandClock

if TYPE_CHECKING:
    import redis

RUN = "monday"


@pytest.fixture
def outcomes(client: redis.Redis, ledger_name: str) -> RedisOutcomes:
    """The waits of a ledger, by the server's clock."""
    return RedisOutcomes(server_stage(client, ledger_name).ledger.attached)


def shared(outcomes: RedisOutcomes, clock: HandClock | None = None) -> RunWait:
    """Wait for the run, as the process that holds its lease."""
    wait = RunWait(RUN, clock or HandClock())
    wait.share(outcomes)
    return wait


def test_a_killed_collectors_run_is_gone_on_with_and_a_cancelled_one_begins_anew(
    outcomes: RedisOutcomes,
) -> None:
    """What is in flight is taken over as it is; what was stopped is registered once more."""
    shared(outcomes)  # and killed: nobody tells anything
    second = shared(outcomes)
    assert outcomes.counters() == Counters(registered=1, in_flight=1)

    second.end(KeyboardInterrupt())
    told = outcomes.poll(RUN)
    assert told is not None
    assert (told.status, code_of(told)) == ("cancelled", 130)

    third = shared(outcomes)
    assert outcomes.poll(RUN) is None
    assert third.complete(5)
    assert outcomes.poll(RUN) == third.outcome == Outcome("success", {"lines": 5})


def test_a_run_that_was_completed_stays_so_whoever_collects_it_again(
    outcomes: RedisOutcomes,
) -> None:
    """The second one's refusal is its own exit code, not the run's."""
    shared(outcomes).complete(5)

    again = shared(outcomes)
    again.alive()
    again.end(Incomplete("its rows are gone"))

    assert code_of(again.outcome) == 6
    assert outcomes.poll(RUN) == Outcome("success", {"lines": 5})
    assert outcomes.counters() == Counters(registered=1, completed=1)


def test_an_end_that_is_not_ours_to_tell_is_left_to_others(outcomes: RedisOutcomes) -> None:
    """A collector that lost the run's lease ends, and the run goes on."""
    wait = shared(outcomes)

    assert wait.end(Incomplete("another one collects it"), is_told=False)

    assert outcomes.is_in_flight(RUN)
    assert code_of(wait.outcome) == 6


def test_signs_of_life_register_again_what_went_with_a_lost_tail(
    client: redis.Redis, ledger_name: str
) -> None:
    """Once a second, and not oftener than that."""
    stage = server_stage(client, ledger_name)
    mark, clock = stage.mark(), HandClock()
    outcomes = RedisOutcomes(stage.ledger.attached)
    wait = shared(outcomes, clock)
    stage.rewind(mark)

    wait.alive()
    assert not outcomes.is_in_flight(RUN)
    clock.pause_ms(ALIVE_MS)
    wait.alive()

    assert outcomes.is_in_flight(RUN)


def test_nobody_who_gives_no_sign_of_life_is_waited_for(outcomes: RedisOutcomes) -> None:
    """The wait at the ledger expires, and its sentence says why."""
    outcomes.register(RUN, timeout_ms=1, now=1)

    assert outcomes.expire() == (RUN,)

    told = outcomes.poll(RUN)
    assert told is not None
    assert code_of(told) == 6
    assert "no sign of life" in sentence_of(told)


def test_a_server_that_is_away_takes_nothing_from_what_is_written() -> None:
    """The end is not told there, which is said; the run is a success all the same."""
    with Server() as own:
        stage = server_stage(own.client(), "prod")
        record = stage.record
        outcomes = RedisOutcomes(RedisLedger(connect(own.url), "prod", record).attached)
        wait = shared(outcomes)

    assert not wait.complete(5)
    assert code_of(wait.outcome) == 0
