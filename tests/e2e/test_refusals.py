"""What cannot be done as asked: an exit code, one sentence that says what to do, nothing written.

None of these needs a server, and none may wait for one: where an address is asked for, nobody
answers there.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.fleet import COMMAND, PROJECT, environment

CONFIG: Final = PROJECT / "configs" / "baseline.yaml"
AWAY: Final = "--redis-url redis://127.0.0.1:1"
PRODUCE: Final = f"produce --config {CONFIG} {AWAY} --ledger l --run r"
COLLECT: Final = f"collect {AWAY} --ledger l --run r"
RUN: Final = f"run --config {CONFIG}"
MEMORY: Final = f"{RUN} --profile memory"

#: Words, exit code, what the sentence says. `in` is an input and `old` an output; the rest is not.
CASES: Final[tuple[tuple[str, int, str], ...]] = (
    *(
        case
        for verb in (PRODUCE, f"{RUN} --output out", f"{MEMORY} --output out")
        for case in (
            (f"{verb} --input none", 2, "There is no input 'none'"),
            (f"{verb} --input .", 2, "'.' is a directory: give the path of a file"),
            (f"{verb} --input socket", 2, "'socket'"),
        )
    ),
    *(
        case
        for verb in (COLLECT, f"{RUN} --input in", f"{MEMORY} --input in")
        for case in (
            (f"{verb} --output old", 7, "'old' exists: give another --output, or --force"),
            (f"{verb} --output none/out", 2, "no directory 'none'"),
            (f"{verb} --output dir", 2, "'dir' is a directory"),
            (f"{verb} --output ''", 2, "names no file"),
            (f"{verb} --output out --reasons out", 2, "name the same file"),
            (f"{verb} --output out --reasons old", 7, "'old' exists"),
        )
    ),
    (f"{RUN} --input in --output in --force", 2, "'in' is the input"),
    (f"{RUN} --input in --output out --workers 0", 2, "a fleet has 1 to 256 workers"),
    (f"{RUN} --input in --output out --workers two", 2, "--workers"),
    (f"{RUN} --input in --output out --ledger prod", 2, "--ledger prod needs --redis-url"),
    (f"{RUN} --input in --output out --run a/b", 2, "1 to 64 of the characters"),
    (f"{RUN} --input in --output out {AWAY}", 4, "no Redis answers at redis://127.0.0.1:1"),
    (f"{MEMORY} --input in --output out --workers 2", 2, "--workers has no meaning there"),
    (f"{MEMORY} --input in --output out {AWAY}", 2, "--redis-url has no meaning there"),
    (f"{MEMORY} --input in --output out --ledger l", 2, "--ledger has no meaning there"),
    (f"{RUN} --input in --output out --profile other", 2, "--profile"),
    ("run --config none --input in --output out", 2, "none: cannot read the configuration"),
    (f"{PRODUCE} --input in", 4, "no Redis answers at redis://127.0.0.1:1"),
    (f"{COLLECT} --output out", 4, "start one there, or correct --redis-url"),
    (f"worker {AWAY} --ledger l", 4, "no Redis answers at redis://127.0.0.1:1"),
    (f"status {AWAY} --ledger l", 4, "no Redis answers at redis://127.0.0.1:1"),
    ("status --redis-url redis://me:secret@127.0.0.1:1 --ledger l", 4, "redis://***@127.0.0.1:1"),
    ("worker --redis-url http://127.0.0.1:1 --ledger l", 2, "use redis://host:port or unix:///"),
    ("status --redis-url redis://127.0.0.1:port --ledger l", 2, "not a Redis address"),
    (f"worker {AWAY} --ledger 'a b'", 2, "1 to 64 of the characters A-Z a-z 0-9 . _ -"),
    (f"collect {AWAY} --ledger l --run a/b --output out", 2, "1 to 64 of the characters"),
    (f"worker {AWAY} --ledger l --wait -1", 2, "--wait"),
    (f"{RUN} --input in --output out --keys k", 2, "--keys k needs --ledger"),
    (f"{MEMORY} --input in --output out --keys k", 2, "--keys has no meaning there"),
    (f"worker {AWAY} --ledger l --keys none", 2, "cannot read the key file"),
    ("keys rotate --keys in", 2, "chmod 600"),
    ("keys new --keys old", 7, "a key that is overwritten is lost"),
    (f"worker {AWAY}", 2, "Missing option '--ledger'"),
    ("worker --ledger l", 2, "Missing option '--redis-url'"),
    (f"{COLLECT} --output out --wait soon", 2, "--wait"),
    ("sample --lines -1 --output out", 2, "--lines is -1"),
    ("sample --lines 10 --bad 2 --output out", 2, "--bad is 2.0: give a number from 0 to 1"),
    ("sample --lines 10 --output old", 7, "'old' exists"),
    ("sample --output out", 2, "Missing option '--lines'"),
    ("decide --input in", 2, "No such command 'decide'"),
)

#: A line of a configuration, what it is replaced by, what is said.
BAD_CONFIGS: Final[tuple[tuple[str, str, str], ...]] = (
    ("daily_attempts: 3", "daily_attempts: 3\n    hourly_attempts: 1", "hourly_attempts"),
    ("daily_attempts: 3", 'daily_attempts: "3"', "daily_attempts: must be a whole number"),
    ('daily_amount: "5000.00"', "daily_amount: 5000.00", "daily_amount: must be an amount in quo"),
    ("version: 1", "version: 2", "version"),
    ("\nrules:", "\nrules: [", "bad.yaml:6:17: not valid YAML"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with an input, an output that is there already, a folder and a socket."""
    (tmp_path / "in").write_bytes(b"{}\n")
    (tmp_path / "old").write_bytes(b"kept\n")
    (tmp_path / "dir").mkdir()
    here = Path.cwd()
    os.chdir(tmp_path)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
    finally:
        os.chdir(here)
    return tmp_path


