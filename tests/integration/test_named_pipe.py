"""A pipe with a name, or one that a shell passes on, as the input: read once, like stdin."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest

from tests.support.fleet import COMMAND, PROJECT, Fleet, Member
from tests.support.memory import memory_bytes, sample_bytes

BASELINE = PROJECT / "configs" / "baseline.yaml"
LINES = 300


def begun(fleet: Fleet) -> tuple[Member, Path, BinaryIO]:
    """Start a run on a named pipe, and return it with its output and the end to be written to."""
    pipe, output = fleet.folder / "pipe", fleet.folder / "output"
    os.mkfifo(pipe)
    place = ("--redis-url", fleet.url, "--ledger", fleet.ledger, "--run", fleet.run)
    words = ("--config", str(BASELINE), "--input", str(pipe), "--output", str(output))
    run = fleet.start("run", *words, *place, "--workers", "1")
    return run, output, pipe.open("wb", buffering=0)


def test_a_named_pipe_is_decided_like_a_file(fleet: Fleet) -> None:
    """Opened once: a second look would end whoever writes to it."""
    source = fleet.folder / "sample"
    source.write_bytes(sample_bytes(LINES))
    run, output, writing = begun(fleet)
    with writing:
        writing.write(source.read_bytes())

    assert run.ends() == 0, run.said
    assert output.read_bytes() == memory_bytes(BASELINE, source)


def test_a_producer_killed_at_a_named_pipe_ends_the_run_with_6(fleet: Fleet) -> None:
    """Its successor would wait for ever for another writer: what was read is gone."""
    run, _, writing = begun(fleet)
    with writing:
        writing.write(sample_bytes(LINES))
        fleet.wait_for_answers(LINES // 2)
        family = psutil.Process(run.popen.pid).children(recursive=True)
        (producer,) = [one for one in family if "produce" in one.cmdline()]
        producer.send_signal(signal.SIGKILL)

        assert run.ends() == 6, run.said
    assert "cannot be gone on with; feed it again from its start" in run.said
    assert "fed the same input from its start" in run.said
    assert "Traceback" not in run.said


@pytest.mark.parametrize(
    ("name", "redirected"), [("/dev/fd/7", "7<&0 </dev/null"), ("/dev/stdin", "")]
)
def test_a_descriptor_of_the_shell_is_decided_like_a_file(
    fleet: Fleet, name: str, redirected: str
) -> None:
    """As `<(…)` names one: the process that reads it is another, and has it all the same."""
    source, output = fleet.folder / "sample", fleet.folder / "output"
    source.write_bytes(sample_bytes(LINES))
    place = ("--redis-url", fleet.url, "--ledger", fleet.ledger, "--workers", "1")
    words = ("run", "--config", str(BASELINE), "--input", name, "--output", str(output), *place)

    shell = f"cat {source} | {shlex.join([str(COMMAND), *words])} {redirected}"
    ended = subprocess.run(["sh", "-c", shell], check=False, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert output.read_bytes() == memory_bytes(BASELINE, source)
