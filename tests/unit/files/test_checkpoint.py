"""The checkpoint: a killed process is gone on from, whatever it left half-written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kernel.adapters.files.checkpoint import (
    CODES_AT,
    SLOT_BYTES,
    CheckpointBroken,
    CheckpointFile,
    CheckpointForeign,
    Mark,
)
from kernel.adapters.files.output import OutputFile
from kernel.errors import IntegrityError, OutputExists, OutputUnwritable, Refused, UsageError
from tests.unit.files.outputs import code_of, expected, expected_reasons, names_in, write


def unfinished(tmp_path: Path, *marks: int, identity: str = "run") -> Path:
    """Leave an output behind, checkpointed at these lines and written a bit further."""
    out = tmp_path / "out"
    output = OutputFile(out, fresh=True, reasons_path=tmp_path / "why", identity=identity)
    done = 0
    for mark in marks:
        write(output, done + 1, mark)
        output.checkpoint()
        done = mark
    write(output, done + 1, done + 7)
    output.abandon()
    return out


def resumed(out: Path, identity: str = "run") -> OutputFile:
    """Go on with it."""
    return OutputFile(out, fresh=False, reasons_path=out.with_name("why"), identity=identity)


def test_a_resume_goes_on_behind_the_last_checkpoint(tmp_path: Path) -> None:
    """Rows behind it are cut off, the codes before it are known, and the result is the same."""
    output = resumed(unfinished(tmp_path, 10, 25))
    start = output.lines
    codes = [output.code_at(line) for line in range(27)]
    write(output, 26, 60)
    output.finish()

    assert start == 25
    assert codes == [None, *map(code_of, range(1, 26)), None]
    assert (tmp_path / "out").read_bytes() == expected(60)
    assert (tmp_path / "why").read_bytes() == expected_reasons(60)
    assert names_in(tmp_path) == {"out", "why"}


def test_checkpoints_go_on_after_a_resume(tmp_path: Path) -> None:
    """The slots are still written in turn, so a second kill loses no more than the first."""
    output = resumed(unfinished(tmp_path, 10, 25))
    write(output, 26, 30)
    output.checkpoint()
    output.abandon()
    again = resumed(tmp_path / "out")

    assert again.lines == 30
    write(again, 31, 33)
    again.finish()
    assert (tmp_path / "out").read_bytes() == expected(33)


@pytest.mark.parametrize("torn", range(2))
def test_a_torn_slot_leaves_the_one_before_it(tmp_path: Path, torn: int) -> None:
    """Whichever slot was being written when the power went, the other one holds."""
    out = unfinished(tmp_path, 10, 25)
    with out.with_name("out.checkpoint").open("r+b") as file:
        file.seek(torn * SLOT_BYTES + 20)
        file.write(b"torn")

    output = resumed(out)

    # The marks have the sequences 1 and 2, so the older is in slot 1 and the newer in slot 0.
    assert output.lines == (10 if torn == 0 else 25)
    write(output, output.lines + 1, 40)
    output.finish()
    assert out.read_bytes() == expected(40)


@pytest.mark.parametrize("size", [0, 7, SLOT_BYTES, CODES_AT])
def test_a_checkpoint_that_never_was_complete_means_the_start(tmp_path: Path, size: int) -> None:
    """A process killed before its first checkpoint acknowledged nothing: all of it comes again."""
    out = unfinished(tmp_path, 10)
    out.with_name("out.checkpoint").write_bytes(bytes(size))

    output = resumed(out)
    write(output, 1, 12)
    output.finish()

    assert out.read_bytes() == expected(12)
    assert output.is_replacing


@pytest.mark.parametrize("name", ["out.partial", "why.partial"])
def test_a_partial_file_shorter_than_its_checkpoint_is_refused(tmp_path: Path, name: str) -> None:
    """What was acknowledged is gone; going on would leave a hole."""
    out = unfinished(tmp_path, 30)
    os.truncate(tmp_path / name, 40)
    before = names_in(tmp_path)

    with pytest.raises(OutputUnwritable, match=f"{name}' holds 40 bytes"):
        resumed(out)

    assert names_in(tmp_path) == before


def test_codes_that_were_changed_are_an_integrity_error(tmp_path: Path) -> None:
    """Answers are compared with the codes, so the codes have a check sum of their own."""
    out = unfinished(tmp_path, 30)
    with out.with_name("out.checkpoint").open("r+b") as file:
        file.seek(CODES_AT + 17)
        file.write(b"\x07")

    with pytest.raises(CheckpointBroken) as broken:
        resumed(out)

    assert isinstance(broken.value, IntegrityError)


def test_another_run_does_not_go_on_with_our_file(tmp_path: Path) -> None:
    """It is refused and everything is left as it was; with `force` it is replaced, and said."""
    out = unfinished(tmp_path, 30)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(CheckpointForeign) as refused:
        resumed(out, identity="other run")

    assert isinstance(refused.value, Refused)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    forced = OutputFile(
        out, fresh=False, reasons_path=tmp_path / "why", force=True, identity="other run"
    )
    assert (forced.lines, forced.is_replacing) == (0, True)
    forced.discard()


def test_a_fresh_output_replaces_what_was_unfinished_and_says_so(tmp_path: Path) -> None:
    """The ledger of a throw-away run is gone, so its rows are of no use."""
    out = unfinished(tmp_path, 30)

    output = OutputFile(out, fresh=True, reasons_path=tmp_path / "why")
    write(output, 1, 4)
    output.finish()

    assert output.is_replacing
    assert out.read_bytes() == expected(4)
    assert (tmp_path / "why").read_bytes() == expected_reasons(4)


def test_a_resume_needs_the_same_choice_about_reasons(tmp_path: Path) -> None:
    """Reasons of the first lines cannot be made up afterwards, nor be left behind half."""
    out = unfinished(tmp_path, 30)

    with pytest.raises(UsageError, match="was begun with --reasons"):
        OutputFile(out, fresh=False, identity="run")

    assert names_in(tmp_path) == {"out.partial", "out.checkpoint", "why.partial"}


@pytest.mark.parametrize("renamed", [["why"], ["why", "out"]])
def test_a_process_killed_between_its_renames_is_gone_on_from(
    tmp_path: Path, renamed: list[str]
) -> None:
    """What was published already is recognised by its length, and the rest is published now."""
    out = unfinished(tmp_path, 30)
    output = resumed(out)
    output.abandon()
    for name in renamed:
        (tmp_path / f"{name}.partial").rename(tmp_path / name)

    again = resumed(out)
    again.checkpoint()
    again.finish()

    assert names_in(tmp_path) == {"out", "why"}
    assert out.read_bytes() == expected(30)
    assert (tmp_path / "why").read_bytes() == expected_reasons(30)


def test_a_finished_output_is_not_gone_on_with(tmp_path: Path) -> None:
    """The same command again, after the end, is refused like any other."""
    out = unfinished(tmp_path, 30)
    resumed(out).finish()

    with pytest.raises(OutputExists):
        resumed(out)


def test_a_checkpoint_counts_only_what_it_returned(tmp_path: Path) -> None:
    """Lines written and not checkpointed are not acknowledged, and come again."""
    output = OutputFile(tmp_path / "out", fresh=True)
    write(output, 1, 5)
    first = output.checkpoint()
    write(output, 6, 9)

    assert first == 5
    assert output.checkpoint() == 9
    output.discard()


def test_marks_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    """Large offsets and the missing reasons survive the packing."""
    place = tmp_path / "checkpoint"
    mark = Mark(lines=3, output_bytes=2**40, reasons_bytes=-1)
    file = CheckpointFile(place, identity="a")
    file.write(Mark(1, 5, -1), bytearray(b"\x00\x01\x02"))
    file.write(mark, bytearray(b"\x00\x01\x02\x03"))
    file.close()

    again = CheckpointFile(place, identity="a")

    assert again.latest() == (mark, bytearray(b"\x00\x01\x02"))
    again.discard()
    assert names_in(tmp_path) == set()
