"""One input line by the book: an attempt, or a declined line with the first reason that applies.

Lives here: the checks of `rules.md` section 1 in their pinned order. This is the definition; the
fast path in `columns.py` has to agree with it on any bytes. Not here: cutting a stream into lines.

1. Total: every line gives a value, whatever its bytes. Bad input is data, not an exception.
2. Independent of the surroundings: nesting and digits are counted here, because the JSON library's
   own limits move with the caller's stack and with an environment variable.
3. Ids stay text. `007` and `7` are two ids.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

from kernel.domain.calendar import moment_of
from kernel.domain.decision import Reason
from kernel.domain.money import cents_of

#: Longest line that is read, in bytes, without its line end.
LINE_BYTES_MAX: Final = 65_536
#: Deepest nesting that is read; the line's own object is the first level.
NESTING_MAX: Final = 64
#: Most digits an integer may have, without its sign.
INTEGER_DIGITS_MAX: Final = 4_300

# Plain integers: codes go into bytes, where an enum member would only be a slower integer.
_PARSE_ERROR: Final = int(Reason.INPUT_PARSE_ERROR)
_INVALID_ID: Final = int(Reason.INVALID_ID_FORMAT)
_INVALID_TIMESTAMP: Final = int(Reason.INVALID_TIMESTAMP)
_INVALID_AMOUNT: Final = int(Reason.INVALID_AMOUNT_FORMAT)

_ID: Final = re.compile(r"[0-9]{1,18}")
# A string is one piece, so brackets inside it are not seen. Its closing quote is optional: an
# unclosed string swallows the rest at once, instead of being tried again from every later quote.
_STRING_OR_BRACKET: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


class Attempt(NamedTuple):
    """A well-formed request to load funds."""

    id: str
    customer: str
    cents: int
    instant: str
    day: int


class Declined(NamedTuple):
    """A line that is no attempt: the ids its row shows, and one of the parse reasons as a code."""

    id: str
    customer: str
    code: int


class _Integer(NamedTuple):
    """An integer of a line as decimal text: never computed with, at most shown."""

    text: str


def parse_line(line: bytes) -> Attempt | Declined:
    r"""Read one line, given without its `\n`; one `\r` at its end is dropped.

    Rows 3 and 4 of the table share a reason and show the same ids, so they are one check here.
    """
    fields = _fields_of(line.removesuffix(b"\r"))
    if fields is None:
        return Declined("", "", _PARSE_ERROR)
    identifier, customer = _id_text(fields.get("id")), _id_text(fields.get("customer_id"))
    amount, time = fields.get("load_amount"), fields.get("time")
    ids_are_text = isinstance(fields.get("id"), str) and isinstance(fields.get("customer_id"), str)
    if not (ids_are_text and isinstance(amount, str) and isinstance(time, str)):
        return Declined(identifier, customer, _PARSE_ERROR)
    if not (_ID.fullmatch(identifier) and _ID.fullmatch(customer)):
        return Declined(identifier, customer, _INVALID_ID)
    moment = moment_of(time)
    if moment is None:
        return Declined(identifier, customer, _INVALID_TIMESTAMP)
    cents = cents_of(amount)
    if cents is None:
        return Declined(identifier, customer, _INVALID_AMOUNT)
    return Attempt(identifier, customer, cents, moment.instant, moment.day)


def _id_text(value: object) -> str:
    """Return what a row shows of an id field: trimmed text, an integer's digits, else nothing."""
    if isinstance(value, str):
        return value.strip()
    return value.text if isinstance(value, _Integer) else ""


def _fields_of(line: bytes) -> dict[str, object] | None:
    """Return the line's JSON object, or None when row 1 of the table applies."""
    if len(line) > LINE_BYTES_MAX:
        return None
    try:
        text = line.decode("utf-8")
        # The depth is known before the library starts to recurse. A caller whose stack is already
        # used up gets its RecursionError: declining then would make answers depend on the caller.
        document = None if _is_too_deep(text) else _DECODER.decode(text)
    except ValueError:
        # Not UTF-8, not JSON, or an integer of too many digits: all of them are row 1.
        return None
    return document if isinstance(document, dict) else None


def _is_too_deep(text: str) -> bool:
    """Say whether objects and arrays are nested deeper than allowed."""
    if text.count("{") + text.count("[") <= NESTING_MAX:
        return False
    depth = 0
    for piece in _STRING_OR_BRACKET.findall(text):
        if piece in "{[":
            depth += 1
            if depth > NESTING_MAX:
                return True
        elif piece in "]}":
            depth -= 1
    return False


def _integer(text: str) -> _Integer:
    """Keep an integer as text, refused past the digit limit; negative zero is zero."""
    if len(text.removeprefix("-")) > INTEGER_DIGITS_MAX:
        message = f"an integer of more than {INTEGER_DIGITS_MAX} digits"
        raise ValueError(message)
    return _Integer("0" if text == "-0" else text)


def _unread(_text: str) -> None:
    """Stand in for a fraction, an exponent, NaN or Infinity: legal in a line, never looked at."""


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_float=_unread, parse_constant=_unread)
