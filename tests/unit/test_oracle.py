"""The oracle itself: the reference outputs, the pinned examples, and the edges it must know.

A judge that is wrong makes every comparison worthless, so it is held to facts that nobody here made
up: the public reference files and the worked examples of the rules.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.bad_lines import BAD_LINES, REASON_OF, filled
from tests.support.oracle import (
    BASELINE,
    CLASSIC,
    EXPERIMENT,
    Answer,
    BadLine,
    Oracle,
    WellFormed,
    decide_stream,
    output_bytes,
    parse,
)
from tests.support.reference import reference_file

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (f"2000-01-{day:02d}" for day in range(3, 8))
ROOMY: dict[str, Any] = EXPERIMENT | {
    "limits": {"daily_amount": "20000", "weekly_amount": "50000", "daily_attempts": 3},
    "prime_gate": {"enabled": True, "global_per_day": 1, "amount_cap": "10000.00"},
}
GOOD = {"id": "1", "customer_id": "6", "load_amount": "$1.00", "time": "2000-01-01T00:00:00Z"}


def line(id_text: str, amount: str, day: str = MONDAY, customer: str = "6") -> bytes:
    """Write one load at noon."""
    texts = {"load_amount": amount, "time": f"{day}T12:00:00Z"}
    return json.dumps({"id": id_text, "customer_id": customer} | texts).encode()


def good(**changed: object) -> bytes:
    """Write a good line with some values changed."""
    return json.dumps(GOOD | changed).encode()


def reasons(config: dict[str, Any], *lines: bytes) -> list[str]:
    """Decide lines in a row and give the reasons."""
    return [answer.reason for answer in decide_stream(b"\n".join(lines), config)]


@pytest.mark.parametrize(
    ("config", "name"),
    [(BASELINE, "output.txt"), (EXPERIMENT, "output_exp_mp.txt")],
    ids=["baseline", "experiment"],
)
def test_the_oracle_writes_the_reference_outputs_byte_by_byte(
    config: dict[str, Any], name: str
) -> None:
    """Parity means equal bytes, row by row and in order."""
    answers = decide_stream(reference_file("input.txt"), config)

    assert output_bytes(answers) == reference_file(name)


class TestPinnedExamples:
    """The worked examples of the rules, one test each."""

    def test_the_fourth_load_of_a_day_is_one_too_many(self) -> None:
        """Three attempts a day, however small."""
        given = [line(str(number), "$100.00") for number in (1, 2, 3, 4)]

        assert reasons(BASELINE, *given) == ["", "", "", "DAILY_ATTEMPT_LIMIT"]

    def test_a_day_takes_no_more_than_its_limit(self) -> None:
        """3000 and 2500 are more than 5000."""
        given = [line("1", "$3000.00"), line("2", "$2500.00")]

        assert reasons(BASELINE, *given) == ["", "DAILY_AMOUNT_LIMIT"]

    def test_limits_reached_exactly_are_kept_and_the_next_load_breaks_the_week(self) -> None:
        """Four full days are a full week; the fifth finds no room."""
        days = (MONDAY, TUESDAY, WEDNESDAY, THURSDAY)
        given = [line(str(number), "$5000.00", day) for number, day in enumerate(days)]
        given.append(line("9", "$1000.00", FRIDAY))

        assert reasons(BASELINE, *given) == ["", "", "", "", "WEEKLY_AMOUNT_LIMIT"]

    @pytest.mark.parametrize(
        ("week_start", "sunday_is_apart"), [("MON", True), ("SUN", False), ("TUE", False)]
    )
    def test_a_sunday_and_the_monday_behind_it_are_two_weeks(
        self, week_start: str, sunday_is_apart: bool
    ) -> None:
        """Sunday 2000-01-02 closes the week of 1999-12-27 unless weeks start elsewhere."""
        days = ("2000-01-02", "2000-01-03")
        given = [line(str(number), "$3.00", day) for number, day in enumerate(days)]
        limits = {"daily_amount": "9", "weekly_amount": "5", "daily_attempts": 3}

        got = reasons(BASELINE | {"limits": limits, "week_start": week_start}, *given)

        assert got == ["", "" if sunday_is_apart else "WEEKLY_AMOUNT_LIMIT"]

    def test_the_cap_counts_a_monday_double_and_the_slot_is_for_everybody(self) -> None:
        """With room below the limits the prime gate alone decides."""
        given = [
            line("101", "$6000.00"),
            line("102", "$6000.00"),
            line("103", "$6000.00", TUESDAY),
            line("107", "$6000.00", TUESDAY, customer="8"),
        ]

        assert reasons(ROOMY, *given) == ["PRIME_AMOUNT_CAP", "", "", "PRIME_DAILY_GLOBAL_LIMIT"]

    def test_shipped_limits_double_a_monday_and_pass_one_prime_a_day(self) -> None:
        """3000 on a Monday counts 6000."""
        given = [
            line("40000", "$3000.00"),
            line("10007", "$1.00", TUESDAY),
            line("10009", "$1.00", TUESDAY, customer="8"),
        ]

        assert reasons(EXPERIMENT, *given) == ["DAILY_AMOUNT_LIMIT", "", "PRIME_DAILY_GLOBAL_LIMIT"]

    def test_a_declined_prime_leaves_the_slot_free(self) -> None:
        """Only an accepted prime uses the day's slot."""
        given = [line("10007", "$6000.00", TUESDAY), line("10009", "$1.00", TUESDAY)]

        assert reasons(EXPERIMENT, *given) == ["DAILY_AMOUNT_LIMIT", ""]

    def test_classic_drops_what_it_does_not_answer(self) -> None:
        """The older form of the challenge, as one day of customer 6."""
        given = [
            line("1", "$0.00"),
            line("1", "$7.00"),
            line("1", "$0.00", customer="7"),
            b"{}",
            line("2", "$4999.00"),
            line("3", "$2.00"),
            line("4", "$1.00"),
            line("5", "$0.00"),
        ]
        answers = decide_stream(b"\n".join(given), CLASSIC)

        assert [(answer.answer, answer.reason) for answer in answers] == [
            ("accepted", ""),
            ("dropped", "ID_DUPLICATE_CONFLICT"),
            ("accepted", ""),
            ("dropped", "INPUT_PARSE_ERROR"),
            ("accepted", ""),
            ("declined", "DAILY_AMOUNT_LIMIT"),
            ("accepted", ""),
            ("declined", "DAILY_ATTEMPT_LIMIT"),
        ]
        assert output_bytes(answers).count(b"\n") == 6


