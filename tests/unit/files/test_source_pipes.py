"""The input from a pipe: what is there is read, a slow writer is waited for, nothing is lost."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernel.adapters.files.source import BOM, LineSource


@contextmanager
def pipe_as_path() -> Iterator[tuple[Path, int]]:
    """Give a real pipe: the path of its reading end, and the descriptor of its writing end."""
    reading, writing = os.pipe()
    try:
        yield Path(f"/dev/fd/{reading}"), writing
    finally:
        os.close(reading)


def test_a_pipe_gives_what_is_there_and_waits_for_no_full_chunk() -> None:
    """A slow writer's lines are read while it still holds the pipe open."""
    with pipe_as_path() as (path, writing), LineSource(path, chunk_lines_max=100) as lines:
        os.write(writing, b"one\ntwo\nthr")
        first = lines.read_chunk()
        os.write(writing, b"ee\n")
        second = lines.read_chunk()
        os.close(writing)
        third = lines.read_chunk()

    assert first is not None
    assert (first.raw, first.first_line) == (b"one\ntwo\n", 1)
    assert second is not None
    assert (second.raw, second.first_line) == (b"three\n", 3)
    assert third is None


def test_a_pipe_with_much_in_it_gives_full_chunks() -> None:
    """Whatever is at hand goes into one chunk, up to the bound; the rest into the next."""
    with pipe_as_path() as (path, writing), LineSource(path, chunk_lines_max=4) as lines:
        os.write(writing, b"a\nb\nc\nd\ne\nf\ng")
        os.close(writing)
        chunks = list(iter(lines.read_chunk, None))

    assert [chunk.raw for chunk in chunks] == [b"a\nb\nc\nd\n", b"e\nf\ng"]


@pytest.mark.parametrize("start", [b"", BOM[:2], b"half a line"])
def test_waiting_for_a_line_can_be_limited(start: bytes) -> None:
    """The caller gets an empty chunk in time, may do something else, and nothing is lost."""
    with pipe_as_path() as (path, writing), LineSource(path, chunk_lines_max=9) as lines:
        os.write(writing, start)
        waited = lines.read_chunk(within_ms=5)
        os.write(writing, b"\xbf!\n")
        os.close(writing)
        chunk = lines.read_chunk(within_ms=1000)
        ended = lines.read_chunk(within_ms=1000)

    assert waited is not None
    assert waited.lines == 0
    assert chunk is not None
    assert chunk.raw == (start + b"\xbf!\n").removeprefix(BOM)
    assert ended is None


def test_a_pipe_made_non_blocking_by_others_is_waited_for() -> None:
    """Who shares the pipe may set it non-blocking; we wait for its writer as before."""
    content = b"one\ntwo\nthree\n"
    with pipe_as_path() as (path, writing), LineSource(path, chunk_lines_max=9) as lines:
        os.set_blocking(lines._descriptor, False)  # noqa: SLF001 - what another process would do
        script = f"import os; os.write(1, {content!r})"
        with subprocess.Popen([sys.executable, "-c", script], stdout=writing):
            os.close(writing)
            lines.skip_to(8, hashlib.sha256(content[:8]).hexdigest(), 2)
            chunk = lines.read_chunk()

        assert chunk is not None
        assert chunk.raw == b"three\n"
        assert lines.read_chunk() is None


def test_a_pipe_is_resumed_by_feeding_it_again() -> None:
    """The skipped bytes are read from the pipe, hashed and compared."""
    content = b"one\ntwo\nthree\n"
    with pipe_as_path() as (path, writing), LineSource(path, chunk_lines_max=9) as lines:
        os.write(writing, content)
        os.close(writing)
        lines.skip_to(8, hashlib.sha256(content[:8]).hexdigest(), 2)
        chunk = lines.read_chunk()

    assert chunk is not None
    assert (chunk.raw, chunk.first_line, chunk.offset_after) == (b"three\n", 3, 14)
