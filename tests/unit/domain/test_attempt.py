"""One line by the book: every row of the parse table, in its order, and never an exception."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.domain.attempt import LINE_BYTES_MAX, Attempt, Declined, parse_line
from kernel.domain.decision import PARSE_REASONS, Reason

GOOD = {
    "id": '"15"',
    "customer_id": '"528"',
    "load_amount": '"$3.47"',
    "time": '"2000-01-01T00:00:00Z"',
}
ATTEMPT = Attempt("15", "528", 347, "20000101000000", date(2000, 1, 1).toordinal())
UNREADABLE = Declined("", "", Reason.INPUT_PARSE_ERROR)


def line_of(*, extra: str = "", **fields: str) -> bytes:
    """Write the good line with some fields replaced, given as JSON; an empty one is left out."""
    members = [f'"{key}":{value}' for key, value in (GOOD | fields).items() if value]
    return ("{" + ",".join([*members, *([extra] if extra else [])]) + "}").encode()


@pytest.fixture
def few_digits_allowed() -> Iterator[None]:
    """Lower the interpreter's own digit limit, as an environment variable would."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    yield
    sys.set_int_max_str_digits(before)


def test_a_good_line_is_an_attempt() -> None:
    """Ids as text, whole cents, the UTC instant as text, the UTC day as an ordinal."""
    assert parse_line(line_of()) == ATTEMPT


@pytest.mark.parametrize(
    "line",
    [
        line_of() + b"\r",
        b" \t" + line_of() + b" \r\r",
        line_of().replace(b",", b" ,\t").replace(b":", b" :\r", 1),
        line_of(extra='"more":{"deep":[1,2.5e999999999,null,true]}'),
        line_of(extra='"nan":NaN,"inf":[Infinity,-Infinity],"":"\\u0000"'),
        line_of(extra='"text":"\N{SNOWMAN}\\ud800"'),
        line_of(id='" 15\\t"', customer_id='"\\u00a0528\\u2003"', time='" 2000-01-01 00:00:00Z "'),
        line_of(id='"\\u0031\\u0035"'),
        b'{"id":7,"time":null,' + line_of()[1:],
    ],
    ids=["cr", "blanks", "spaced", "extras", "nan", "surrogate", "trimmed", "escapes", "repeated"],
)
def test_the_same_attempt_may_be_written_in_many_ways(line: bytes) -> None:
    """White space, extra keys, escapes and repeated keys (the last one counts) change nothing."""
    assert parse_line(line) == ATTEMPT


@pytest.mark.parametrize("text", ["007", "7", "0", "999999999999999999"])
def test_ids_stay_text(text: str) -> None:
    """Leading zeros are kept, and 18 digits are allowed."""
    parsed = parse_line(line_of(id=f'"{text}"', customer_id=f'"{text}"'))

    assert parsed == ATTEMPT._replace(id=text, customer=text)


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"\r", b" ", b"\t \r", b"\x00", b"\xff", b"{", b"}", b"nonsense", b"{}{}", b"\\"),
        *(b"[]", b"null", b"true", b"NaN", b"12", b'"text"', b"1e5", b"[{}]"),
        *(line_of() + b"x", line_of()[:-1], line_of()[1:], line_of().replace(b'"', b"'")),
        line_of().replace(b"15", b"1\x005"),
        line_of() + b"\x00",
        line_of().replace(b"15", b"1\xff5"),
        line_of().replace(b"15", b"\xed\xa0\x80"),
        line_of().replace(b"15", b"1\t5"),
        line_of(extra='"bad":"\\x"'),
        line_of(extra='"a":01'),
        line_of(extra='"a":1,'),
        b"\xef\xbb\xbf" + line_of(),
        line_of().decode().encode("utf-16"),
    ],
)
def test_row_1_what_is_no_json_object_shows_no_ids(line: bytes) -> None:
    """Not UTF-8, not JSON, or not an object: even ids that could be guessed are not shown."""
    assert parse_line(line) == UNREADABLE


