"""Hundreds of seeds of the real turn, shift and sequencer, each held to the oracle at its end."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import Tally, catch, play_all, table
from tests.simulation.guards import PLANTED
from tests.simulation.plan import drawn
from tests.simulation.planted import Planted, taken_out
from tests.simulation.play import played

SEEDS = 500
#: The guards that few seeds are enough for.
NEAR = [number for number, guard in enumerate(PLANTED) if guard.seeds <= 100]


@pytest.fixture(scope="module")
def tally() -> Tally:
    """Play the suite's seeds once for all tests of this file."""
    return play_all(0, SEEDS, "mixed")


@pytest.mark.timeout(180)
def test_every_seed_answers_as_the_oracle_and_comes_to_rest(tally: Tally) -> None:
    """Whatever is killed, frozen, lost or rewound: each line once, and as one process would."""
    print(table(tally, "mixed"))  # noqa: T201 - the figures are wanted beside the verdict

    assert [f"seed {seed}: {verdict}: {why}" for seed, verdict, why, _ in tally.failed] == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "what",
    [
        "step parked",
        "append CONFLICT",
        "append REWOUND",
        "append ALREADY",
        "append FULL",
        "fault: store rewound",
        "leases reclaimed",
        "commit BEHIND",
        "commit REWOUND",
        "commit HALTED",
        "fail HALTED",
        "operator resume RESUMED",
        "operator skip RESUMED",
        "fault: ring doubled",
        "fault: ring lost",
        "turns refused STALE",
    ],
)
def test_the_seeds_meet_what_they_are_for(tally: Tally, what: str) -> None:
    """A simulator that never parks, conflicts or rewinds proves nothing about it."""
    assert tally.counts[what] > 0


@pytest.mark.timeout(180)
def test_without_faults_the_tick_repairs_nothing() -> None:
    """The tick is for crashes; where nothing breaks, the scripts keep everything right."""
    calm = play_all(0, 60, "none")

    assert not calm.failed
    assert calm.counts["step parked"] > 0
    assert calm.counts["tick repairs"] == 0
    assert calm.counts["leases reclaimed"] == 0


def test_a_seed_is_one_history() -> None:
    """What failed once can be played again: the same seed gives the same log."""
    logs: list[list[str]] = [[], []]
    for log in logs:
        played(drawn(11, "all"), listener=log.append)

    assert logs[0] == logs[1]
    assert len(logs[0]) > 100


@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", NEAR, ids=[PLANTED[number].name for number in NEAR])
def test_a_guard_taken_out_is_missed(number: int) -> None:
    """Each of these guards has a seed near at hand that goes wrong without it.

    Those whose seeds are further away are walked by `make planted`.
    """
    caught = catch(number)

    assert caught.seed is not None, f"{caught.played} seeds went well without: {caught.name}"


def test_a_guard_taken_out_is_put_back() -> None:
    """A planted bug lasts as long as its test: the seed that caught it is fine again behind it."""
    guard: Planted = next(planted for planted in PLANTED if planted.name == "wake: at all")
    plans = [drawn(seed, guard.style) for seed in range(guard.seeds)]
    with taken_out(guard):
        failing = next(plan for plan in plans if played(plan).verdict != "fine")

    assert played(failing).verdict == "fine"
