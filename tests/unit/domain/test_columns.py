"""A chunk as columns: the fast path equals the book on any bytes, and is taken by usual lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kernel.domain.attempt import LINE_BYTES_MAX, Attempt, parse_line
from kernel.domain.columns import (
    _CANONICAL_LINES,
    _DAYS,
    DATES_CACHED_MAX,
    Attempts,
    DeclinedLines,
    Parsed,
    parse_chunk,
    parse_chunk_by_the_book,
)
from kernel.domain.decision import Reason

LINE = b'{"id":"15","customer_id":"528","load_amount":"$3.47","time":"2000-01-01T00:00:00Z"}'
FRACTION = LINE.replace(b"00Z", b"00.5Z")
UNREAL = LINE.replace(b"01-01", b"02-30")

YEARS = ["1899", "1900", "1904", "1999", "2000", "2001", "2024", "2100", "2999", "3000", "0001"]
DAYS = ["00", "01", "28", "29", "30", "31", "32"]
IDS = st.text("0123456789", min_size=1, max_size=19)
DIGIT_PAIRS = st.integers(0, 99).map("{:02}".format)
HOURS = st.sampled_from(["00", "12", "19", "20", "23", "24", "29"])
SIXTIES = st.sampled_from(["00", "09", "59", "60"])


@st.composite
def near_canonical_lines(draw: st.DrawFn) -> bytes:
    """Lines of the canonical shape, most of them canonical, some beyond a bound of it."""
    blank = draw(st.sampled_from(["", "", "", " ", "  "]))
    amount = draw(st.integers(1, 10**16).map(str)) + "." + draw(DIGIT_PAIRS)
    month = draw(st.integers(0, 13).map("{:02}".format))
    day = "-".join([draw(st.sampled_from(YEARS)), month, draw(st.sampled_from(DAYS))])
    clock = ":".join([draw(HOURS), draw(SIXTIES), draw(SIXTIES)])
    fields = {
        "id": draw(IDS),
        "customer_id": draw(IDS),
        "load_amount": draw(st.sampled_from(["$", "$", "", "USD", "$$"])) + amount,
        "time": f"{day}T{clock}{draw(st.sampled_from(['Z', 'Z', 'Z', '+00:00', '.5Z', 'z']))}",
    }
    members = [f'"{key}":{blank}"{value}"' for key, value in fields.items()]
    return ("{" + f",{blank}".join(members) + "}").encode() + draw(st.sampled_from([b"", b"\r"]))


@st.composite
def mutated_chunks(draw: st.DrawFn) -> bytes:
    """Chunks of canonical lines in which some bytes were changed, put in or taken out."""
    chunk = bytearray(draw(st.lists(st.sampled_from([LINE, LINE + b"\r"]), max_size=4).map(joined)))
    byte = st.sampled_from(b'\n\r\x00 "{}[]:,.$-+TZ0123456789\xff') | st.integers(0, 255)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(chunk)))
        until = at + draw(st.sampled_from([0, 0, 1, 1, 2, 90]))
        chunk[at:until] = bytes(draw(st.lists(byte, max_size=2)))
    return bytes(chunk)


def joined(lines: Sequence[bytes]) -> bytes:
    """Put lines together into a chunk, each with its end."""
    return b"".join(line + b"\n" for line in lines)


ODD_LINES = st.sampled_from([b"", b"\r", b"{}", b"\xff", FRACTION, UNREAL, LINE + LINE, LINE[:-1]])
ANY_LINES = st.lists(st.just(LINE) | near_canonical_lines() | ODD_LINES, max_size=12)


def is_canonical(line: bytes) -> bool:
    """Say whether the fast path takes a line."""
    return _CANONICAL_LINES.fullmatch(line + b"\n") is not None


@pytest.mark.unwatched
@given(raw=st.binary(max_size=300))
@example(raw=b"")
@example(raw=b"\n")
@example(raw=b"\n\n\n")
@example(raw=b"\r")
@example(raw=b"\r\n\r\n")
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_parsed_as_by_the_book(raw: bytes) -> None:
    """Bytes that are no lines at all give the same columns both ways."""
    assert parse_chunk(raw) == parse_chunk_by_the_book(raw)


@pytest.mark.unwatched
@given(raw=mutated_chunks())
@settings(max_examples=300, deadline=None)
def test_damaged_lines_are_parsed_as_by_the_book(raw: bytes) -> None:
    """A canonical line with a few bytes wrong, cut or joined to its neighbour gives the same."""
    assert parse_chunk(raw) == parse_chunk_by_the_book(raw)


@pytest.mark.unwatched
@given(lines=ANY_LINES, is_ended=st.booleans())
@settings(max_examples=300, deadline=None)
def test_mixed_lines_are_parsed_as_by_the_book(lines: list[bytes], *, is_ended: bool) -> None:
    """Canonical and odd lines in any order, with and without the last line end, give the same."""
    raw = joined(lines) if is_ended else b"\n".join(lines)

    assert parse_chunk(raw) == parse_chunk_by_the_book(raw)


@pytest.mark.unwatched
@pytest.mark.parametrize("width", [0, 1], ids=["inserted", "replaced"])
def test_every_single_byte_in_every_place_is_parsed_as_by_the_book(width: int) -> None:
    """No byte put into a line, or in place of another, makes the fast path differ."""
    for at in range(len(LINE) + 1 - width):
        head, tail = LINE[:at], LINE[at + width :]
        raw = joined([head + bytes([byte]) + tail for byte in range(256)])

        assert parse_chunk(raw) == parse_chunk_by_the_book(raw)


@pytest.mark.unwatched
def test_every_byte_that_goes_missing_is_noticed_as_by_the_book() -> None:
    """No byte taken out of a line makes the fast path differ."""
    raw = joined([LINE[:at] + LINE[at + 1 :] for at in range(len(LINE))])

    assert parse_chunk(raw) == parse_chunk_by_the_book(raw)


@pytest.mark.unwatched
def test_every_date_is_parsed_as_by_the_book() -> None:
    """Real and impossible dates of leap and common years and centuries, and years out of bounds."""
    dates = [f"{y}-{m:02}-{d:02}" for y in YEARS for m in range(14) for d in range(33)]
    raw = joined([LINE.replace(b"2000-01-01", text.encode()) for text in dates])

    assert parse_chunk(raw) == parse_chunk_by_the_book(raw)


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        LINE + b"\r",
        LINE.replace(b":", b": ", 4).replace(b",", b", "),
        LINE.replace(b"$", b""),
        LINE.replace(b"15", b"123456789012345678").replace(b"528", b"000000000000000000"),
        LINE.replace(b"3.47", b"999999999999999.99"),
        LINE.replace(b"2000-01-01T00:00:00", b"1900-12-31T23:59:59"),
        LINE.replace(b"2000-01-01T00:00:00", b"2999-10-09T19:09:59"),
    ],
)
def test_usual_lines_take_the_fast_path_with_the_values_of_the_book(line: bytes) -> None:
    """What is fast has to stay fast: these spellings are canonical, any number of them at once."""
    attempt = parse_line(line)
    parsed = parse_chunk(joined([line] * 3))

    assert is_canonical(line)
    assert isinstance(attempt, Attempt)
    assert list(zip(*parsed.attempts[1:], strict=True)) == [attempt] * 3


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace(b"15", b"1" * 19),
        LINE.replace(b"528", b"1" * 19),
        LINE.replace(b"3.47", b"1" * 16 + b".00"),
        LINE.replace(b"2000", b"1899"),
        LINE.replace(b"2000", b"3000"),
        LINE.replace(b":", b":" + b" " * LINE_BYTES_MAX, 1),
        LINE + b" " * LINE_BYTES_MAX,
        LINE + b"\r" * LINE_BYTES_MAX,
    ],
    ids=["id", "customer", "amount", "early", "late", "blanks", "trailing", "returns"],
)
def test_lines_just_beyond_a_bound_are_declined_as_by_the_book(line: bytes) -> None:
    """The pattern knows each bound of the book: digits, years, and the length of a line."""
    raw = joined([LINE, line, LINE])

    assert parse_chunk(raw) == parse_chunk_by_the_book(raw)
    assert parse_chunk(raw).declined.offsets == [1]


def test_columns_hold_the_lines_in_order_with_their_offsets() -> None:
    """Odd attempts and declined lines keep their place among canonical ones."""
    lines = [LINE, FRACTION, b"{}", LINE.replace(b"15", b"7"), UNREAL, LINE.replace(b"15", b"9")]
    day = date(2000, 1, 1).toordinal()

    parsed = parse_chunk(b"\n".join(lines))

    assert parsed == Parsed(
        6,
        Attempts(
            [0, 1, 3, 5],
            ["15", "15", "7", "9"],
            ["528"] * 4,
            [347] * 4,
            ["20000101000000", "20000101000000.500000", "20000101000000", "20000101000000"],
            [day] * 4,
        ),
        DeclinedLines(
            [2, 4], ["", "15"], ["", "528"], [Reason.INPUT_PARSE_ERROR, Reason.INVALID_TIMESTAMP]
        ),
    )


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        (b"", 0),
        (b"\n", 1),
        (b"\n\n", 2),
        (b"\r", 1),
        (LINE, 1),
        (LINE + b"\n", 1),
        (b"\n" + LINE, 2),
    ],
)
def test_a_last_piece_is_a_line_unless_it_is_empty(raw: bytes, lines: int) -> None:
    """Lines are split at line feeds only, and every line is in exactly one of the two tables."""
    parsed = parse_chunk(raw)

    assert parsed.lines == lines
    assert sorted([*parsed.attempts.offsets, *parsed.declined.offsets]) == list(range(lines))


def test_a_flood_of_dates_leaves_the_date_cache_bounded() -> None:
    """More distinct dates than are kept are still parsed right."""
    first = date(1900, 1, 1)
    days = range(DATES_CACHED_MAX + 100)
    texts = [(first + timedelta(days=day)).isoformat().encode() for day in days]

    parsed = parse_chunk(joined([LINE.replace(b"2000-01-01", text) for text in texts]))

    assert parsed.attempts.days == [first.toordinal() + day for day in days]
    assert len(_DAYS) <= DATES_CACHED_MAX
