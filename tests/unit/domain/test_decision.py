"""Reasons, answer codes and rows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.domain.decision import (
    DROPPED,
    PARSE_REASONS,
    Reason,
    answer_of,
    encode_rows,
    reason_of,
    row_of,
    rows,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)


def test_the_numbers_of_the_reasons_never_change() -> None:
    """Replies and audit records hold these numbers: a change would rewrite the past."""
    assert {reason.name: int(reason) for reason in Reason} == {
        "ACCEPTED": 0,
        "INPUT_PARSE_ERROR": 1,
        "INVALID_ID_FORMAT": 2,
        "INVALID_TIMESTAMP": 3,
        "INVALID_AMOUNT_FORMAT": 4,
        "ID_DUPLICATE_REPLAY": 5,
        "ID_DUPLICATE_CONFLICT": 6,
        "DAILY_ATTEMPT_LIMIT": 7,
        "PRIME_AMOUNT_CAP": 8,
        "PRIME_DAILY_GLOBAL_LIMIT": 9,
        "DAILY_AMOUNT_LIMIT": 10,
        "WEEKLY_AMOUNT_LIMIT": 11,
        "OPERATOR_SKIP": 12,
    }
    assert max(Reason) < DROPPED
    assert {1, 2, 3, 4} == PARSE_REASONS


@pytest.mark.parametrize("reason", list(Reason)[1:])
def test_a_code_tells_answer_and_reason(reason: Reason) -> None:
    """The reason of a line is known whether its row was written or dropped."""
    assert (answer_of(reason), reason_of(reason)) == ("declined", reason)
    assert (answer_of(reason | DROPPED), reason_of(reason | DROPPED)) == ("dropped", reason)


def test_code_zero_is_accepted() -> None:
    """The one accepting code."""
    assert (answer_of(0), reason_of(0)) == ("accepted", Reason.ACCEPTED)


def test_rows_have_the_pinned_form_and_dropped_ones_are_empty() -> None:
    """Key order, no spaces, ids as text, one line end; nothing at all for a dropped line."""
    codes = bytes([0, Reason.DAILY_AMOUNT_LIMIT, Reason.ID_DUPLICATE_REPLAY | DROPPED])

    written = rows(["15887", "007", "3"], ["528", "1", "2"], codes)

    assert written == [
        '{"id":"15887","customer_id":"528","accepted":true}\n',
        '{"id":"007","customer_id":"1","accepted":false}\n',
        "",
    ]


@pytest.mark.parametrize("code", [*Reason, *(reason | DROPPED for reason in list(Reason)[1:])])
def test_both_ways_of_writing_a_row_agree_on_digits(code: int) -> None:
    """Whoever writes a row, an id of digits looks the same under every code."""
    assert rows(["0123"], ["999999999999999999"], [code]) == [
        row_of("0123", "999999999999999999", code)
    ]


def test_columns_of_different_length_are_a_bug() -> None:
    """A row must never be lost because a column was short."""
    with pytest.raises(ValueError, match="shorter"):
        rows(["1", "2"], ["1", "2"], b"\x00")


def test_odd_ids_are_escaped_as_json_and_kept_readable() -> None:
    """Quotes, backslashes and controls are escaped; other text is written as it is."""
    row = row_of('a"b\\c\n\x00', "ключ☃\u2028😀", Reason.INVALID_ID_FORMAT)

    assert row == ('{"id":"a\\"b\\\\c\\n\\u0000","customer_id":"ключ☃\u2028😀","accepted":false}\n')


def test_a_lone_surrogate_is_written_as_a_lower_case_escape() -> None:
    """The file is UTF-8 whatever the ids hold, also behind a backslash of the id itself."""
    written = encode_rows([row_of("\ud8ab", "\\\udfff", 2), row_of("é", "", 1)])

    assert written == (
        b'{"id":"\\ud8ab","customer_id":"\\\\\\udfff","accepted":false}\n'
        b'{"id":"\xc3\xa9","customer_id":"","accepted":false}\n'
    )


@given(identifier=ANY_TEXT, customer=ANY_TEXT, code=st.sampled_from(Reason))
@settings(max_examples=300, deadline=None)
def test_any_row_reads_back_as_json(identifier: str, customer: str, code: Reason) -> None:
    """One line of valid UTF-8 JSON with the ids that went in, for any text a line can carry."""
    # What JSON can carry: a surrogate pair written as two escapes is one character to any reader.
    identifier, customer = json.loads(json.dumps([identifier, customer]))

    written = encode_rows([row_of(identifier, customer, code)])

    assert written.count(b"\n") == 1
    assert written.endswith(b"\n")
    assert json.loads(written.decode("utf-8")) == {
        "id": identifier,
        "customer_id": customer,
        "accepted": code is Reason.ACCEPTED,
    }
