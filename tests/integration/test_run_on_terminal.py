"""`fundload run` at a terminal: one live line, and none where nobody looks."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.fleet import COMMAND, Fleet, config_file
from tests.support.memory import sample_bytes

FIGURES = re.compile(r"[0-9,]+ of (about )?[0-9,]+ lines decided, [0-9,]+ lines/s, [0-9]+ s left")


def on_terminal(words: list[str]) -> str:
    """Run the command with a terminal for its stderr, and return all that was written there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=theirs) as run:
        os.close(theirs)
        shown = bytearray()
        while piece := read_or_end(ours):
            shown += piece
    os.close(ours)
    assert run.returncode == 0, shown.decode()
    return shown.decode()


def read_or_end(terminal: int) -> bytes:
    """Read from a terminal; its end is an error to the system, and nothing to us."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


@pytest.mark.parametrize("profile", ["redis", "memory"])
def test_a_terminal_shows_rate_done_and_time_left_in_one_line(tmp_path: Path, profile: str) -> None:
    """The line is written anew and taken away in the end; the summary stays."""
    source = tmp_path / "source"
    # Long enough to be looked at twice: the fleet by few lines in flight, the other by many lines.
    source.write_bytes(sample_bytes(20_000 if profile == "redis" else 150_000))
    slow = config_file(tmp_path, "experiment", chunk_lines_max=64, inflight_lines_max=512)
    files = ["--input", str(source), "--output", str(tmp_path / "out")]

    shown = on_terminal([str(COMMAND), "run", "--config", str(slow), *files, "--profile", profile])

    assert FIGURES.search(shown), shown
    assert "\x1b[2K" in shown
    assert "The rows are in " in shown.splitlines()[-1]


def test_a_log_gets_plain_lines(fleet: Fleet, tmp_path: Path) -> None:
    """Every two seconds one, and nothing that moves a cursor."""
    source = tmp_path / "source"
    source.write_bytes(sample_bytes(60_000))
    slow = config_file(tmp_path, "experiment", chunk_lines_max=64, inflight_lines_max=512)
    files = ("--input", str(source), "--output", str(tmp_path / "out"))

    run = fleet.start("run", "--config", str(slow), *files)

    assert run.ends() == 0
    assert [line for line in run.said.splitlines() if FIGURES.fullmatch(line)], run.said
    assert "\x1b" not in run.said
