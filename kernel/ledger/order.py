"""Hold-back: answers come in the order of their commits, rows leave in the order of the lines.

Lives here: keeping early answers until the lines before them are there, dropping repeated ones,
saying what is missing. Pure: no file, no Redis. Not here: how an answer becomes a row, and where
rows go.

1. A line leaves once. An answer that comes again (re-read after a reconnect, re-sent after a lost
   tail) is dropped and counted when it is the same; another answer to the same line is an integrity
   error, because one of the two may be published already.
2. Memory is bounded: a line further ahead than the bound on lines in flight cannot be honest.
3. Lines that come contiguous and next pass through as they are: nothing is done per row.
4. Whoever calls writes what has left before it brings more, and shows the codes of all that is
   written. So there is one record of what was answered, and it is the output's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from kernel.errors import AnswerDiffers, WrongPosition

#: `source_seq`: line order. `completion`: as they come, each line once.
OrderMode = Literal["source_seq", "completion"]
#: Stands for "no answer yet" among answer codes, which are below 0x80.
UNWRITTEN: Final = 0xFF
MISSING: Final = bytes([UNWRITTEN])
#: Default of the bound on lines between the first missing line and the last one held.
AHEAD_LINES_MAX: Final = 262_144


class Released(NamedTuple):
    """Rows that may be written now; in `source_seq` the lines are a range. `ids` only if kept."""

    lines: Sequence[int]
    rows: Sequence[str]
    codes: Sequence[int]
    ids: Sequence[str]


NOTHING: Final = Released(range(0), (), b"", ())


class HoldBack:
    """Restores one run's order.

    What is held lies in windows whose index 0 is the next line: a code for each line (UNWRITTEN
    where none has come), its row, and its id if ids are kept. The first gap is then found by one
    search for a byte, and what leaves is one slice.
    """

    def __init__(
        self,
        written: Sequence[int],
        *,
        mode: OrderMode = "source_seq",
        keep_ids: bool = False,
        ahead_lines_max: int = AHEAD_LINES_MAX,
    ) -> None:
        """Begin behind what is written.

        Args:
            written: the codes of the lines written so far, index 0 for line 1. It grows as the
                caller writes; in `completion` it may have holes (UNWRITTEN).
            mode: the order in which rows leave.
            keep_ids: whether ids are wanted beside the rows.
            ahead_lines_max: how far ahead of the first missing line an answer may be.
        """
        self.next_line = len(written) + 1
        #: Answers dropped because they were the same as before.
        self.repeated = 0
        #: Answers held until the lines before them come.
        self.held = 0
        self._written = written
        self._mode = mode
        self._keep_ids = keep_ids
        self._ahead_lines_max = ahead_lines_max
        self._codes = bytearray()
        self._rows: list[str] = []
        self._ids: list[str] = []

    def add(
        self,
        lines: Sequence[int],
        rows: Sequence[str],
        codes: Sequence[int],
        ids: Sequence[str] = (),
    ) -> Released:
        """Take the answers of one entry; return what may be written now, perhaps nothing.

        Raises:
            AnswerDiffers: a line was answered before, and not like this.
            WrongPosition: a line is further ahead than anything in flight can be.
        """
        if not lines:
            return NOTHING
        if self._mode == "completion":
            self.next_line = len(self._written) + 1
            self._check_bounds(lines)
            return self._pass_on(lines, rows, codes, ids)
        assert len(self._written) == self.next_line - 1
        if not self._codes and is_run_from(lines, self.next_line):
            self.next_line += len(lines)
            return Released(range(lines[0], self.next_line), rows, codes, ids)
        self._hold(lines, rows, codes, ids)
        return self._release()

    def gaps(self, up_to: int | None = None, limit: int = 10) -> list[range]:
        """Return the first stretches of lines without an answer, up to a line or the last held."""
        first, codes = self.next_line, self._codes
        end = first + len(codes) if up_to is None else up_to + 1
        found: list[range] = []
        at = codes.find(UNWRITTEN)  # the last line in the windows is never a gap
        while at >= 0 and first + at < end and len(found) < limit:
            stop = len(codes) - len(codes[at:].lstrip(MISSING))
            found.append(range(first + at, min(first + stop, end)))
            at = codes.find(UNWRITTEN, stop)
        if first + len(codes) < end and len(found) < limit:
            found.append(range(first + len(codes), end))
        return found

    def _hold(
        self,
        lines: Sequence[int],
        rows: Sequence[str],
        codes: Sequence[int],
        ids: Sequence[str],
    ) -> None:
        """Put answers into the windows, dropping repeated ones."""
        first = self.next_line
        self._widen(self._check_bounds(lines) - first + 1)
        held_codes, held_rows = self._codes, self._rows
        repeated = 0
        for line, row, code in zip(lines, rows, codes, strict=True):
            index = line - first
            if index >= 0 and held_codes[index] == UNWRITTEN:
                held_codes[index] = code
                held_rows[index] = row
            else:
                before = held_codes[index] if index >= 0 else self._written[line - 1]
                check_same(line, before, code)
                repeated += 1
        if self._keep_ids:
            held_ids = self._ids
            for line, name in zip(lines, ids, strict=True):
                if line >= first:
                    held_ids[line - first] = name
        self.repeated += repeated
        self.held += len(lines) - repeated

    def _check_bounds(self, lines: Sequence[int]) -> int:
        """Return the highest line, if all are lines that can be in flight."""
        lowest, highest = min(lines), max(lines)
        if lowest < 1 or highest - self.next_line >= self._ahead_lines_max:
            raise WrongPosition(
                f"An answer is for line {lowest if lowest < 1 else highest}, but line "
                f"{self.next_line} is the first without an answer and no more than "
                f"{self._ahead_lines_max} lines can be in flight."
            )
        return highest

    def _widen(self, size: int) -> None:
        """Make room in the windows for so many lines."""
        missing = size - len(self._codes)
        if missing > 0:
            self._codes += MISSING * missing
            self._rows += [""] * missing
            if self._keep_ids:
                self._ids += [""] * missing

    def _release(self) -> Released:
        """Take everything before the first gap out of the windows."""
        codes = self._codes
        size = codes.find(UNWRITTEN)
        if size < 0:
            size = len(codes)
        if not size:
            return NOTHING
        lines = range(self.next_line, self.next_line + size)
        released = Released(lines, self._rows[:size], codes[:size], self._ids[:size])
        del self._rows[:size], codes[:size], self._ids[:size]
        self.next_line += size
        self.held -= size
        return released

    def _pass_on(
        self,
        lines: Sequence[int],
        rows: Sequence[str],
        codes: Sequence[int],
        ids: Sequence[str],
    ) -> Released:
        """Let new answers through as they come and drop repeated ones."""
        written = self._written
        seen: dict[int, int] = {}
        fresh = []
        for index, (line, code) in enumerate(zip(lines, codes, strict=True)):
            before = written[line - 1] if line <= len(written) else UNWRITTEN
            before = seen.get(line, before)
            if before == UNWRITTEN:
                seen[line] = code
                fresh.append(index)
            else:
                check_same(line, before, code)
        self.repeated += len(lines) - len(fresh)
        if len(fresh) == len(lines):
            return Released(lines, rows, codes, ids)
        return Released(
            [lines[i] for i in fresh],
            [rows[i] for i in fresh],
            bytes(codes[i] for i in fresh),
            [ids[i] for i in fresh] if ids else (),
        )


def is_run_from(lines: Sequence[int], first: int) -> bool:
    """Say whether the lines are the consecutive ones from `first` on."""
    if lines[0] != first or lines[-1] != first + len(lines) - 1:
        return False
    expected = range(first, first + len(lines))
    return lines == expected or list(lines) == list(expected)


def check_same(line: int, before: int, code: int) -> None:
    """Refuse a second answer that differs from the first.

    Raises:
        AnswerDiffers: with the line and both codes, which tell nothing about the customer.
    """
    if before != code:
        raise AnswerDiffers(
            f"Line {line} was answered with code {before} and is now answered with code {code}."
        )