class TestParse:
    """Section 1 of the rules."""

    @pytest.mark.parametrize("family", BAD_LINES)
    def test_every_bad_line_of_a_family_gets_the_reason_of_its_row(self, family: str) -> None:
        """A family is named after what is wrong; nothing else is wrong with its lines."""
        texts = {"id_text": "42", "customer": "7", "amount": "$1.00", "time": str(GOOD["time"])}
        parsed = [parse(filled(template, **texts)) for template in BAD_LINES[family]]

        wrong = [
            template
            for template, result in zip(BAD_LINES[family], parsed, strict=True)
            if not isinstance(result, BadLine) or result.reason != REASON_OF[family]
        ]
        assert wrong == []

    @pytest.mark.parametrize("amount", ["$1234.00", "USD1234.00", "USD$1234.00", "$USD 12 34.00"])
    def test_one_prefix_and_any_white_space_may_stand_in_an_amount(self, amount: str) -> None:
        """The four prefixes mean the same."""
        parsed = parse(good(load_amount=amount))

        assert isinstance(parsed, WellFormed)
        assert str(parsed.amount) == "1234.00"

    def test_a_zone_moves_a_monday_morning_into_sunday(self) -> None:
        """Keys are taken of the UTC instant."""
        parsed = parse(good(time=" 2000-01-03T01:00:00+02:00 "))

        assert isinstance(parsed, WellFormed)
        assert parsed.instant.isoformat() == "2000-01-02T23:00:00+00:00"

    def test_digits_behind_the_sixth_are_cut_not_rounded(self) -> None:
        """A replay may carry more digits than its first line."""
        lines = [good(time=f"2000-01-01T00:00:00.{digits}Z") for digits in ("9999999", "999999")]

        assert reasons(BASELINE, *lines) == ["", "ID_DUPLICATE_REPLAY"]

    @pytest.mark.parametrize(
        ("changed", "ids"),
        [
            ({"time": None}, ("1", "6")),
            ({"id": 12}, ("12", "6")),
            ({"id": True}, ("", "6")),
            ({"id": 1.0}, ("", "6")),
            ({"customer_id": -3, "id": "  a b "}, ("a b", "-3")),
            ({"id": "\u2003\x1c7 "}, ("7", "6")),
            ({"id": "x" * 19}, ("x" * 19, "6")),
        ],
    )
    def test_a_declined_line_shows_the_ids_it_has(
        self, changed: dict[str, object], ids: tuple[str, str]
    ) -> None:
        """Trimmed strings and whole numbers are shown, everything else is empty."""
        parsed = parse(good(**changed))

        assert (parsed.id, parsed.customer) == ids

    def test_sixty_four_brackets_deep_is_read_and_sixty_five_is_not(self) -> None:
        """The outer object is the first level; brackets in strings are none."""
        deep = [
            good()[:-1] + b',"x":"[[[[[\\"[","deep":' + b"[" * depth + b"]" * depth + b"}"
            for depth in (63, 64)
        ]

        assert [type(parse(one)) for one in deep] == [WellFormed, BadLine]

    def test_the_longest_line_is_counted_without_its_line_end(self) -> None:
        """65,536 bytes pass, with either line end; one more does not."""
        longest = good() + b" " * (65_536 - len(good()))

        assert isinstance(parse(longest), WellFormed)
        assert isinstance(parse(longest + b"\r\n"), WellFormed)
        assert isinstance(parse(longest + b" "), BadLine)

    def test_lines_end_at_newlines_only(self) -> None:
        """A mark at the start is skipped, a last piece counts when it is not empty."""
        assert decide_stream(b"", BASELINE) == []
        assert decide_stream(b"\xef\xbb\xbf", BASELINE) == []
        assert reasons(BASELINE, b"\xef\xbb\xbf" + good() + b"\r", b"\r") == [
            "",
            "INPUT_PARSE_ERROR",
        ]
        assert len(decide_stream(b"\n\n \x85\x0b\xe2\x80\xa8", BASELINE)) == 3

    def test_rows_keep_unicode_and_spell_out_lone_surrogates(self) -> None:
        """The output is UTF-8 whatever the ids were."""
        given = b'{"id":" \\udcFF\\ud83d\\ude00\\u00e9\\"\\u0001 ","customer_id":1e3}'
        shown = b'\\udcff\xf0\x9f\x98\x80\xc3\xa9\\"\\u0001'

        assert output_bytes(decide_stream(given, BASELINE)) == (
            b'{"id":"' + shown + b'","customer_id":"","accepted":false}\n'
        )


