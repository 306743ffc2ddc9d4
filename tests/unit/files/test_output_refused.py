"""Outputs that are refused, because they cannot be or would harm what is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kernel.adapters.files.output import OutputFile
from kernel.errors import LeaseHeld, OutputExists, OutputUnwritable, UsageError
from tests.unit.files.outputs import expected, names_in, write


def test_an_existing_output_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Without `force` nothing is created and nothing is changed."""
    (tmp_path / "out").write_bytes(b"precious")

    with pytest.raises(OutputExists, match="--force"):
        OutputFile(tmp_path / "out", fresh=True)

    assert names_in(tmp_path) == {"out"}
    assert (tmp_path / "out").read_bytes() == b"precious"


def test_an_existing_reasons_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The same for the file beside the output, before anything of the output is created."""
    (tmp_path / "why").write_bytes(b"precious")

    with pytest.raises(OutputExists, match="why"):
        OutputFile(tmp_path / "out", fresh=True, reasons_path=tmp_path / "why")

    assert names_in(tmp_path) == {"why"}


def test_a_link_without_a_target_counts_as_an_existing_output(tmp_path: Path) -> None:
    """The name is taken, whether or not something is behind it."""
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")

    with pytest.raises(OutputExists):
        OutputFile(tmp_path / "out", fresh=True)


def test_an_output_that_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """Somebody else's file that took the name during the run is kept, and so is our partial."""
    output = OutputFile(tmp_path / "out", fresh=True)
    write(output, 1, 3)
    (tmp_path / "out").write_bytes(b"somebody's")

    with pytest.raises(OutputExists):
        output.finish()
    output.abandon()

    assert (tmp_path / "out").read_bytes() == b"somebody's"
    assert (tmp_path / "out.partial").read_bytes() == expected(3)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no/such/out", "There is no directory '.*no/such' to write 'out' in: make it first"),
        (".", "is a directory: give the path of a file"),
        ("pipe", "is no regular file: give the path of a file, or '-'"),
        ("n" * 300, "Cannot write '.*': File name too long"),
        ("looped", "Cannot write '.*': Too many levels of symbolic links"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_an_output_that_cannot_be_written_is_a_usage_error(
    tmp_path: Path, name: str, sentence: str, *, force: bool
) -> None:
    """Each has its own sentence; `force` does not turn a device or a directory into a file."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "looped.partial").symlink_to(tmp_path / "looped.partial")
    before = names_in(tmp_path)

    with pytest.raises(OutputUnwritable, match=sentence) as refused:
        OutputFile(tmp_path / name, fresh=True, force=force)

    assert isinstance(refused.value, UsageError)
    assert names_in(tmp_path) == before


def test_a_directory_of_somebody_else_is_a_usage_error(tmp_path: Path) -> None:
    """A place without the right to write is named with the reason."""
    place = tmp_path / "theirs"
    place.mkdir(mode=0o555)
    is_root = os.geteuid() == 0
    if is_root:
        tmp_path.chmod(0o755)
        os.seteuid(65534)
    try:
        with pytest.raises(OutputUnwritable, match="Permission denied"):
            OutputFile(place / "out", fresh=True)
    finally:
        if is_root:
            os.seteuid(0)

    assert names_in(place) == set()


@pytest.mark.parametrize(
    ("output", "reasons"),
    [("out", "out"), ("out", "out.partial"), ("out", "out.checkpoint"), ("why.partial", "why")],
)
def test_output_and_reasons_need_files_of_their_own(
    tmp_path: Path, output: str, reasons: str
) -> None:
    """No name may be written twice, not even for a while."""
    with pytest.raises(UsageError, match="same file"):
        OutputFile(tmp_path / output, fresh=True, reasons_path=tmp_path / reasons)

    assert names_in(tmp_path) == set()


@pytest.mark.parametrize(("output", "reasons"), [("", None), ("out", ""), ("/", None), ("-", "-")])
def test_names_that_name_no_file_are_refused(output: str, reasons: str | None) -> None:
    """An empty path or a root directory is a mistake of the caller's."""
    with pytest.raises(UsageError):
        OutputFile(output, fresh=True, reasons_path=reasons)


def test_two_processes_cannot_write_one_output(tmp_path: Path) -> None:
    """The second one is refused while the first is at work, and may come when it has left."""
    first = OutputFile(tmp_path / "out", fresh=True)
    write(first, 1, 3)

    with pytest.raises(LeaseHeld):
        OutputFile(tmp_path / "out", fresh=True)
    write(first, 4, 6)
    first.discard()
    second = OutputFile(tmp_path / "out", fresh=True)
    write(second, 1, 2)
    second.finish()

    assert (tmp_path / "out").read_bytes() == expected(2)
