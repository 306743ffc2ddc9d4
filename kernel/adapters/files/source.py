r"""The input: chunks of whole lines, in bounded memory, with a running digest.

Lives here: opening a file or standard input, cutting it into chunks, skipping to where a run was
resumed. Not here: what a line means (`kernel.domain.attempt`) and how far a run is (the producer).

1. Lines end with "\n" and nothing else. The last piece of the input counts if it is not empty.
2. One byte-order mark at the start of the input is skipped: hashed and counted, never handed on.
3. A line of more than 65,536 bytes is handed on cut to 65,538 bytes, in a chunk of its own: still
   too long for the parser, also after a "\r" is dropped, and bounded in memory.
   All of its bytes are hashed and counted.
4. A regular file gives full chunks. Anything else (pipe, terminal, socket) gives what is there,
   so that a slow writer waits for nobody.
5. Offset and digest are those of the input's own bytes up to the end of the chunk, so that a
   resumed run knows whether it is fed the same input.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import select
import stat
import sys
import time
from types import TracebackType
from typing import Final, NamedTuple, Self

from kernel.adapters.files.lines import KEPT_BYTES, end_of_line, start_of_long_line
from kernel.errors import InputUnreadable, Refused

#: How an input or output names the standard stream.
STANDARD: Final = "-"
BOM: Final = b"\xef\xbb\xbf"
#: A chunk ends here even when it has few lines, so that long lines cannot fill the memory.
CHUNK_BYTES_MAX: Final = 4 << 20
PIPE_BYTES: Final = 1 << 20
READ_BYTES_MIN: Final = 1 << 16


class InputEdited(Refused):
    """The input is not the one that this run has begun with."""

    category = "input_edited"


class SourceChunk(NamedTuple):
    """Consecutive lines, and where the input stands behind them.

    No lines (`lines == 0`) means that nothing whole has come within the time allowed.
    """

    raw: bytes
    lines: int
    first_line: int
    offset_after: int
    digest_after: str


class LineSource:
    """One input, read once from its start. Not for use by two threads."""

    def __init__(self, path: str | os.PathLike[str], *, chunk_lines_max: int) -> None:
        """Open the input.

        Raises:
            InputUnreadable: there is no such file, it is a directory, or it may not be read.
        """
        assert chunk_lines_max > 0
        self.chunk_lines_max = chunk_lines_max
        self.name = "standard input" if path == STANDARD else f"input '{os.fspath(path)}'"
        self._descriptor, self._is_live = open_input(path, self.name)
        self._digest = hashlib.sha256()
        self._held = bytearray()
        self._ends = 0  # line ends in what is held
        self._offset = 0
        self._line = 0
        self._line_bytes = 100.0  # an average, to read about what the next chunk needs
        self._is_ended = False
        self._is_started = False

    @property
    def can_reopen(self) -> bool:
        """Say whether the input can be read a second time from its start: a regular file can."""
        return not self._is_live

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; standard input stays open. May be called twice."""
        if self._descriptor > 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def read_chunk(self, within_ms: int | None = None) -> SourceChunk | None:
        """Return the next lines, or None at the end of the input.

        A regular file never waits. Anything else waits for one whole line, for ever or for
        `within_ms`; then the chunk has no lines, and the caller may renew a lease and ask again.

        Raises:
            InputUnreadable: reading failed; nothing of this call was handed on.
        """
        deadline = None if within_ms is None else time.monotonic() + within_ms / 1000
        if not self._is_started and not self._skip_bom(deadline):
            return self._stand(b"", 0)
        if not self._fill(deadline):
            return self._stand(b"", 0)
        if not self._held:
            return None
        cut, lines = self._cut()
        return self._hand_on(cut, lines) if lines else self._hand_on_shortened()

    def skip_to(self, offset: int, digest: str, line: int) -> None:
        """Read and hash the input up to where a run was resumed; the first thing ever called.

        Args:
            offset: bytes consumed so far, as a chunk's `offset_after` said.
            digest: the chunk's `digest_after`.
            line: number of the last line before the offset; the next chunk starts behind it.

        Raises:
            InputEdited: the input is shorter, or other bytes stand before the offset.
            InputUnreadable: reading failed.
        """
        assert not self._offset
        last = b"\n"
        while self._offset < offset:
            if not self._held and not self._read(READ_BYTES_MIN):
                raise self._edited(f"it ends after {self._offset} of {offset} bytes")
            last = self._consume(min(len(self._held), offset - self._offset))[-1:]
        self._ends = self._held.count(b"\n")
        self._line = line
        self._is_started = offset > 0
        if self._digest.hexdigest() != digest:
            raise self._edited(f"its first {offset} bytes are not the same")
        if last != b"\n" and (self._held or self._read(READ_BYTES_MIN)):
            raise self._edited(f"line {line} goes on behind its old end")

    def _edited(self, how: str) -> InputEdited:
        """Return the refusal, with what the caller can do about it."""
        return InputEdited(
            f"The {self.name} is not what this run began with: {how}. "
            f"Feed the input as it was, or start a new run with another --run name."
        )

    def _skip_bom(self, deadline: float | None) -> bool:
        """Drop a byte-order mark; False when too little has come to tell."""
        while len(self._held) < len(BOM) and BOM.startswith(self._held) and not self._is_ended:
            if not self._is_readable(deadline):
                return False
            self._read(READ_BYTES_MIN)
        if self._held.startswith(BOM):
            self._consume(len(BOM))
        self._is_started = True
        return True

    def _fill(self, deadline: float | None) -> bool:
        """Read until a chunk can be cut; False when time is up before the first whole line."""
        held = self._held
        while not self._is_ended and self._ends < self.chunk_lines_max:
            if len(held) >= (CHUNK_BYTES_MAX if self._ends else KEPT_BYTES + 1):
                break
            patience = time.monotonic() if self._ends else deadline
            if not self._is_readable(patience):
                return self._ends > 0
            wanted = int((self.chunk_lines_max - self._ends) * self._line_bytes) + 4096
            self._read(min(max(wanted, READ_BYTES_MIN), CHUNK_BYTES_MAX - len(held)))
        return True

    def _is_readable(self, deadline: float | None) -> bool:
        """Wait until there is something to read, or the input's end; False when time is up."""
        if not self._is_live:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        left_ms = None if deadline is None else max(0, deadline - time.monotonic()) * 1000
        return bool(poll.poll(left_ms))

    def _read(self, size: int) -> bool:
        """Hold one more block; False at the end of the input."""
        try:
            block = self._read_block(size)
        except OSError as error:
            raise InputUnreadable(f"Cannot read the {self.name}: {error.strerror}.") from error
        self._held += block
        self._ends += block.count(b"\n")
        self._is_ended = not block
        return bool(block)

    def _read_block(self, size: int) -> bytes:
        """Read once, waiting also where the descriptor was made non-blocking by somebody else."""
        while True:
            try:
                return os.read(self._descriptor, size)
            except BlockingIOError:
                self._is_readable(None)

    def _cut(self) -> tuple[int, int]:
        """Return how many bytes and lines the next chunk has; no lines: a too long one is next."""
        held = self._held
        lines = self._ends
        if lines > self.chunk_lines_max:
            cut, lines = end_of_line(held, self.chunk_lines_max, lines), self.chunk_lines_max
        elif self._is_ended and lines < self.chunk_lines_max:
            cut, lines = len(held), lines + (not held.endswith(b"\n"))
        else:
            cut = held.rfind(b"\n") + 1
        long = start_of_long_line(held, cut or len(held))
        if long < 0:
            return cut, lines
        return long, held.count(b"\n", 0, long)

    def _hand_on(self, cut: int, lines: int) -> SourceChunk:
        """Make a chunk of the first `cut` bytes held."""
        # The input's last line may have no end.
        self._ends = max(0, self._ends - lines)
        self._line_bytes = cut / lines
        return self._stand(self._consume(cut), lines)

    def _hand_on_shortened(self) -> SourceChunk:
        """Make a chunk of the too long line that comes next, dropping its rest block by block."""
        kept = bytes(self._held[:KEPT_BYTES]) + b"\n"
        while (end := self._held.find(b"\n")) < 0:
            self._consume(len(self._held))
            if not self._read(PIPE_BYTES):
                return self._stand(kept, 1)
        self._consume(end + 1)
        self._ends -= 1
        return self._stand(kept, 1)

    def _consume(self, size: int) -> bytes:
        """Take bytes out of what is held; they are hashed and counted here and nowhere else."""
        piece = bytes(self._held[:size])
        del self._held[:size]
        self._digest.update(piece)
        self._offset += size
        return piece

    def _stand(self, raw: bytes, lines: int) -> SourceChunk:
        """Return a chunk with where the input stands behind it."""
        first_line = self._line + 1
        self._line += lines
        return SourceChunk(raw, lines, first_line, self._offset, self._digest.copy().hexdigest())


def open_input(path: str | os.PathLike[str], name: str) -> tuple[int, bool]:
    """Return a descriptor, and whether it is live: fed by somebody while we read.

    Raises:
        InputUnreadable: with what is wrong and what may be given instead.
    """
    try:
        descriptor = 0 if path == STANDARD else os.open(path, os.O_RDONLY | os.O_NOCTTY)
        mode = os.fstat(descriptor).st_mode
    except FileNotFoundError as error:
        raise InputUnreadable(
            f"There is no {name}: give the path of a file, or '-' to read standard input."
        ) from error
    except OSError as error:
        raise InputUnreadable(f"Cannot open the {name}: {error.strerror}.") from error
    if stat.S_ISDIR(mode):
        if descriptor:
            os.close(descriptor)
        raise InputUnreadable(f"The {name} is a directory: give the path of a file.")
    if stat.S_ISFIFO(mode):
        widen_pipe(descriptor)
    return descriptor, not stat.S_ISREG(mode)


def widen_pipe(descriptor: int) -> None:
    """Let a pipe hold a chunk instead of 64 KiB where the system allows it; else it is slower."""
    if sys.platform == "linux":
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            return  # over the user's limit (EPERM): the pipe stays as it is
