"""The input that cannot be taken: missing, unreadable, edited; each with its own sentence."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.adapters.files.source import InputEdited, LineSource
from kernel.errors import InputUnreadable, Refused, UsageError


@pytest.mark.parametrize(
    ("edited", "how"),
    [
        (b"one\ntWo\nthree\n", "not the same"),
        (b"one\n", "ends after 4 of 8 bytes"),
        (b"", "ends after 0 of 8 bytes"),
    ],
)
def test_an_edited_input_is_refused(tmp_path: Path, edited: bytes, how: str) -> None:
    """A run never goes on with other lines than it began with."""
    (tmp_path / "lines").write_bytes(edited)
    digest = hashlib.sha256(b"one\ntwo\n").hexdigest()

    with (
        LineSource(tmp_path / "lines", chunk_lines_max=9) as lines,
        pytest.raises(InputEdited, match=how) as refused,
    ):
        lines.skip_to(8, digest, 2)

    assert isinstance(refused.value, Refused)


def test_a_last_line_that_has_grown_is_an_edited_input(tmp_path: Path) -> None:
    """The line without an end was answered already, so more of it cannot be taken."""
    (tmp_path / "lines").write_bytes(b"one\ntwo and more\n")
    digest = hashlib.sha256(b"one\ntwo").hexdigest()

    with (
        LineSource(tmp_path / "lines", chunk_lines_max=9) as lines,
        pytest.raises(InputEdited, match="line 2 goes on"),
    ):
        lines.skip_to(7, digest, 2)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing", "There is no input '.*missing': give the path of a file, or '-'"),
        ("missing/lines", "There is no input"),
        (".", "is a directory: give the path of a file"),
        ("lines/below", "Cannot open the input '.*': Not a directory"),
    ],
)
def test_an_input_that_cannot_be_read_is_a_usage_error(
    tmp_path: Path, name: str, sentence: str
) -> None:
    """Each has its own sentence, and says what may be given instead."""
    (tmp_path / "lines").write_bytes(b"")

    with pytest.raises(InputUnreadable, match=sentence) as refused:
        LineSource(tmp_path / name, chunk_lines_max=9)

    assert isinstance(refused.value, UsageError)


def test_an_input_of_somebody_else_is_a_usage_error(tmp_path: Path) -> None:
    """A file that may not be read is named with the reason."""
    path = tmp_path / "lines"
    path.touch(mode=0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        with pytest.raises(InputUnreadable, match="Permission denied"):
            LineSource(path, chunk_lines_max=9)
    finally:
        if is_root:
            os.seteuid(0)


def test_an_input_that_fails_in_the_middle_is_a_usage_error() -> None:
    """What the system refuses while reading is said in a sentence too."""
    with (
        LineSource("/proc/self/mem", chunk_lines_max=9) as lines,
        pytest.raises(InputUnreadable, match="Cannot read the input '/proc/self/mem'"),
    ):
        lines.read_chunk()


def test_a_closed_standard_input_is_a_usage_error() -> None:
    """A command started without a standard input says so instead of ending in a traceback."""
    script = (
        "from kernel.adapters.files.source import LineSource; LineSource('-', chunk_lines_max=1)"
    )
    shell = f'exec "{sys.executable}" -c "{script}" <&-'

    ended = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)

    assert "InputUnreadable: Cannot open the standard input" in ended.stderr


def test_reading_opens_no_more_descriptors_than_it_closes(tmp_path: Path) -> None:
    """A source that was refused, or was closed twice, leaves no descriptor behind."""
    (tmp_path / "lines").write_bytes(b"a\n")
    before = open_descriptors()

    for _ in range(3):
        with LineSource(tmp_path / "lines", chunk_lines_max=9) as lines:
            lines.close()
        with pytest.raises(InputUnreadable):
            LineSource(tmp_path, chunk_lines_max=9)

    assert open_descriptors() == before


def open_descriptors() -> list[int]:
    """Return the low descriptors of this process that are open."""
    found = []
    for descriptor in range(200):
        try:
            os.fstat(descriptor)
        except OSError:
            continue
        found.append(descriptor)
    return found
