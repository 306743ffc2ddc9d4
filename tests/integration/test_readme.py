"""The README's commands, typed as they stand there, in the order in which they stand there.

Lives here: its indented blocks, which of their lines are commands, and what these must do. Not
here: its table of exit codes (`tests/unit/test_errors.py`).

The `make` lines are looked up, not run: this suite is one of them, and the other decides for long.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from kernel.runtime.server import find_server
from tests.support.fleet import COMMAND, ENDS_S, PROJECT, environment
from tests.support.memory import memory_bytes
from tests.support.waiting import wait_until

README: Final = (PROJECT / "README.md").read_text("utf-8")
PORT: Final = "6379"
COMMANDS: Final = (". ", "fundload ", "make ", "redis-server ")


def section(title: str) -> list[str]:
    """Return the commands in the blocks of one section."""
    _, _, rest = README.partition(f"\n## {title}\n")
    assert rest, title
    lines = re.findall(r"^ {4}(\S.*)$", rest.partition("\n## ")[0], re.MULTILINE)
    return [line for line in lines if line.startswith(COMMANDS)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make what looks like a clone in which `make run` has made the environment."""
    bin_ = tmp_path / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "activate").write_text(f'PATH="{bin_}:$PATH"\n')
    (bin_ / "fundload").symlink_to(COMMAND)
    (bin_ / "redis-server").symlink_to(find_server())
    for name in ("configs", "deploy"):
        (tmp_path / name).symlink_to(PROJECT / name)
    return tmp_path


def shell(line: str, place: Path, **variables: str) -> subprocess.Popen[str]:
    """Type a line into a shell of its own that stands in a place."""
    return subprocess.Popen(
        ["sh", "-c", f". .venv/bin/activate; exec {line}"],
        cwd=place,
        env=environment() | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    """Wait until a command has ended well, and return what it said."""
    told, _ = process.communicate(timeout=ENDS_S)
    assert process.returncode == 0, told
    return told


def ended(process: subprocess.Popen[str]) -> None:
    """End a process and everything that it has started, whatever the test has come to."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@pytest.fixture
def free_port() -> str:
    """Return a port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return str(bound.getsockname()[1])


@pytest.fixture
def shells() -> Iterator[ExitStack]:
    """Make a place for processes that end with the test."""
    with ExitStack() as opened:
        yield opened


def test_every_make_command_is_one() -> None:
    """In blocks and in sentences: a target of the Makefile, with a variable of the Makefile."""
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    named = re.findall(r"(?:^ {4}|`)make ([a-z]+)(?: ([A-Z]+)=\S+)?", README, re.MULTILINE)

    assert {"run", "test", "help", "sim"} <= {target for target, _ in named}
    for target, variable in named:
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
        assert not variable or re.search(rf"^{variable} +\?= ", makefile, re.MULTILINE), variable


def test_the_two_minutes_end_with_a_file_that_its_own_check_confirms(checkout: Path) -> None:
    """The block as it stands, then the command in the last line of the run."""
    lines = [line for line in section("Two minutes") if not line.startswith("make ")]
    assert [line.split()[1] for line in lines] == [".venv/bin/activate", "sample", "run"]

    told = ""
    for line in lines:
        told = said(shell(f"sh -c {shlex.quote(line)}", checkout))
    check = told.splitlines()[-1].partition("To check them: ")[2]

    assert "--profile memory" in check
    said(shell(f"sh -c {shlex.quote(check)}", checkout))
    assert not [*checkout.glob("*.partial"), *checkout.glob("*.checkpoint")]


def test_the_line_and_the_row_shown_belong_together(tmp_path: Path) -> None:
    """What is shown going in comes out as shown."""
    line, row = re.findall(r"^ {4}(\{.*\})$", README, re.MULTILINE)
    source = tmp_path / "loads"
    source.write_text(f"{line}\n")

    assert memory_bytes(PROJECT / "configs" / "experiment.yaml", source).decode() == f"{row}\n"


def test_the_four_shells_write_what_one_process_writes(
    checkout: Path, shells: ExitStack, free_port: str
) -> None:
    """The server with its configuration file, the shells in the order shown, then `status`."""
    (variable,) = re.findall(r"`export (\w+=\S+)`", README)
    name, _, url = variable.replace(PORT, free_port).partition("=")
    first, *lines, status = section("Four shells")
    (sample,) = [line for line in section("Two minutes") if "fundload sample" in line]
    said(shell(sample, checkout))

    def typed(line: str) -> subprocess.Popen[str]:
        process = shell(line, checkout, **{name: url})
        shells.callback(ended, process)
        return process

    server = typed(f"{first} --port {free_port}")

    def listens() -> bool:
        assert server.poll() is None, server.communicate()[0]
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", int(free_port))) == 0

    wait_until(listens, within_s=ENDS_S, what="the server to listen")
    running = [(line, typed(line)) for line in lines]

    for line, process in running:
        if not line.startswith("fundload worker"):
            said(process)
    shown = said(typed(status))
    assert "run monday: 20,000 of 20,000 lines appended, complete" in shown
    output = (checkout / "monday.txt").read_bytes()
    assert output == memory_bytes(PROJECT / "configs" / "baseline.yaml", checkout / "loads.txt")
