"""Mistakes made on purpose: the reference outputs let them pass, the oracle must not.

Each mistake is made in a copy of the kernel, and the copy is judged in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mistakes import MISTAKES, NINE, PROJECT, copy_of_kernel
from tests.support.reference import reference_file
from tests.support.verdict import ROWS_DIFFER, SAME

pytestmark = pytest.mark.unwatched


def judge(folder: Path, against: str) -> subprocess.CompletedProcess[str]:
    """Compare the kernel in a folder, in a process that imports no other."""
    path = os.pathsep.join((str(folder), str(PROJECT)))
    return subprocess.run(
        [sys.executable, "-m", "tests.support.verdict", str(folder), against],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_a_copy_without_a_mistake_passes(tmp_path: Path) -> None:
    """What catches mistakes must let the right program through."""
    judged = judge(copy_of_kernel(tmp_path), "streams")

    assert judged.returncode == SAME, judged.stderr


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_made_on_purpose_changes_rows_and_is_caught(name: str, tmp_path: Path) -> None:
    """It is caught by rows, which is what users see, not only by reasons."""
    judged = judge(copy_of_kernel(tmp_path, MISTAKES[name]), "streams")

    assert judged.returncode == ROWS_DIFFER, judged.stderr


@pytest.mark.parametrize("name", NINE)
def test_the_reference_outputs_do_not_notice_the_nine(name: str, tmp_path: Path) -> None:
    """The nine are the very mistakes that parity lets pass; this is why there is an oracle."""
    reference_file("input.txt")

    judged = judge(copy_of_kernel(tmp_path, MISTAKES[name]), "reference")

    assert judged.returncode == SAME, judged.stderr
