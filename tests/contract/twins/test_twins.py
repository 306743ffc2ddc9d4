"""The twins' run: thousands of calls, no difference, and every answer met often enough."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kernel.adapters.redis.scripts import FLAGS
from kernel.ledger.schedule import TRANSITIONS
from tests.contract.twins.answers import ANSWERS, FULL
from tests.contract.twins.mishaps import FaultyMachine
from tests.contract.twins.pair import WatchedState

if TYPE_CHECKING:
    import redis

#: How often each answer must have come from the server; below that, the agreement says little.
TIMES_MIN = 20
#: Examples of the first round, and of those that may follow.
ROUNDS = (250, *(100,) * 9)
STEPS = 40


def drive(examples: int) -> None:
    """Drive both twins through so many runs of calls."""
    run_state_machine_as_test(
        FaultyMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(300)
def test_the_twins_answer_alike_and_hold_the_same_state_whatever_is_asked(
    client: redis.Redis,
) -> None:
    """Equal answers, equal states after every call, and no answer of any script is left out.

    Hypothesis draws from the constants of whatever modules are imported, so how often an answer is
    met depends on the tests beside this one; more rounds follow until each was met often enough. A
    failure prints the calls that lead to it.
    """
    FaultyMachine.client = client
    FaultyMachine.tally.clear()
    WatchedState.seen.clear()
    met = FaultyMachine.tally
    wanted = {(script, answer) for script, answers in ANSWERS.items() for answer in answers}

    # What becomes of a step is no answer of a script; each outcome is a row of test_ports_states.
    answers = {pair for pair in wanted if pair[0] != "step"}
    for examples in ROUNDS:
        drive(examples)
        if all(met[pair] >= TIMES_MIN for pair in answers):
            break

    rare = {pair: met[pair] for pair in answers if met[pair] < TIMES_MIN}
    assert not rare, f"of {met.total()} answers too few were: {sorted(rare.items())}"
    assert set(met) <= wanted, f"answers that are not on the list: {set(met) - wanted}"
    strange = set(WatchedState.seen) - TRANSITIONS
    assert not strange, f"transitions that the table does not have: {sorted(strange)}"


def test_the_list_of_answers_is_what_the_scripts_say_of_themselves() -> None:
    """Each script's head comment names its answers; the list above the counts has exactly those."""
    folder = resources.files("kernel.adapters.redis") / "lua"
    named = {
        script: tuple(
            re.findall(r"(?:-> |\| )([A-Z_]+)", _answers((folder / f"{script}.lua").read_text()))
        )
        for script in FLAGS
    }

    listed = {
        script: tuple(
            dict.fromkeys(a.partition(":")[0] for a in ANSWERS.get(script, ()) if a != FULL)
        )
        for script in named
    }
    assert listed == named


def _answers(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("-- ->"))
