"""What an attempt was answered: reasons, answer codes, and the output rows made of them.

Lives here: the closed list of reasons (`rules.md` sections 1, 3 and 5), the one-byte answer code in
which a decision travels through batches, logs and replies, and the text of a row. Not here: why a
reason is given (`attempt.py`, `identity.py`, `decide.py`) and where a row is written (the file
adapter).

1. The numbers are a wire format: they are stored in replies and in the audit trail, so none is ever
   reused.
2. A code is a reason, with the DROPPED bit beside it when the rule set asks for no row. Zero is
   accepted.
3. A row never shows the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, Literal

Answer = Literal["accepted", "declined", "dropped"]


class Reason(IntEnum):
    """Why an attempt was answered as it was; the order is that of the rules, not of severity."""

    ACCEPTED = 0
    INPUT_PARSE_ERROR = 1
    INVALID_ID_FORMAT = 2
    INVALID_TIMESTAMP = 3
    INVALID_AMOUNT_FORMAT = 4
    ID_DUPLICATE_REPLAY = 5
    ID_DUPLICATE_CONFLICT = 6
    DAILY_ATTEMPT_LIMIT = 7
    PRIME_AMOUNT_CAP = 8
    PRIME_DAILY_GLOBAL_LIMIT = 9
    DAILY_AMOUNT_LIMIT = 10
    WEEKLY_AMOUNT_LIMIT = 11
    OPERATOR_SKIP = 12


#: Bit of an answer code: the line is answered and audited, but writes no row.
DROPPED: Final = 0x40

#: The reasons a line can be declined for before it becomes an attempt.
PARSE_REASONS: Final[frozenset[int]] = frozenset(
    {
        Reason.INPUT_PARSE_ERROR,
        Reason.INVALID_ID_FORMAT,
        Reason.INVALID_TIMESTAMP,
        Reason.INVALID_AMOUNT_FORMAT,
    }
)

_TAIL_ACCEPTED: Final = '","accepted":true}\n'
_TAIL_DECLINED: Final = '","accepted":false}\n'
#: What follows the customer, by code: one index instead of a comparison for each row.
_TAILS: Final = (_TAIL_ACCEPTED, *[_TAIL_DECLINED] * (DROPPED - 1))

_encode_text = json.JSONEncoder(ensure_ascii=False).encode


def reason_of(code: int) -> Reason:
    """Return the reason in an answer code, whether its row was dropped or not."""
    return Reason(code & ~DROPPED)


def answer_of(code: int) -> Answer:
    """Return the one answer a line got: accepted, declined, or dropped."""
    if code & DROPPED:
        return "dropped"
    return "declined" if code else "accepted"


def rows(ids: Iterable[str], customers: Iterable[str], codes: Iterable[int]) -> list[str]:
    """Write one row for each attempt whose ids are digits only; a dropped one gives an empty text.

    Digits need no escaping, which is what makes this worth having beside `row_of`.
    """
    tails = _TAILS
    return [
        f'{{"id":"{identifier}","customer_id":"{customer}{tails[code]}' if code < DROPPED else ""
        for identifier, customer, code in zip(ids, customers, codes, strict=True)
    ]


def row_of(identifier: str, customer: str, code: int) -> str:
    """Write one row for ids of any text, escaped as JSON; a dropped one gives an empty text.

    A lone surrogate stays as it is here; `encode_rows` writes it as an escape.
    """
    if code & DROPPED:
        return ""
    accepted = "false" if code else "true"
    return (
        f'{{"id":{_encode_text(identifier)},"customer_id":{_encode_text(customer)}'
        f',"accepted":{accepted}}}\n'
    )


def encode_rows(texts: Iterable[str]) -> bytes:
    r"""Join rows into the bytes of the output file; a lone surrogate becomes `\udxxx`."""
    return "".join(texts).encode("utf-8", "backslashreplace")
