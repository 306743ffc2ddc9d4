"""The input: whole lines in order, bounded memory, an honest digest, refused when edited."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.adapters.files import source
from kernel.adapters.files.lines import KEPT_BYTES, end_of_line, start_of_long_line
from kernel.adapters.files.source import BOM, LineSource, SourceChunk
from kernel.domain.attempt import LINE_BYTES_MAX, parse_line


def chunks_of(path: Path, lines_max: int) -> list[SourceChunk]:
    """Read a whole file."""
    with LineSource(path, chunk_lines_max=lines_max) as lines:
        return list(iter(lines.read_chunk, None))


def expected_lines(content: bytes) -> list[bytes]:
    """Return what a reader that holds everything in memory would hand on."""
    pieces = content.removeprefix(BOM).split(b"\n")
    if not pieces[-1]:
        pieces.pop()
    return [piece[:KEPT_BYTES] for piece in pieces]


line_bytes = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([b"", b"\r", b" ", BOM, b'{"id":"1"}', b"x\r"]),
    st.sampled_from([LINE_BYTES_MAX - 1, LINE_BYTES_MAX, LINE_BYTES_MAX + 1]).map(b"y".__mul__),
    st.sampled_from([KEPT_BYTES, KEPT_BYTES + 1, 3 * KEPT_BYTES]).map(b"z".__mul__),
)
contents = st.tuples(st.sampled_from([b"", BOM]), st.lists(line_bytes, max_size=12)).map(
    lambda parts: parts[0] + b"\n".join(parts[1])
)


@given(content=contents, lines_max=st.integers(1, 7))
def test_chunks_are_the_input_cut_at_line_ends(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, lines_max: int
) -> None:
    """Put together, chunks are the input, except for the mark at its start and too long lines."""
    path = tmp_path_factory.mktemp("input") / "lines"
    path.write_bytes(content)

    chunks = chunks_of(path, lines_max)

    lines = [line for chunk in chunks for line in expected_lines(BOM + chunk.raw)]
    assert lines == expected_lines(content)
    read = 0
    for chunk in chunks:
        assert 1 <= chunk.lines <= lines_max
        assert chunk.first_line == read + 1
        assert chunk.lines == len(expected_lines(BOM + chunk.raw))
        assert chunk.digest_after == hashlib.sha256(content[: chunk.offset_after]).hexdigest()
        read += chunk.lines
    assert all(chunk.raw.endswith(b"\n") for chunk in chunks[:-1])
    if chunks:
        assert chunks[-1].offset_after == len(content)


@given(content=contents, lines_max=st.integers(1, 5), at=st.integers(0, 11))
def test_a_resumed_input_goes_on_as_if_it_had_not_stopped(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, lines_max: int, at: int
) -> None:
    """After a skip to where any chunk ended, the same chunks follow."""
    path = tmp_path_factory.mktemp("input") / "lines"
    path.write_bytes(content)
    chunks = chunks_of(path, lines_max)
    at = min(at, len(chunks))
    stand = chunks[at - 1] if at else SourceChunk(b"", 0, 1, 0, hashlib.sha256().hexdigest())

    with LineSource(path, chunk_lines_max=lines_max) as lines:
        last_line = stand.first_line + stand.lines - 1
        lines.skip_to(stand.offset_after, stand.digest_after, last_line)
        rest = list(iter(lines.read_chunk, None))

    assert rest == chunks[at:]


@given(text=st.lists(st.sampled_from([b"\n", b"ab", b"x" * 300]), max_size=400).map(b"".join))
def test_the_nth_line_end_is_found_wherever_it_is(text: bytes) -> None:
    """The search back from the end agrees with counting from the start."""
    total = text.count(b"\n")
    ends = [index + 1 for index, byte in enumerate(text) if byte == ord("\n")]

    found = [end_of_line(bytearray(text), count, total) for count in range(1, total)]

    assert found == ends[:-1]


@pytest.mark.parametrize("text", [b"\n" * 9000, b"abc\n" * 5000, (b"\n" * 50 + b"x" * 500) * 90])
def test_the_nth_line_end_is_found_far_from_the_end(text: bytes) -> None:
    """Long strides and halving go both ways when much more was read than is needed."""
    ends = [index + 1 for index, byte in enumerate(text) if byte == ord("\n")]

    for count in range(1, len(ends), 97):
        assert end_of_line(bytearray(text), count, len(ends)) == ends[count - 1]


@pytest.mark.parametrize("before", [0, 1, LINE_BYTES_MAX // 2 - 1, LINE_BYTES_MAX // 2 + 1])
@pytest.mark.parametrize("excess", [0, 1])
def test_a_too_long_line_is_found_wherever_it_starts(before: int, excess: int) -> None:
    """One byte decides, at every alignment to the windows of the search."""
    text = bytearray(b"a" * before + b"\n" + b"b" * (KEPT_BYTES + excess) + b"\nc\n")

    found = start_of_long_line(text, len(text))

    assert found == (before + 1 if excess else -1)


@pytest.mark.parametrize("ending", [b"", b"\r"])
@pytest.mark.parametrize("excess", [0, 1, 2, 3, 100_000])
def test_the_parser_sees_a_cut_line_as_it_saw_the_whole_one(
    tmp_path: Path, ending: bytes, excess: int
) -> None:
    """Cutting never turns a too long line into a good one, nor a good one into a bad one."""
    head, tail = (
        b'{"id":"1","customer_id":"2","load_amount":"$1.00",',
        b'"time":"2000-01-01T00:00:00Z"}',
    )
    line = head + b" " * (LINE_BYTES_MAX - len(head) - len(tail) + excess) + tail + ending
    (tmp_path / "lines").write_bytes(line + b"\n" + head + tail + b"\n")

    chunks = chunks_of(tmp_path / "lines", 100)

    handed_on = [piece for chunk in chunks for piece in chunk.raw.split(b"\n")[:-1]]
    assert [parse_line(piece) for piece in handed_on] == [parse_line(line), parse_line(head + tail)]


def test_many_long_lines_do_not_add_up_to_a_large_chunk(tmp_path: Path) -> None:
    """A chunk is bounded in bytes too, whatever the number of lines allowed."""
    path = tmp_path / "lines"
    path.write_bytes((b"x" * 60_000 + b"\n") * 300)

    chunks = chunks_of(path, 8192)

    assert sum(chunk.lines for chunk in chunks) == 300
    assert max(len(chunk.raw) for chunk in chunks) <= source.CHUNK_BYTES_MAX


def test_a_line_of_thirty_megabytes_takes_little_memory(tmp_path: Path) -> None:
    """The rest of a too long line is hashed and dropped block by block, in a file and in a pipe."""
    path = tmp_path / "lines"
    with path.open("wb") as file:
        file.writelines([b'{"id":"1"}\n', *[b"x" * 1_000_000] * 30, b"\n", b'{"id":"2"}\n'])
    script = textwrap.dedent(
        """
        import resource, sys
        from kernel.adapters.files.source import LineSource
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with LineSource(sys.argv[1], chunk_lines_max=8192) as lines:
            chunks = list(iter(lines.read_chunk, None))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(grown, sum(chunk.lines for chunk in chunks), chunks[-1].digest_after)
        """
    )
    with path.open("rb") as file:
        ended = [
            subprocess.run(
                [sys.executable, "-c", script, name],
                stdin=stdin,
                capture_output=True,
                check=True,
                text=True,
            )
            for name, stdin in ((os.fspath(path), None), ("-", file))
        ]

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for one in ended:
        grown_kib, lines, found = one.stdout.split()
        assert int(grown_kib) < 12 * 1024
        assert (int(lines), found) == (3, digest)


@pytest.mark.parametrize("content", [b"", BOM])
def test_an_input_without_lines_ends_at_once(tmp_path: Path, content: bytes) -> None:
    """An empty file, or one with only a byte-order mark, has no lines."""
    (tmp_path / "lines").write_bytes(content)

    assert chunks_of(tmp_path / "lines", 9) == []
