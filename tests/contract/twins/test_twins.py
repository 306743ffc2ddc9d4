"""The twins' run: thousands of calls, no difference, and every answer met often enough."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kernel.adapters.redis.scripts import FLAGS
from kernel.ledger.schedule import Transition
from tests.contract.twins.answers import ANSWERS, FULL, OUTCOMES
from tests.contract.twins.mishaps import FaultyMachine
from tests.contract.twins.pair import WatchedState
from tests.contract.twins.scripted import STORIES, WANTED, Met, tell

if TYPE_CHECKING:
    import redis

#: How often each answer must have come from the server; below that, the agreement says little.
TIMES_MIN = 20
EXAMPLES, STEPS = 150, 40


@pytest.fixture
def counted(client: redis.Redis) -> None:
    """Let the machine count from nothing, on the session's server."""
    FaultyMachine.client = client
    FaultyMachine.tally.clear()
    WatchedState.seen.clear()


def times(met: Met) -> int:
    """Say how often something was met so far."""
    return WatchedState.seen[met] if isinstance(met, Transition) else FaultyMachine.tally[met]


def drive() -> None:
    """Drive both twins through runs of calls that chance puts together."""
    run_state_machine_as_test(
        FaultyMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.unwatched
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("counted")
def test_the_twins_answer_alike_and_hold_the_same_state_whatever_is_asked() -> None:
    """Equal answers, equal states after every call, and nothing that can happen is left out.

    Hypothesis draws from the constants of whatever modules are imported, so how often an answer is
    met depends on the tests beside this one; stories bring what chance brought too seldom. A
    failure prints the calls that lead to it.
    """
    drive()
    for met, story in STORIES.items():
        for number in range(TIMES_MIN - times(met)):
            tell(story, number)

    rare = {met: times(met) for met in WANTED if times(met) < TIMES_MIN}
    assert not rare, f"met too seldom: {sorted(rare.items())}"
    strange = {*FaultyMachine.tally, *WatchedState.seen} - WANTED
    assert not strange, f"answers or transitions that are on no list: {sorted(strange)}"


@pytest.mark.usefixtures("counted")
def test_every_answer_and_every_transition_has_a_story_that_brings_it() -> None:
    """None is left to chance, and whoever adds one says how it comes about."""
    assert set(STORIES) == WANTED
    for met, story in STORIES.items():
        before = times(met)
        tell(story, 0)
        assert times(met) > before, f"its story does not bring {met}"


def test_the_list_of_answers_is_what_the_scripts_say_of_themselves() -> None:
    """Each script's head comment names its answers; the lists have exactly those."""
    answers = ANSWERS | OUTCOMES
    folder = resources.files("kernel.adapters.redis") / "lua"
    named = {
        script: tuple(
            re.findall(r"(?:-> |\| )([A-Z_]+)", _answers((folder / f"{script}.lua").read_text()))
        )
        for script in FLAGS
    }

    listed = {
        script: tuple(
            dict.fromkeys(a.partition(":")[0] for a in answers.get(script, ()) if a != FULL)
        )
        for script in named
    }
    assert listed == named


def _answers(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("-- ->"))
