"""The output: whole or not there, kept for a resume, refused where it would harm."""

from __future__ import annotations

import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernel.adapters.files.output import OutputFile
from kernel.errors import OutputUnwritable
from tests.unit.files.outputs import expected, expected_reasons, names_in, write


def test_the_output_appears_under_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    """Until `finish` there is a partial file and a checkpoint; after it the output alone."""
    out = tmp_path / "out"
    output = OutputFile(out, fresh=True)
    write(output, 1, 5)
    output.checkpoint()
    write(output, 6, 9)
    during = names_in(tmp_path)

    output.finish()

    assert during == {"out.partial", "out.checkpoint"}
    assert names_in(tmp_path) == {"out"}
    assert out.read_bytes() == expected(9)
    assert (output.lines, output.rows) == (9, 6)


def test_an_empty_run_has_an_empty_output(tmp_path: Path) -> None:
    """No lines are a complete run too."""
    output = OutputFile(tmp_path / "out", fresh=True)
    output.write([], b"", [])
    output.finish()

    assert names_in(tmp_path) == {"out"}
    assert (tmp_path / "out").read_bytes() == b""


def test_reasons_stand_beside_the_output_for_every_line(tmp_path: Path) -> None:
    """Dropped lines have no row, but they have a reason."""
    output = OutputFile(tmp_path / "out", fresh=True, reasons_path=tmp_path / "why")
    write(output, 1, 7)
    before = names_in(tmp_path)

    output.finish()

    assert before == {"out.partial", "out.checkpoint", "why.partial"}
    assert names_in(tmp_path) == {"out", "why"}
    assert (tmp_path / "why").read_bytes() == expected_reasons(7)


def test_odd_ids_are_escaped_in_rows_and_reasons(tmp_path: Path) -> None:
    """Whatever a bad line called its id, the reasons file stays JSON and the output UTF-8."""
    output = OutputFile(tmp_path / "out", fresh=True, reasons_path=tmp_path / "why")
    output.write(["é\ud800\n"], b"\x02", [1], ['é\ud800"\n'])
    output.finish()

    assert (tmp_path / "out").read_bytes() == "é".encode() + b"\\ud800\n"
    assert (tmp_path / "why").read_bytes() == (
        b'{"line":1,"id":"\xc3\xa9\\ud800\\"\\n","answer":"declined","reason":"INVALID_ID_FORMAT"}\n'
    )


def test_force_replaces_the_output_at_the_end_and_not_before(tmp_path: Path) -> None:
    """The old output stands until the new one is complete."""
    (tmp_path / "out").write_bytes(b"old")
    output = OutputFile(tmp_path / "out", fresh=True, force=True)
    write(output, 1, 3)
    before = (tmp_path / "out").read_bytes()
    output.finish()

    assert before == b"old"
    assert (tmp_path / "out").read_bytes() == expected(3)


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Let the system refuse longer files, as a full disk would; Python ignores the signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_stops_the_run_and_keeps_what_was_checkpointed(tmp_path: Path) -> None:
    """Half a row may be in the partial file, but a resume cuts it off and goes on."""
    output = OutputFile(tmp_path / "out", fresh=True)
    write(output, 1, 100)
    output.checkpoint()
    with (
        file_size_limit(len(expected(120)) - 3),
        pytest.raises(OutputUnwritable, match=r"Cannot write '.*out\.partial': File too large"),
    ):
        write(output, 101, 150)
    output.abandon()
    left_behind = names_in(tmp_path)

    resumed = OutputFile(tmp_path / "out", fresh=False)
    lines = resumed.lines
    write(resumed, 101, 150)
    resumed.finish()

    assert left_behind == {"out.partial", "out.checkpoint"}
    assert lines == 100
    assert (tmp_path / "out").read_bytes() == expected(150)


def test_abandoning_without_a_line_leaves_nothing(tmp_path: Path) -> None:
    """A command that failed before its first row leaves no files to wonder about."""
    OutputFile(tmp_path / "out", fresh=False, reasons_path=tmp_path / "why").abandon()

    assert names_in(tmp_path) == set()


def test_what_is_discarded_is_gone(tmp_path: Path) -> None:
    """A throw-away run that failed leaves nothing behind; discarding twice is the same."""
    output = OutputFile(tmp_path / "out", fresh=True, reasons_path=tmp_path / "why")
    write(output, 1, 3)
    output.checkpoint()
    output.discard()
    output.discard()

    assert names_in(tmp_path) == set()


def test_the_output_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    """Decisions on people's money are not for every reader of the machine."""
    output = OutputFile(tmp_path / "out", fresh=True)
    write(output, 1, 1)
    output.finish()

    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


def test_lines_in_any_order_have_an_output_too(tmp_path: Path) -> None:
    """In `completion` the rows stand as they came; each line's code is known, others are not."""
    output = OutputFile(tmp_path / "out", fresh=False, in_order=False)
    output.write(["row 3\n", "row 1\n"], b"\x00\x0a", [3, 1])
    output.checkpoint()

    assert [output.code_at(line) for line in range(5)] == [None, 10, None, 0, None]
    output.finish()
    assert (tmp_path / "out").read_bytes() == b"row 3\nrow 1\n"
