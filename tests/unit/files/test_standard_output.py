"""Rows to standard output: as they are written, and a quiet end when the reader has left."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.adapters.files.partial import OutputClosed, StandardOutput
from kernel.errors import OutputUnwritable
from tests.unit.files.outputs import names_in


def run_script(lines: str, stdout: int) -> subprocess.CompletedProcess[bytes]:
    """Run a few lines that write to a standard output."""
    script = f"from kernel.adapters.files.output import OutputFile\n{lines}"
    return subprocess.run(
        [sys.executable, "-c", script], stdout=stdout, stderr=subprocess.PIPE, check=False
    )


def test_standard_output_gets_the_rows_and_nothing_else(tmp_path: Path) -> None:
    """No partial file, no checkpoint, no rename: the rows go out as they are written."""
    ended = run_script(
        "output = OutputFile('-', fresh=True)\n"
        "output.write(['one\\n', ''], bytes([0, 65]), [1, 2])\n"
        "assert output.checkpoint() == 2\n"
        "output.finish()",
        subprocess.PIPE,
    )

    assert (ended.stdout, ended.stderr) == (b"one\n", b"")
    assert names_in(tmp_path) == set()


def test_standard_output_may_have_reasons_beside_it(tmp_path: Path) -> None:
    """Rows to a pipe, reasons to a file that appears at the end."""
    ended = run_script(
        f"output = OutputFile('-', fresh=True, reasons_path={str(tmp_path / 'why')!r})\n"
        "output.write(['one\\n'], bytes([0]), [1], ['1'])\n"
        "output.finish()",
        subprocess.PIPE,
    )

    assert ended.stdout == b"one\n"
    assert names_in(tmp_path) == {"why"}


def test_a_full_device_is_told_from_a_reader_that_left() -> None:
    """A full disk behind `> file` is an error, not a quiet end."""
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OutputUnwritable, match=os.strerror(errno.ENOSPC)):
            StandardOutput(full).write(b"row\n")
    finally:
        os.close(full)


def test_a_reader_that_left_has_an_exception_of_its_own() -> None:
    """`fundload … | head` is no failure: it is a `BrokenPipeError`, which ends quietly."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with pytest.raises(OutputClosed):
            StandardOutput(writing).write(b"row\n")
    finally:
        os.close(writing)


def test_a_slow_reader_of_a_non_blocking_pipe_gets_everything() -> None:
    """A pipe that somebody set non-blocking is waited for, as if it were not."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    blob = b"0123456789" * 100_000
    script = "import sys; sys.stdout.write(str(len(sys.stdin.buffer.read())))"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=reading, stdout=subprocess.PIPE
    ) as reader:
        os.close(reading)
        StandardOutput(writing).write(blob)
        os.close(writing)
        read, _ = reader.communicate(timeout=20)

    assert read == b"1000000"