class TestLedger:
    """Order, idempotency and money of one ledger."""

    def test_lines_fed_one_by_one_are_numbered_in_the_ledgers_order(self) -> None:
        """Several runs share one order; a bad line takes a number and no id."""
        oracle = Oracle(BASELINE)
        answers = [oracle.feed(one) for one in (good(time="never"), good(), good() + b"\n")]

        row = '{"id":"1","customer_id":"6","accepted":%s}'
        assert answers == [
            Answer(1, row % "false", "declined", "INVALID_TIMESTAMP"),
            Answer(2, row % "true", "accepted", ""),
            Answer(3, row % "false", "declined", "ID_DUPLICATE_REPLAY"),
        ]

    def test_an_attempt_an_operator_skipped_owns_its_id_and_moves_no_window(self) -> None:
        """It is declined in its turn."""
        oracle = Oracle(EXPERIMENT | {"limits": ROOMY["limits"] | {"daily_attempts": 1}})
        skipped = oracle.feed(line("2", "$1.00"), skipped=True)
        later = [oracle.feed(one) for one in (line("2", "$1.00"), line("3", "$1.00"))]

        assert (skipped.answer, skipped.reason) == ("declined", "OPERATOR_SKIP")
        assert [answer.reason for answer in later] == ["ID_DUPLICATE_REPLAY", ""]

    @pytest.mark.parametrize(("cents", "fits"), [("0.02", True), ("0.03", True), ("0.04", False)])
    def test_a_monday_rounds_half_to_even_once(self, cents: str, fits: bool) -> None:
        """Half as much again makes 0.03, 0.045 (so 0.04) and 0.06; the limit is 0.04."""
        config = BASELINE | {
            "limits": {"daily_amount": "0.04", "weekly_amount": "9", "daily_attempts": 3},
            "monday_multiplier": {"enabled": True, "multiplier": "1.5"},
        }

        assert reasons(config, line("4", cents)) == ["" if fits else "DAILY_AMOUNT_LIMIT"]

    def test_007_and_7_are_two_ids_and_both_prime(self) -> None:
        """Ids stay texts; only primality looks at the number."""
        given = [line("7", "$1.00", TUESDAY), line("007", "$1.00", TUESDAY)]

        assert reasons(BASELINE, *given) == ["", ""]
        assert reasons(EXPERIMENT, *given) == ["", "PRIME_DAILY_GLOBAL_LIMIT"]
