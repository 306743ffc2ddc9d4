"""The output of a run: rows and reasons in line order, a checkpoint, a rename at the end.

Lives here: what belongs together (output, reasons, checkpoint) and the order of its acts. Not
here: the order of lines (`kernel.ledger.order`), the text of a row (`kernel.domain.decision`).

1. `write` does not reach the disk, `checkpoint` does: only lines that a checkpoint has returned may
   be acknowledged to anybody.
2. A process that is killed at any point leaves either a name that stands for a complete file, or a
   `.partial` and a checkpoint that `OutputFile` goes on from.
3. Files are renamed reasons first: who sees the output can read the reasons.
4. Standard output has no partial file, no checkpoint and no rename; what is out is out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from kernel.adapters.files.checkpoint import CheckpointFile, CheckpointForeign, Mark
from kernel.adapters.files.partial import (
    PartialFile,
    Sink,
    StandardOutput,
    beside,
    check_place,
    explained,
)
from kernel.adapters.files.reasons import reason_rows
from kernel.adapters.files.source import STANDARD
from kernel.domain.decision import encode_rows
from kernel.errors import UsageError
from kernel.ledger.order import UNWRITTEN

NO_REASONS: Final = -1


class OutputFile:
    """Where a run's rows go. `codes` holds each written line's answer code; look, do not change."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fresh: bool,
        reasons_path: str | os.PathLike[str] | None = None,
        force: bool = False,
        identity: str = "",
        in_order: bool = True,
    ) -> None:
        """Open the output, going on from a checkpoint where there is one.

        Args:
            path: the output's name, or `-`.
            fresh: never go on; replace what an earlier process left unfinished.
            reasons_path: where to write line, id, answer and reason of every line, if anywhere.
            force: replace an existing output, reasons file, or another run's unfinished output.
            identity: ledger and run, so that one run never goes on with another's file.
            in_order: False takes lines in any order; such an output cannot be gone on with.

        Raises:
            OutputExists: one of the names is taken, and `force` is not given.
            CheckpointForeign: the unfinished output is another run's, and `force` is not given.
            LeaseHeld: another process is writing the same output.
            CheckpointBroken: the unfinished output was changed since its checkpoint.
            OutputUnwritable, UsageError: the names cannot be used; the sentence says why.
        """
        self.path = os.fspath(path)
        self.codes = bytearray()
        self.rows = 0
        self.lines = 0
        #: True when rows of an earlier, unfinished attempt were thrown away.
        self.is_replacing = False
        self._force = force
        self._in_order = in_order
        self._checkpoint: CheckpointFile | None = None
        self._output: Sink = StandardOutput()
        self._reasons: Sink | None = None
        reasons = None if reasons_path is None else Path(reasons_path)
        check_names(self.path, reasons)
        if self.path == STANDARD:
            if reasons is not None:
                self._reasons = self._open_file(reasons, None)
            return
        self._open_files(Path(self.path), reasons, identity, fresh=fresh or not in_order)

    def _open_files(
        self, output: Path, reasons: Path | None, identity: str, *, fresh: bool
    ) -> None:
        """Lock the checkpoint, then open the files at the place that it names."""
        place = beside(output, "checkpoint")
        with explained(place):
            is_new = not place.exists()
        if fresh or is_new:
            for path in filter(None, (output, reasons)):
                check_place(path, force=self._force)
        self._checkpoint = CheckpointFile(place, identity=identity)
        try:
            mark = self._go_on(self._checkpoint, fresh=fresh, has_reasons=reasons is not None)
            self._output = self._open_file(output, mark and mark.output_bytes)
            if reasons is not None:
                self._reasons = self._open_file(reasons, mark and mark.reasons_bytes)
        except BaseException:
            # What was there before stays as it was found; what was made just now goes.
            self._each("discard" if is_new else "close")
            raise

    def _go_on(self, checkpoint: CheckpointFile, *, fresh: bool, has_reasons: bool) -> Mark | None:
        """Return the mark to go on from; None when there is none, or none is wanted."""
        try:
            found = None if fresh else checkpoint.latest()
        except CheckpointForeign:
            if not self._force:
                raise
            found = None
        if found is None or not found[0].lines:
            checkpoint.clear()
            return None
        mark, self.codes = found
        if has_reasons != (mark.reasons_bytes != NO_REASONS):
            raise UsageError(
                f"The unfinished '{self.path}' was begun "
                f"{'without' if has_reasons else 'with'} --reasons: go on in the same way."
            )
        self.lines = mark.lines
        return mark

    def _open_file(self, path: Path, keep_bytes: int | None) -> PartialFile:
        """Open one file, noting whether rows were thrown away."""
        file = PartialFile(path, keep_bytes=keep_bytes, force=self._force)
        self.is_replacing |= keep_bytes is None and file.found_bytes > 0
        return file

    def code_at(self, line: int) -> int | None:
        """Return the answer code of a line written, now or by an earlier process; else None."""
        code = self.codes[line - 1] if 0 < line <= len(self.codes) else UNWRITTEN
        return None if code == UNWRITTEN else code

    def write(
        self,
        rows: Sequence[str],
        codes: Sequence[int],
        lines: Sequence[int],
        ids: Sequence[str] = (),
    ) -> None:
        """Write the rows of some lines; a dropped line has an empty row.

        In order, the lines are the next ones, without a gap. `ids` are asked for with reasons only.
        After an exception nothing may be called but `abandon` and `discard`.

        Raises:
            OutputUnwritable: no room, or whatever the system says.
            OutputClosed: the reader of standard output has left.
        """
        if not lines:
            return
        if self._in_order:
            assert lines[0] == self.lines + 1
            assert lines[-1] == self.lines + len(lines)
        assert len(rows) == len(codes) == len(lines)
        self._output.write(encode_rows(rows))
        if self._reasons is not None:
            self._reasons.write(encode_rows(reason_rows(lines, ids, codes)))
        if self._in_order:
            self.codes += bytes(codes)
        else:
            self._note(codes, lines)
        self.lines += len(lines)
        self.rows += len(rows) - rows.count("")

    def _note(self, codes: Sequence[int], lines: Sequence[int]) -> None:
        """Keep the codes of lines that come in any order."""
        missing = max(lines) - len(self.codes)
        self.codes += bytes([UNWRITTEN]) * max(0, missing)
        for line, code in zip(lines, codes, strict=True):
            self.codes[line - 1] = code

    def checkpoint(self) -> int:
        """Make what was written durable and return how many lines that are.

        Costs three syncs of the disk, so it is called every so often, not for every write.
        """
        self._output.sync()
        if self._reasons is not None:
            self._reasons.sync()
        if self._checkpoint is not None and self._in_order:
            reasons_bytes = NO_REASONS if self._reasons is None else self._reasons.offset
            self._checkpoint.write(Mark(self.lines, self._output.offset, reasons_bytes), self.codes)
        return self.lines

    def finish(self) -> None:
        """Give the files their own names; the run is complete.

        Raises:
            OutputExists: the name was taken while the run was going on; everything is kept.
        """
        self.checkpoint()
        if self._reasons is not None:
            self._reasons.publish()
        self._output.publish()
        if self._checkpoint is not None:
            self._checkpoint.discard()

    def abandon(self) -> None:
        """Let go of everything and keep what can be gone on with; without a line, nothing is."""
        self._each("close" if self.lines else "discard")

    def discard(self) -> None:
        """Remove the unfinished files, the checkpoint last. Never touches what was published."""
        self._each("discard")

    def _each(self, act: Literal["close", "discard"]) -> None:
        """Do one act to every file, the lock last."""
        for part in (self._output, self._reasons, self._checkpoint):
            if part is not None:
                part.close() if act == "close" else part.discard()


def check_names(output: str, reasons: Path | None) -> None:
    """Refuse names that are none, or would make the files of one output overwrite each other."""
    for path in filter(None, (Path(output), reasons)):
        if not path.name:
            raise UsageError(f"'{path}' names no file: give the path of the file to write.")
    if reasons is None:
        return
    if os.fspath(reasons) == STANDARD:
        raise UsageError("Reasons need a file of their own: --reasons takes a path, not '-'.")
    names = {Path(output), beside(Path(output), "partial"), beside(Path(output), "checkpoint")}
    if output != STANDARD and names & {reasons, beside(reasons, "partial")}:
        raise UsageError("--reasons and --output name the same file: give each one of its own.")
