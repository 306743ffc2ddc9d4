"""The figures of a run: rates of the last seconds, totals that grow rather than lie."""

from __future__ import annotations

import pytest

from kernel.runtime.progress import Meter, duration, tidied


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """A slow beginning is forgotten."""
    meter = Meter(None)
    for second in range(10):
        meter.at(float(second), second)
    for second in range(10, 16):
        meter.at(float(second), 1000 * (second - 9))
    figures = meter.at(16.0, 7000)

    assert figures.rate == pytest.approx(1000, rel=0.01)
    assert figures.left_s is None


def test_what_is_left_follows_from_the_estimate_and_then_from_the_truth() -> None:
    """The line count that the producer has written is exact, and the sentence says so."""
    meter = Meter(1000)
    meter.at(0.0, 0)

    guessed = meter.at(1.0, 100)
    known = meter.at(2.0, 200, 600)

    assert guessed.sentence() == "100 of about 1,000 lines decided, 100 lines/s, 9 s left"
    assert known.sentence() == "200 of 600 lines decided, 100 lines/s, 4 s left"


def test_an_estimate_that_was_too_low_grows() -> None:
    """Never more lines done than there are."""
    meter = Meter(10)
    meter.at(0.0, 0)

    assert meter.at(1.0, 20).total == 20


def test_nothing_is_promised_while_nothing_is_known() -> None:
    """No rate at the first look, no end without an estimate."""
    assert Meter(None).at(0.0, 0).sentence() == "0 lines decided, 0 lines/s"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (3600 * 5 + 120, "5 h 2 min")],
)
def test_a_time_is_told_no_finer_than_anybody_needs(seconds: float, said: str) -> None:
    """Seconds, minutes, hours."""
    assert duration(seconds) == said


def test_a_foreign_line_cannot_move_the_cursor() -> None:
    """Escapes become question marks, and the line has the name of who said it."""
    assert tidied("a\x1b[2Jb\x07\tç", "w1") == "w1 | a?[2Jb?\tç"