def assert_refused(folder: Path, words: str, code: int, says: str) -> None:
    """Run a command and hold its end to the promise of this file."""
    before = {path.name: path.is_file() and path.read_bytes() for path in folder.iterdir()}

    ended = subprocess.run(
        [COMMAND, *shlex.split(words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=folder,
        env=environment(),
        text=True,
        timeout=40,
        check=False,
    )

    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    after = {path.name: path.is_file() and path.read_bytes() for path in folder.iterdir()}
    assert after == before


@pytest.mark.row("Redis down at the start; LOADING; READONLY")
@pytest.mark.parametrize(("words", "code", "says"), CASES, ids=[case[0][-60:] for case in CASES])
def test_what_cannot_be_done_is_refused(folder: Path, words: str, code: int, says: str) -> None:
    """At once, with the right code, a sentence, and every file as it was."""
    assert_refused(folder, words, code, says)


@pytest.mark.parametrize(("line", "instead", "says"), BAD_CONFIGS)
def test_a_configuration_that_says_nonsense_is_refused(
    folder: Path, line: str, instead: str, says: str
) -> None:
    """An unknown key, a wrong type, an amount that is no text: named by path, exit 2."""
    text = CONFIG.read_text("utf-8")
    assert line in text
    (folder / "bad.yaml").write_text(text.replace(line, instead, 1), "utf-8")

    assert_refused(folder, "run --config bad.yaml --input in --output out", 2, says)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_input_that_may_not_be_read_is_refused(folder: Path) -> None:
    """The system's own reason is part of the sentence."""
    (folder / "in").chmod(0)
    ended = subprocess.run(
        [COMMAND, *shlex.split(f"{PRODUCE} --input in")],
        capture_output=True,
        cwd=folder,
        env=environment(),
        text=True,
        timeout=40,
        check=False,
    )

    assert ended.returncode == 2
    assert "Permission denied" in ended.stderr


@pytest.mark.parametrize(
    "verb",
    [
        *("run", "produce", "worker", "collect", "status", "sample", "partition"),
        *("keys", "keys new", "keys rotate", "keys list", "keys retire"),
        *("partition list", "partition show", "partition resume", "partition skip"),
    ],
)
def test_every_verb_explains_itself_with_an_example(verb: str) -> None:
    """`--help` needs neither server nor configuration, and shows a command to copy."""
    shown = subprocess.run(
        [COMMAND, *verb.split(), "--help"], capture_output=True, text=True, timeout=40, check=True
    )

    assert f"Example: fundload {verb}" in shown.stdout
    assert shown.stderr == ""
