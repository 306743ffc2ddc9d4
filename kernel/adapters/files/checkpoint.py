"""The checkpoint beside an unfinished output: how much of it counts, and each line's answer code.

Lives here: the format of `OUT.checkpoint` and its lock. Not here: when to make one, and what an
answer means.

    0      slot 0: sequence, identity, lines, bytes of output and reasons, CRCs
    512    slot 1: the same
    1024   one byte a line: the answer code of line 1, line 2, …

1. The two slots are written in turn, each with its own CRC, half a kilobyte apart: a torn write
   spoils the newer one at most, and the older one still describes bytes that nothing overwrites.
2. Order of a checkpoint: output and reasons synced (by the caller), codes synced, slot synced. So
   what a valid slot speaks of is on the disk.
3. One writer: the file is locked while it is open, and the lock is on the file that bears the name.
4. The identity (ledger with its incarnation, and run) keeps one run from going on with the file of
   another.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from kernel.adapters.files.partial import MODE, OPEN_FLAGS, explained, write_all
from kernel.errors import IntegrityError, LeaseHeld, Refused

MAGIC: Final = b"flcheck1"
#: sequence, identity, lines, output bytes, reasons bytes (-1: none), CRC of codes; CRC of the slot.
SLOT: Final = struct.Struct("<8sQ32sQQqI")
SEAL: Final = struct.Struct("<I")
SLOT_BYTES: Final = 512
CODES_AT: Final = 2 * SLOT_BYTES


class CheckpointBroken(IntegrityError):
    """The checkpoint does not hold what it says that it holds."""

    category = "checkpoint_broken"


class CheckpointForeign(Refused):
    """The unfinished output belongs to another run."""

    category = "checkpoint_foreign"


class Mark(NamedTuple):
    """How much of the output counts. `reasons_bytes` is -1 when no reasons are written."""

    lines: int
    output_bytes: int
    reasons_bytes: int


class CheckpointFile:
    """`OUT.checkpoint`, open and locked."""

    def __init__(self, path: Path, *, identity: str) -> None:
        """Open or create it.

        Raises:
            LeaseHeld: another process is writing the same output.
            OutputUnwritable: it cannot be created there.
        """
        self.path = path
        self._identity = sha256(identity.encode()).digest()
        self._sequence = 0
        self._lines = 0
        self._crc = 0
        self._descriptor = open_locked(path)

    def latest(self) -> tuple[Mark, bytearray] | None:
        """Return the newest mark with the codes of its lines; None when no slot was ever complete.

        Raises:
            CheckpointForeign: another run made it.
            CheckpointBroken: the codes are not those that were written.
        """
        with explained(self.path):
            slots = [os.pread(self._descriptor, SLOT_BYTES, at) for at in (0, SLOT_BYTES)]
        found = max((slot for slot in map(read_slot, slots) if slot), default=None)
        if found is None:
            return None
        sequence, identity, mark, crc = found
        if identity != self._identity:
            raise CheckpointForeign(
                f"'{self.path}' belongs to an unfinished run: go on with that run's name, give "
                f"another --output, or --force to replace what it has written."
            )
        codes = self._read_codes(mark.lines)
        if len(codes) != mark.lines or zlib.crc32(codes) != crc:
            raise CheckpointBroken(
                f"'{self.path}' does not hold the answers that it names: it was changed since. "
                f"Remove it and the .partial file beside it, and start a new run."
            )
        self._sequence, self._lines, self._crc = sequence, mark.lines, crc
        return mark, codes

    def write(self, mark: Mark, codes: bytearray) -> None:
        """Store a mark; the caller has synced the bytes that it speaks of.

        Args:
            mark: what counts from now on; never fewer lines than before.
            codes: the answer codes of at least its lines, from line 1.
        """
        assert mark.lines >= self._lines
        added = codes[self._lines : mark.lines]
        crc = zlib.crc32(added, self._crc)
        sequence = self._sequence + 1
        fields = SLOT.pack(MAGIC, sequence, self._identity, *mark, crc)
        with explained(self.path):
            write_all(self._descriptor, added, CODES_AT + self._lines)
            os.fsync(self._descriptor)
            slot = fields + SEAL.pack(zlib.crc32(fields))
            write_all(self._descriptor, slot, sequence % 2 * SLOT_BYTES)
            os.fsync(self._descriptor)
        self._sequence, self._lines, self._crc = sequence, mark.lines, crc

    def clear(self) -> None:
        """Forget every mark, so that the output starts anew."""
        with explained(self.path):
            os.ftruncate(self._descriptor, 0)
        self._sequence = self._lines = self._crc = 0

    def close(self) -> None:
        """Give the lock back and leave the file. Safe to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def discard(self) -> None:
        """Remove the file, and only then give the lock back. Safe to repeat."""
        if self._descriptor >= 0:
            with explained(self.path):
                self.path.unlink(missing_ok=True)
            self.close()

    def _read_codes(self, lines: int) -> bytearray:
        """Read the codes of the first lines, or as many as there are."""
        codes = bytearray()
        with explained(self.path):
            while len(codes) < lines:
                at = CODES_AT + len(codes)
                piece = os.pread(self._descriptor, lines - len(codes), at)
                if not piece:
                    break
                codes += piece
        return codes


def read_slot(slot: bytes) -> tuple[int, bytes, Mark, int] | None:
    """Return sequence, identity, mark and CRC of the codes; None for an empty or torn slot."""
    if len(slot) < SLOT.size + SEAL.size:
        return None
    fields = slot[: SLOT.size]
    magic, sequence, identity, lines, output_bytes, reasons_bytes, crc = SLOT.unpack(fields)
    (seal,) = SEAL.unpack_from(slot, SLOT.size)
    if magic != MAGIC or seal != zlib.crc32(fields):
        return None
    return sequence, identity, Mark(lines, output_bytes, reasons_bytes), crc


def open_locked(path: Path) -> int:
    """Open or create a file and lock it for this process.

    A process that ends removes the file before it gives the lock back, so the lock that is got may
    be one on a file without a name; then the file is opened again.

    Raises:
        LeaseHeld: another process holds the lock.
        OutputUnwritable: it cannot be created there.
    """
    while True:
        with explained(path):
            descriptor = os.open(path, OPEN_FLAGS, MODE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if bears_name(descriptor, path):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                raise LeaseHeld(
                    f"Another process is writing the same output ('{path}' is locked): "
                    f"wait for it to end, or give another --output."
                ) from None
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)


def bears_name(descriptor: int, path: Path) -> bool:
    """Say whether the open file is the one that stands under this path now."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))
