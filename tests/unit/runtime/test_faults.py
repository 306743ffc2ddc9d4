"""Fault points: off unless one is named, and until its time comes a process does as without one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from kernel.errors import UsageError
from kernel.runtime.faults import VARIABLE, mortal
from tests.support.fleet import PROJECT

RINGS_TWICE = """
from kernel.runtime.faults import mortal

class Bell:
    def ring(self):
        print("rung", flush=True)

bell = mortal("worker", Bell())
bell.ring()
bell.ring()
"""


class Bell:
    """Counts its rings, and has something that is no effect."""

    def __init__(self) -> None:
        self.rung = 0
        self.lost = 7

    def ring(self, *, by: int) -> int:
        """Ring, and say how often it was rung."""
        self.rung += by
        return self.rung


@pytest.mark.parametrize("named", [None, "producer.ring.before.1", "worker.commit.before.1"])
def test_where_no_point_of_it_is_named_nothing_stands_in_between(
    named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target itself: no variable, another role, or no such effect here."""
    monkeypatch.delenv(VARIABLE, raising=False)
    if named is not None:
        monkeypatch.setenv(VARIABLE, named)
    bell = Bell()

    assert mortal("worker", bell) is bell


@pytest.mark.parametrize("named", ["worker.ring.before", "worker.ring.never.1", "ring", "", ".1"])
def test_a_point_that_does_not_exist_is_refused(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a test that means it would pass, because nobody dies."""
    monkeypatch.setenv(VARIABLE, named)

    with pytest.raises(UsageError, match=r"no fault point; take one of .*worker\.ring\.after"):
        mortal("worker", Bell())


@pytest.mark.parametrize("when", ["before", "after"])
def test_before_its_time_a_call_goes_through(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its arguments and its answer, and what is no effect is as it was."""
    monkeypatch.setenv(VARIABLE, f"worker.ring.{when}.3")
    bell = mortal("worker", Bell())

    assert [bell.ring(by=2), bell.ring(by=2)] == [2, 4]
    assert bell.lost == 7


@pytest.mark.parametrize(("when", "rung"), [("before", 1), ("after", 2)])
def test_at_its_time_the_process_is_killed_before_or_after_the_effect(when: str, rung: int) -> None:
    """The second ring is not made, or it is the last that this process does."""
    ended = subprocess.run(
        [sys.executable, "-c", RINGS_TWICE],
        cwd=PROJECT,
        env=os.environ | {VARIABLE: f"worker.ring.{when}.2"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.count("rung") == rung