def test_row_1_counts_the_bytes_of_a_line_without_its_end() -> None:
    """65,536 bytes are read, one more is not; the line end does not count."""
    longest = line_of() + b" " * (LINE_BYTES_MAX - len(line_of()))

    assert LINE_BYTES_MAX == 65_536
    assert parse_line(longest) == ATTEMPT
    assert parse_line(longest + b"\r") == ATTEMPT
    assert parse_line(longest + b" ") == UNREADABLE
    assert parse_line(longest + b" \r") == UNREADABLE


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"[":', "}]")])
def test_row_1_allows_64_levels_and_the_object_is_the_first(opening: str, closing: str) -> None:
    """Objects and arrays count alike; the 65th level declines the line."""
    levels = opening.count("[") + opening.count("{") - (opening.count('"[') > 0)
    times, rest = divmod(63, levels)
    deepest = opening * times + "[" * rest + "1" + "]" * rest + closing * times

    assert parse_line(line_of(extra=f'"x":{deepest}')) == ATTEMPT
    assert parse_line(line_of(extra=f'"x":[{deepest}]')) == UNREADABLE


@pytest.mark.parametrize(
    "extra",
    [
        '"x":"' + "[{" * 500 + '"',
        '"' + "[" * 500 + '":1',
        '"x":"' + '\\"[' * 500 + '"',
        '"x":"\\\\","y":"' + "[" * 500 + '"',
        '"x":[' + ",".join(["[]", "{}"] * 500) + "]",
    ],
)
def test_row_1_counts_nesting_and_not_brackets(extra: str) -> None:
    """Brackets inside strings, keys and behind escaped quotes are text; siblings do not add up."""
    assert parse_line(line_of(extra=extra)) == ATTEMPT


def test_row_1_sees_nesting_behind_a_string_that_ends_in_a_backslash() -> None:
    """An escaped backslash does not escape the quote behind it."""
    assert parse_line(line_of(extra='"x":"\\\\","y":' + "[" * 64 + "]" * 64)) == UNREADABLE


@pytest.mark.parametrize("sign", ["", "-"])
def test_row_1_allows_integers_of_4300_digits(sign: str) -> None:
    """One digit more declines the line wherever the integer stands; the sign is no digit."""
    assert parse_line(line_of(extra=f'"x":[{sign}{"9" * 4300}]')) == ATTEMPT
    assert parse_line(line_of(extra=f'"x":[{sign}{"9" * 4301}]')) == UNREADABLE
    assert parse_line(line_of(id=f"{sign}{'9' * 4301}")) == UNREADABLE
    assert parse_line(line_of(extra=f'"x":{sign}{"9" * 5000}.0')) == ATTEMPT


@pytest.mark.usefixtures("few_digits_allowed")
def test_the_digit_limit_does_not_move_with_the_environment() -> None:
    """An interpreter told to read fewer digits gives the same answers."""
    digits = "9" * 4300

    assert parse_line(line_of(id=digits)) == Declined(digits, "528", Reason.INPUT_PARSE_ERROR)


def test_an_answer_does_not_depend_on_how_deep_the_caller_stands() -> None:
    """The deepest line allowed is read from a caller that has used much of its stack."""
    line = line_of(extra='"x":' + "[" * 63 + "]" * 63)

    def parse_below(levels: int) -> Attempt | Declined:
        return parse_below(levels - 1) if levels else parse_line(line)

    assert parse_below(sys.getrecursionlimit() // 2) == ATTEMPT


@pytest.mark.parametrize("key", GOOD)
@pytest.mark.parametrize("value", ["", "null", "true", "[]", "{}", "1.5", "1e2", "NaN"])
def test_row_2_a_field_that_is_missing_or_no_string_is_a_parse_error(key: str, value: str) -> None:
    """The other id is still shown; a field that is neither text nor integer shows nothing."""
    shown = {"id": "15", "customer_id": "528", key: ""}

    parsed = parse_line(line_of(**{key: value}))

    assert parsed == Declined(shown["id"], shown["customer_id"], Reason.INPUT_PARSE_ERROR)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("7", "7"),
        ("-12", "-12"),
        ("-0", "0"),
        ("9" * 4300, "9" * 4300),
        ("false", ""),
        ("7.0", ""),
        ('" \\u2003x\\ud800 y\\u001f"', "x\ud800 y"),
        ('"  "', ""),
    ],
)
def test_row_2_shows_trimmed_text_and_the_digits_of_an_integer(value: str, shown: str) -> None:
    """What can be shown of an id is shown, although the line is no attempt."""
    declined = parse_line(line_of(id=value, customer_id=value, time=""))

    assert declined == Declined(shown, shown, Reason.INPUT_PARSE_ERROR)


