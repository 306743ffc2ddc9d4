"""Rows for the tests of the output: what they are is told by their line alone."""

from __future__ import annotations

from pathlib import Path

from kernel.adapters.files.output import OutputFile
from kernel.domain.decision import DROPPED, Reason

#: Codes repeat in this order over the lines.
CODES = (0, int(Reason.DAILY_AMOUNT_LIMIT), int(Reason.INPUT_PARSE_ERROR) | DROPPED)


def code_of(line: int) -> int:
    """Return the answer code of a line."""
    return CODES[line % len(CODES)]


def row(line: int) -> str:
    """Return the row of a line: none for a dropped one."""
    return "" if code_of(line) & DROPPED else f"row {line}\n"


def write(output: OutputFile, first: int, last: int) -> None:
    """Write the rows of some lines, with the line as the id."""
    lines = range(first, last + 1)
    output.write(
        [row(line) for line in lines],
        bytes(map(code_of, lines)),
        lines,
        [str(line) for line in lines],
    )


def expected(last: int) -> bytes:
    """Return the output of a run of so many lines."""
    return "".join(map(row, range(1, last + 1))).encode()


def expected_reasons(last: int) -> bytes:
    """Return the reasons of a run of so many lines."""
    names = {
        0: '"answer":"accepted","reason":"ACCEPTED"',
        10: '"answer":"declined","reason":"DAILY_AMOUNT_LIMIT"',
        65: '"answer":"dropped","reason":"INPUT_PARSE_ERROR"',
    }
    return "".join(
        f'{{"line":{line},"id":"{line}",{names[code_of(line)]}}}\n' for line in range(1, last + 1)
    ).encode()


def names_in(directory: Path) -> set[str]:
    """Return the names of all files in a directory."""
    return {path.name for path in directory.iterdir()}
