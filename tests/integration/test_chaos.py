"""Chaos in short: a few storms with a fixed seed, and the drawing of faults, which is pure."""

from __future__ import annotations

import itertools
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.faults import (
    KINDS,
    OTHER_FROZEN_S,
    SERVER,
    SERVER_AWAY_S,
    SERVER_FROZEN_S,
    WORKER_FROZEN_S,
    Fault,
    faults,
    names_of,
)
from tests.chaos.plan import PLANS, SMALL, Plan
from tests.chaos.post import Broken, Post
from tests.chaos.restarts import restarted
from tests.chaos.storm import Storm
from tests.chaos.tally import Tally
from tests.chaos.weather import shelter, weather
from tests.support.fleet import ENDS_S, PROJECT
from tests.support.marked import Marked, line_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.unwatched

SEED = 7
SECONDS = 12.0


def drawn(count: int, *, seed: int = SEED) -> list[Fault]:
    """Draw the first faults of a seed."""
    return list(itertools.islice(faults(seed, workers=3), count))


def look_at(post: Post) -> bool:
    """Look once at a post that nothing was done to; True when its process has ended."""
    post.look(was_away=lambda _seconds: False, counts=Counter())
    return not post.is_up


@pytest.mark.timeout(240)
def test_twelve_seconds_of_chaos_change_no_byte() -> None:
    """A fault a second on real processes; a differing byte, a stall or a strange exit raises."""
    plans = (Plan("experiment", "short", 60_000, SMALL), Plan("baseline", "short", 60_000, SMALL))
    with shelter() as mark:
        tally = weather(SECONDS, seed=SEED, workers=2, folder=mark.directory, plans=plans)
        left = mark.left_over()

    assert left == []
    assert tally.faults.total() >= 3
    assert tally.counts["runs, same bytes as the memory profile"] >= 1
    assert re.search(rf"faults +{tally.faults.total():,}$", tally.table(), re.MULTILINE)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_chaos_that_is_broken_off_leaves_nothing(
    mark: Marked, signum: signal.Signals, code: int
) -> None:
    """Server, workers, files: gone with it, frozen or not."""
    words = [sys.executable, "-m", "tests.chaos", "--minutes", "1", "--workers", "1"]
    chaos = subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.DEVNULL)
    try:
        started = {"worker", "produce", "collect"}
        wait_until(
            lambda: started <= {word for p in mark.processes() for word in line_of(p)},
            within_s=ENDS_S,
            what="a fleet",
        )
        chaos.send_signal(signum)

        assert chaos.wait(ENDS_S) == code
        assert mark.left_over() == []
    finally:
        chaos.kill()


@pytest.mark.timeout(180)
def test_a_run_survives_its_server_killed_three_times(tmp_path: Path) -> None:
    """One `fundload run`, started once: it completes by itself, with the same bytes."""
    killed_at = restarted(3, lines=30_000, workers=2, folder=tmp_path)

    assert killed_at == sorted(killed_at)


def test_the_same_seed_draws_the_same_faults() -> None:
    """So that a report with its seed says what was done; another seed draws others."""
    assert drawn(200) == drawn(200)
    assert drawn(200) != drawn(200, seed=SEED + 1)


def test_every_kind_comes_and_hits_everybody_it_can() -> None:
    """Killed, frozen and stopped is every process; the server has faults of its own."""
    hit = {(fault.kind, fault.target) for fault in drawn(2_000)}

    of_processes = [kind for kind in KINDS if not kind.startswith(SERVER)]
    expected = {(kind, name) for kind in of_processes for name in names_of(3)}
    expected |= {(kind, SERVER) for kind in KINDS if kind.startswith(SERVER)}
    assert hit == expected


def test_faults_are_as_long_as_they_may_be_and_no_longer() -> None:
    """Leases run out now and then, and nobody stands still for as long as a stall takes."""
    longest: dict[str, float] = {}
    for fault in drawn(5_000):
        key = "worker" if fault.target.startswith("worker") else fault.target
        key = f"{fault.kind}: {key}"
        longest[key] = max(longest.get(key, 0.0), fault.seconds)
        assert 0.0 <= fault.lost_share <= 1.0

    bounds = {
        "frozen: worker": WORKER_FROZEN_S,
        "frozen: producer": OTHER_FROZEN_S,
        "frozen: collector": OTHER_FROZEN_S,
        "server frozen: server": SERVER_FROZEN_S,
        "server kill -9: server": SERVER_AWAY_S,
        "server lost its tail: server": SERVER_AWAY_S,
    }
    assert {key for key, seconds in longest.items() if seconds > 0} == set(bounds)
    for key, bound in bounds.items():
        assert 0.8 * bound <= longest[key] <= bound, key


def test_an_exit_that_nothing_explains_breaks_the_storm(tmp_path: Path) -> None:
    """A command that fails by itself is not simply started again."""
    post = Post("worker 1", ["worker", "--no-such-option"], tmp_path)

    post.start()
    with pytest.raises(Broken, match="worker 1 ended with exit code 2, untold"):
        wait_until(lambda: look_at(post), within_s=ENDS_S, what="its end")


def test_a_differing_byte_breaks_the_storm(tmp_path: Path) -> None:
    """The comparison looks: with another expectation the same run is broken."""
    plan = Plan("baseline", "short", 200, {})
    with Storm(plan, 1, tmp_path, workers=1, seed=SEED) as storm:
        (storm.folder / "expected").write_bytes(b"something else\n")
        with pytest.raises(Broken, match="DIFFERS"):
            storm.play(faults(SEED, workers=1), until=0.0, tally=Tally())


def test_the_plans_are_of_both_rule_sets_and_of_every_form() -> None:
    """Small turns, the shipped settings, and sharing where there are gates."""
    assert {(plan.rules, plan.form) for plan in PLANS} >= {
        ("experiment", "small turns"),
        ("baseline", "small turns"),
        ("experiment", "as shipped"),
        ("baseline", "as shipped"),
        ("experiment", "sharing"),
    }