@pytest.mark.parametrize("key", ["id", "customer_id"])
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('""', ""),
        ('" "', ""),
        ('"1 5"', "1 5"),
        ('"-1"', "-1"),
        ('"+1"', "+1"),
        ('"1.0"', "1.0"),
        ('"0x1"', "0x1"),
        ('"1_0"', "1_0"),
        ('"1234567890123456789"', "1234567890123456789"),
        ('"\u0661"', "\u0661"),
        ('"\u00b2"', "\u00b2"),
        ('"1\\u0000"', "1\x00"),
        ('"\\ud800"', "\ud800"),
        ('"\\ud83d\\ude00 "', "\U0001f600"),
        ('"1\\u200b"', "1\u200b"),
    ],
)
def test_rows_3_and_4_an_id_is_1_to_18_ascii_digits(key: str, value: str, shown: str) -> None:
    """Any other text is shown trimmed and as given."""
    ids = {"id": "15", "customer_id": "528", key: shown}

    parsed = parse_line(line_of(**{key: value}))

    assert parsed == Declined(ids["id"], ids["customer_id"], Reason.INVALID_ID_FORMAT)


def test_row_5_a_timestamp_outside_the_grammar_declines() -> None:
    """The grammar itself is tested beside the calendar."""
    for text in ['"2000-02-30T00:00:00Z"', '"0001-01-01T00:00:00+02:00"', '""']:
        assert parse_line(line_of(time=text)) == Declined("15", "528", Reason.INVALID_TIMESTAMP)


def test_row_6_an_amount_outside_the_grammar_declines() -> None:
    """The grammar itself is tested beside money."""
    for amount in ['"-1.00"', '"EUR1.00"', '"\\ud800"', '""']:
        parsed = parse_line(line_of(load_amount=amount))

        assert parsed == Declined("15", "528", Reason.INVALID_AMOUNT_FORMAT)


def test_the_first_failure_wins() -> None:
    """A line wrong in every way is declined for the topmost row; mended, for the next one."""
    wrong = {"id": '"x"', "customer_id": '"y"', "load_amount": '"z"', "time": "0"}
    reasons = []
    for mended in ({"time": '"t"'}, {"id": '"1"'}, {"customer_id": '"2"'}, {"time": GOOD["time"]}):
        reasons.append(parse_line(line_of(**wrong))[2])
        wrong |= mended
    reasons.append(parse_line(line_of(**wrong))[2])

    assert reasons == [
        Reason.INPUT_PARSE_ERROR,
        Reason.INVALID_ID_FORMAT,
        Reason.INVALID_ID_FORMAT,
        Reason.INVALID_TIMESTAMP,
        Reason.INVALID_AMOUNT_FORMAT,
    ]


def is_an_answer(parsed: Attempt | Declined) -> bool:
    """Say whether a parse result is well-formed in itself."""
    if isinstance(parsed, Attempt):
        return parsed.id.isdigit() and parsed.customer.isdigit() and parsed.cents >= 0
    return parsed.code in PARSE_REASONS


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_get_an_answer(line: bytes) -> None:
    """Parsing never raises, whatever comes in."""
    assert is_an_answer(parse_line(line))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*GOOD, "x"]), inner),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, JSON)))
@settings(max_examples=300, deadline=None)
def test_any_json_object_gets_an_answer(fields: dict[str, object]) -> None:
    """Parsing never raises on values of any type in any of the four fields."""
    assert is_an_answer(parse_line(json.dumps(fields).encode()))


@pytest.mark.parametrize(
    "piece", ["[", "{", '"', '\\"', '\\"[', '{"a":', "[[]", "\\", "1", "1e", "]"]
)
@pytest.mark.parametrize("start", ["", '{"x":', '{"x":"'])
def test_long_lines_of_one_piece_are_answered_quickly(start: str, piece: str) -> None:
    """No line is read in quadratic time, which would take seconds, or with deep recursion."""
    line = (start + piece * LINE_BYTES_MAX)[:LINE_BYTES_MAX].encode()
    started_s = time.process_time()

    assert parse_line(line) == UNREADABLE
    assert time.process_time() - started_s < 0.5
