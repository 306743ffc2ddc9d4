"""A chunk of lines as columns: canonical lines all at once, the others one by one by the book.

Lives here: the fast path of parsing. Not here: any rule. What a line means is defined in
`attempt.py`; this module only recognises the lines whose answer is known from their shape.

1. The pattern is a strict subset of the book: a line it takes is an attempt there too, with the
   same values, or its date does not exist and the book is asked about that line.
2. An odd line costs itself only: behind it the pattern is tried again.
3. A property test holds both ways equal on any bytes; nothing here may be believed without it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress
from typing import Final, NamedTuple

from kernel.domain.attempt import Attempt, Declined, parse_line
from kernel.domain.calendar import day_of

#: Dates kept with their ordinals; input rarely holds more, and a flood only empties the cache.
DATES_CACHED_MAX: Final = 65_536

# Every repeat is possessive: nothing in a canonical line can be read in two ways, so there is
# nothing to go back to, and a chunk of any length is matched in constant memory.
_LINE: Final = (
    rb'\{"id": ?+"[0-9]{1,18}+"'
    rb', ?+"customer_id": ?+"[0-9]{1,18}+"'
    rb', ?+"load_amount": ?+"\$?+[0-9]{1,15}+\.[0-9]{2}"'
    rb', ?+"time": ?+"(?:19|2[0-9])[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])'
    rb'T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"\}\r?+\n'
)
_CANONICAL_LINES: Final = re.compile(rb"(?:" + _LINE + rb")*+")

# What is left of a canonical line after this is `id,customer,cents,YYYYMMDDHHMMSS,`: its keys hold
# neither digits nor commas, and the two digits behind the amount's dot make it cents. The three
# commas between the fields are the line's own.
_SEPARATED: Final = bytes.maketrans(b"\n", b",")
_DELETED: Final = bytes(sorted(set(range(256)) - set(b"0123456789,\n")))


class Attempts(NamedTuple):
    """The attempts of a chunk in line order; an offset is the line's 0-based index in the chunk."""

    offsets: Sequence[int]
    ids: list[str]
    customers: list[str]
    cents: list[int]
    instants: list[str]
    days: list[int]


class DeclinedLines(NamedTuple):
    """The lines of a chunk that are no attempts, in line order."""

    offsets: list[int]
    ids: list[str]
    customers: list[str]
    codes: list[int]


class Parsed(NamedTuple):
    """A parsed chunk: every one of its lines is in exactly one of the two."""

    lines: int
    attempts: Attempts
    declined: DeclinedLines


def parse_chunk(raw: bytes) -> Parsed:
    r"""Read whole lines, each ended by `\n`; only the last may lack it."""
    if raw and not raw.endswith(b"\n"):
        raw += b"\n"
    columns = _Columns()
    start, size = 0, len(raw)
    while start < size:
        canonical = _CANONICAL_LINES.match(raw, start)
        odd = canonical.end() if canonical else start
        if odd > start:
            columns.extend(raw[start:odd])
        if odd == size:
            break
        stop = raw.index(b"\n", odd)
        columns.append(parse_line(raw[odd:stop]))
        start = stop + 1
    return columns.parsed()


def parse_chunk_by_the_book(raw: bytes) -> Parsed:
    """Read the same lines one by one: what `parse_chunk` has to equal."""
    columns = _Columns()
    pieces = raw.split(b"\n")
    if not pieces[-1]:
        pieces.pop()
    for line in pieces:
        columns.append(parse_line(line))
    return columns.parsed()


class _Columns:
    """The columns of one chunk while they grow."""

    def __init__(self) -> None:
        self._lines = 0
        self._attempts = Attempts([], [], [], [], [], [])
        self._declined = DeclinedLines([], [], [], [])

    def append(self, line: Attempt | Declined) -> None:
        """Add one line read by the book."""
        if isinstance(line, Attempt):
            _, ids, customers, cents, instants, days = self._attempts
            ids.append(line.id)
            customers.append(line.customer)
            cents.append(line.cents)
            instants.append(line.instant)
            days.append(line.day)
        else:
            self._decline(self._lines, line)
        self._lines += 1

    def extend(self, run: bytes) -> None:
        """Add a run of whole canonical lines."""
        fields = run.translate(_SEPARATED, _DELETED).decode("ascii").split(",")
        fields.pop()  # nothing stands behind the last line end
        ids, customers, amounts, instants = (fields[column::4] for column in range(4))
        days = [_DAYS[instant[:8]] for instant in instants]
        count = len(ids)
        if not all(days):
            self._decline_unreal(run, days)
            ids, customers = list(compress(ids, days)), list(compress(customers, days))
            amounts, instants = list(compress(amounts, days)), list(compress(instants, days))
            days = list(compress(days, days))
        self._attempts.ids.extend(ids)
        self._attempts.customers.extend(customers)
        self._attempts.cents.extend(map(int, amounts))
        self._attempts.instants.extend(instants)
        self._attempts.days.extend(days)
        self._lines += count

    def parsed(self) -> Parsed:
        """Return the finished columns."""
        offsets = _offsets_between(self._declined.offsets, lines=self._lines)
        return Parsed(self._lines, self._attempts._replace(offsets=offsets), self._declined)

    def _decline_unreal(self, run: bytes, days: list[int]) -> None:
        """Ask the book about the lines of a run whose date does not exist."""
        lines = run.split(b"\n")
        for index, day in enumerate(days):
            if not day:
                line = parse_line(lines[index])
                assert isinstance(line, Declined), (
                    "the book knows a date that the calendar does not"
                )
                self._decline(self._lines + index, line)

    def _decline(self, offset: int, line: Declined) -> None:
        offsets, ids, customers, codes = self._declined
        offsets.append(offset)
        ids.append(line.id)
        customers.append(line.customer)
        codes.append(line.code)


class _DayCache(dict[str, int]):
    """Ordinals by the eight digits of a date, NO_DAY for a date that does not exist."""

    def __missing__(self, digits: str) -> int:
        if len(self) >= DATES_CACHED_MAX:
            self.clear()
        day = self[digits] = day_of(digits)
        return day


_DAYS: Final = _DayCache()


def _offsets_between(declined: Sequence[int], *, lines: int) -> Sequence[int]:
    """Return the offsets of the attempts, which are all lines that are not declined."""
    if not declined:
        return range(lines)
    offsets: list[int] = []
    start = 0
    for offset in declined:
        offsets.extend(range(start, offset))
        start = offset + 1
    offsets.extend(range(start, lines))
    return offsets
