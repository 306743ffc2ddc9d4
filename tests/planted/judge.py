"""A copy of the tree without one guard, and whether the test named for that guard fails there.

Lives here: the copy, the change of its text, and the verdict. Lives elsewhere: the guards with
their tests (`scripts`, `processes`), and the guards that the simulator's seeds must miss
(`tests.simulation.guards`).

1. A guard's text must be there exactly once: the code has moved on else, and the list must follow.
2. The test runs in a process of its own that imports the copy, and nothing of this tree.
3. Caught means that tests were found and failed (or stood still until their time was up). Anything
   else that pytest may end with, or a change that does not compile, is an error of the list.
4. The same tests pass on a copy with every guard in place: else a failure would say nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

PROJECT: Final = Path(__file__).resolve().parents[2]
#: What a copy consists of; the tests come along because they import the copy.
TREE: Final = ("producer", "consumers", "kernel", "tests", "configs")
FILES: Final = ("pyproject.toml", "README.md")
WITHIN_S: Final = 300
#: All tests of the list, one after the other.
CONTROL_WITHIN_S: Final = 1_800
#: What is said when a change was not one guard less, but no program at all.
NO_PROGRAM: Final = ("Error compiling script", "SyntaxError", "IndentationError", "ImportError")


class Edit(NamedTuple):
    """A file, the part of its text that is the guard, and what stands there instead."""

    path: str
    guard: str
    instead: str


class Guard(NamedTuple):
    """One guard, how it is taken out, and the test that must fail without it."""

    name: str
    edits: tuple[Edit, ...]
    test: str


class Verdict(NamedTuple):
    """Whether the test failed without the guard; `said` is there for a list that is wrong."""

    name: str
    test: str
    is_caught: bool
    said: str


def copy_without(folder: Path, edits: tuple[Edit, ...]) -> None:
    """Copy the tree into a folder, and make the edits there."""
    ignored = shutil.ignore_patterns("__pycache__", "architecture")
    for name in TREE:
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy(PROJECT / name, folder)
    for edit in edits:
        place = folder / edit.path
        text = place.read_text("utf-8")
        times = text.count(edit.guard)
        assert times == 1, f"{edit.path} has this {times} times: {edit.guard}"
        place.write_text(text.replace(edit.guard, edit.instead), "utf-8")


def judged(guard: Guard) -> Verdict:
    """Run the test of a guard on a tree without it."""
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        folder = Path(name)
        copy_without(folder, guard.edits)
        code, said = tested(folder, guard.test, within_s=WITHIN_S)
    is_broken = any(sign in said for sign in NO_PROGRAM)
    is_caught = code == pytest.ExitCode.TESTS_FAILED and not is_broken
    why = "the change is no program" if is_broken else f"pytest ended with {code}"
    return Verdict(guard.name, guard.test, is_caught, "" if is_caught else why)


def control(tests: Iterable[str]) -> str:
    """Run tests on a copy with every guard in place; say what is wrong if they do not pass."""
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        folder = Path(name)
        copy_without(folder, ())
        code, said = tested(folder, *sorted(set(tests)), within_s=CONTROL_WITHIN_S)
    return "" if code == pytest.ExitCode.OK else said


def tested(folder: Path, *tests: str, within_s: float) -> tuple[int, str]:
    """Run tests of the tree in a folder; return pytest's code and what it said.

    A test that stands still past its time has failed.
    """
    try:
        ended = _run(folder, tests, within_s)
    except subprocess.TimeoutExpired:
        return pytest.ExitCode.TESTS_FAILED, "stood still"
    return ended.returncode, ended.stdout


def _run(folder: Path, tests: tuple[str, ...], within_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        + [f"tests/{test}" for test in tests],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
