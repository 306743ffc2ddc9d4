"""One file on its way to its name, and the standard output in the same shape.

Lives here: the acts on one file: open its `.partial`, write, sync, rename. Not here: what is
written, in which order, and when it is complete (`output.py`).

1. Nothing is ever written under the output's own name: it appears by renaming a synced file.
2. Writes go to an offset kept here, never to "the end": what a killed process left behind the last
   checkpoint is cut off and overwritten.
3. An existing output is left alone unless the caller was told to replace it; what is no regular
   file (a directory, a device, a pipe) is never replaced.
4. An `OSError` becomes one sentence that names the file. It never becomes silence.
"""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from kernel.errors import OutputExists, OutputUnwritable

STANDARD_OUTPUT: Final = 1
#: Results are the owner's until the owner says otherwise.
MODE: Final = 0o600
OPEN_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW


class OutputClosed(BrokenPipeError):
    """Whoever read our standard output has left: the command ends quietly."""


class Sink(Protocol):
    """Where bytes go in order. After an exception only `close` or `discard` may be called."""

    offset: int

    def write(self, blob: bytes) -> None:
        """Write all of it; blocks as long as the file or the reader does."""

    def sync(self) -> None:
        """Return when everything written would outlive a power cut; nothing to do for a stream."""

    def publish(self) -> None:
        """Give the file its own name, for good. Safe to repeat."""

    def close(self) -> None:
        """Let go of the descriptor and leave the file as it is. Safe to repeat."""

    def discard(self) -> None:
        """Close, and remove the unfinished file. Safe to repeat; never removes a published one."""


class PartialFile:
    """`F.partial`, which becomes `F`."""

    def __init__(self, path: Path, *, keep_bytes: int | None, force: bool) -> None:
        """Open the partial file or create it, and cut off all but the bytes to keep.

        Args:
            path: the name that the file gets in the end.
            keep_bytes: None to begin; else how many bytes of an earlier process count. When that
                process had published the file at just this length and was killed before it could
                say so, nothing is opened, and only `publish` is left to call.
            force: replace what bears the name.

        Raises:
            OutputExists: there is something under the file's own name, and `force` is not given.
            OutputUnwritable: it cannot be opened, or holds fewer bytes than are to be kept.
        """
        self.path = path
        self.partial = beside(path, "partial")
        self.offset = keep_bytes or 0
        #: Size of the partial file as it was found.
        self.found_bytes = 0
        self._force = force
        self._descriptor = -1
        self._is_published = keep_bytes is not None and is_published(path, keep_bytes)
        if not self._is_published:
            check_place(path, force=force)
            self._open()

    def _open(self) -> None:
        """Open the partial file, check its length, and cut it to the offset."""
        with explained(self.partial):
            self._descriptor = os.open(self.partial, OPEN_FLAGS, MODE)
            self.found_bytes = os.fstat(self._descriptor).st_size
        if self.found_bytes < self.offset:
            self.close()
            raise OutputUnwritable(
                f"'{self.partial}' holds {self.found_bytes} bytes, but {self.offset} were written: "
                f"it was changed since. Remove it and its checkpoint, and start a new run."
            )
        with explained(self.partial):
            os.ftruncate(self._descriptor, self.offset)

    def write(self, blob: bytes) -> None:
        """Write at the offset and move it on."""
        assert not self._is_published
        with explained(self.partial):
            write_all(self._descriptor, blob, self.offset)
        self.offset += len(blob)

    def sync(self) -> None:
        """Make everything written durable."""
        if not self._is_published:
            with explained(self.partial):
                os.fsync(self._descriptor)

    def publish(self) -> None:
        """Sync, close, rename, and sync the directory, in which the name stands."""
        if self._is_published:
            return
        self.sync()
        check_place(self.path, force=self._force)
        with explained(self.path):
            self.partial.rename(self.path)
            self._is_published = True
            sync_directory(self.path.parent)
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def discard(self) -> None:
        """Close and remove the partial file."""
        self.close()
        if not self._is_published:
            with explained(self.partial):
                self.partial.unlink(missing_ok=True)


class StandardOutput:
    """Rows straight to the reader: no partial file, no name to give, nothing to go back to."""

    def __init__(self, descriptor: int = STANDARD_OUTPUT) -> None:
        self.offset = 0
        self._descriptor = descriptor

    def write(self, blob: bytes) -> None:
        """Write all of it, waiting for a slow reader.

        Raises:
            OutputClosed: the reader has left.
            OutputUnwritable: the standard output is closed, or its device is full.
        """
        rest = memoryview(blob)
        with explained("standard output"):
            while rest:
                try:
                    size = os.write(self._descriptor, rest)
                except BlockingIOError:
                    # Somebody else's program made our end non-blocking: wait as if it were not.
                    poll = select.poll()
                    poll.register(self._descriptor, select.POLLOUT)
                    poll.poll()
                    continue
                self.offset += size
                rest = rest[size:]

    def sync(self) -> None:
        """Nothing to do: what was written is the reader's."""

    def publish(self) -> None:
        """Nothing to do: every row is out already."""

    def close(self) -> None:
        """Nothing to do: the descriptor belongs to the process."""

    def discard(self) -> None:
        """Nothing to do: what was written cannot be taken back."""


def beside(path: Path, ending: str) -> Path:
    """Return the path of a file that goes with this one: `OUT.partial`, `OUT.checkpoint`."""
    return path.with_name(f"{path.name}.{ending}")


def check_place(path: Path, *, force: bool) -> None:
    """Refuse a place where the file cannot or must not appear; changes nothing.

    Raises:
        OutputExists: a regular file or a link is there, and `force` is not given.
        OutputUnwritable: no such directory, or something that is no regular file bears the name.
    """
    with explained(path):
        if not path.parent.is_dir():
            raise OutputUnwritable(
                f"There is no directory '{path.parent}' to write '{path.name}' in: make it first."
            )
        if not os.path.lexists(path):
            return
        mode = path.lstat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        what = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise OutputUnwritable(
            f"'{path}' is {what}: give the path of a file, or '-' for standard output."
        )
    if not force:
        raise OutputExists(f"'{path}' exists: give another --output, or --force to replace it.")


def is_published(path: Path, size: int) -> bool:
    """Say whether the file stands under its own name at this size, with no partial left."""
    with explained(path):
        if os.path.lexists(beside(path, "partial")) or not path.is_file():
            return False
        return path.stat().st_size == size


def write_all(descriptor: int, blob: bytes | bytearray, at: int) -> None:
    """Write all of it at a place in the file, however often the system has to be asked."""
    rest = memoryview(blob)
    while rest:
        size = os.pwrite(descriptor, rest, at)
        at += size
        rest = rest[size:]


def sync_directory(directory: Path) -> None:
    """Make renamed and removed names durable, on file systems that know how."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


@contextmanager
def explained(place: Path | str) -> Iterator[None]:
    """Turn an `OSError` into a sentence about the place.

    Raises:
        OutputClosed: for a broken pipe, which is nobody's mistake.
        OutputUnwritable: for anything else.
    """
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosed(error.errno, f"the reader of {place} has left") from error
    except OSError as error:
        named = place if isinstance(place, str) else f"'{place}'"
        raise OutputUnwritable(f"Cannot write {named}: {error.strerror}.") from error
