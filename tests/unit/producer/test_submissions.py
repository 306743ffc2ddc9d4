"""The client's core over a ledger in memory: numbers, batches, answers again, and what is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernel.errors import AnswerDiffers, Incomplete, Refused, WrongPosition
from kernel.ledger.settings import FleetSettings
from producer.answers import ACK_MS
from producer.decision import Decision, Unanswered
from tests.support.chunks import PLAIN
from tests.support.counter import Counters, Killed, attempt, row

#: Half of the lines in flight is the most of answers kept: four.
FEW = FleetSettings(partitions=2, inflight_lines_max=8, chunk_lines_max=8)


def test_a_submission_is_a_line_of_a_run_and_gets_its_answer() -> None:
    """Its number is its line; a malformed one is answered like any other."""
    with Counters(PLAIN) as counters:
        counter = counters.open()

        first = counter.decided(attempt(1))
        bad = counter.decided("nonsense")
        again = counter.decided(attempt(1))
        counter.finish()

        assert first == Decision("1", "7", True, "accepted", "ACCEPTED", "till", 1, row(1))
        assert bad == Decision(
            "", "", False, "declined", "INPUT_PARSE_ERROR", "till", 2, row_of_nobody()
        )
        assert (again.reason, again.number) == ("ID_DUPLICATE_REPLAY", 3)
        assert counters.shop.ledger.state.runs["till"].lines == 3


def row_of_nobody() -> str:
    """Return the row of a line that shows no ids."""
    return '{"id":"","customer_id":"","accepted":false}\n'


def test_what_waits_while_an_append_is_under_way_goes_together() -> None:
    """The store is away for a while; what was submitted meanwhile is one append."""
    with Counters(PLAIN) as counters:
        counter = counters.open()
        counters.shop.ledger.is_full = True
        offer = counter.book.offer
        for number in range(1, 41):
            offer(b"nonsense", number=None, timeout_ms=1_000, wake=lambda: None)
            assert counter.book.submitted == number
        counters.shop.ledger.is_full = False

        last = counter.decided(attempt(1))

        assert last.number == 41
        assert counter.totals.appends <= 3, "the first, what waited for it, and the last"


def test_a_number_that_was_answered_is_not_decided_again() -> None:
    """The answer that is kept is returned; nothing is appended, nothing becomes a replay."""
    with Counters(PLAIN) as counters:
        counter = counters.open()
        first = counter.decided(attempt(1))
        before = counters.shop.ledger.state.next_seq

        ticket = counter.submit(attempt(1), number=1)

        assert (ticket.number, ticket.is_new) == (1, False)
        assert counter.book.outcome(1) == first
        counter.finish()  # whatever was to be appended is
        assert counters.shop.ledger.state.next_seq == before


def test_only_the_next_number_and_those_that_are_kept_are_taken() -> None:
    """No gaps, and a clear word about what is too old."""
    with Counters(PLAIN, FEW) as counters:
        counter = counters.open()
        for number in range(1, 11):
            assert counter.decided(attempt(number, customer=number), number=number).accepted

        with pytest.raises(Refused, match="none with number 12; the next one is 11"):
            counter.submit(attempt(12), number=12)
        with pytest.raises(Refused, match="none with number 0"):
            counter.submit(attempt(12), number=0)
        with pytest.raises(Refused, match="submission 6 of run till is not kept"):
            counter.submit(attempt(6, customer=6), number=6)
        assert counter.submit(attempt(7, customer=7), number=7) == (7, False)


def test_answers_that_are_kept_take_no_room_from_the_next_submission() -> None:
    """As many as may be in flight are answered at once: there is room again for as many."""
    with Counters(PLAIN, FEW) as counters:
        counter = counters.open()
        for _ in range(3):
            for _ in range(8):
                counter.submit(b"")
            counter.decide()
        for number in range(25, 33):
            counter.submit(attempt(number, customer=number))
        counter.decide()

        assert counter.decided(attempt(33)).number == 33
        late = counter.book.outcome(1)
        assert late is not None, "whoever waits gets it, also when it is kept for nobody else"
        assert late.number == 1
        with pytest.raises(Refused, match="submission 1 of run till is not kept"):
            counter.book.outcome(1)


def test_a_wait_that_ended_leaves_the_attempt_where_it_is() -> None:
    """Out of time, or cancelled: it is answered all the same, and may be asked for."""
    with Counters(PLAIN) as counters:
        counter = counters.open()
        for number in (1, 2):
            counter.submit(attempt(number))
        counter.book.cancel(2)
        counters.shop.clock.pause_ms(1_000)

        for number in (1, 2):
            with pytest.raises(Unanswered, match=f"--run till --number {number}") as ended:
                counter.book.outcome(number)
            assert (ended.value.run, ended.value.number) == ("till", number)
        assert counter.submit(attempt(2), number=2) == (2, False)
        with pytest.raises(Refused, match="submission 2 of run till is waited for already"):
            counter.submit(attempt(2), number=2)
        counter.decide()

        assert [counter.decided(attempt(n), number=n).row for n in (1, 2)] == [row(1), row(2)]
        counter.finish()  # whatever was to be appended is
        assert counters.shop.ledger.state.next_seq == 3


def test_the_next_client_on_a_run_goes_on_behind_the_one_that_died() -> None:
    """It has the answers that are kept, waits for those that are due, and has the next number."""
    with Counters(PLAIN) as counters:
        first = counters.open()
        answered = [first.decided(attempt(number)) for number in (1, 2)]
        counters.shop.clock.pause_ms(ACK_MS)
        first.read()  # an acknowledgement is due: not of what somebody may ask for
        first.submit(attempt(3))
        first.die()
        with pytest.raises(Killed):
            first.book.outcome(3)

        second = counters.open()

        assert second.book.submitted == 3
        for number in (1, 2):
            ticket = second.book.offer(b"", number=number, timeout_ms=1, wake=lambda: None)
            assert ticket == (number, False)
        assert [second.book.outcome(number) for number in (1, 2)] == answered
        assert second.decided(attempt(3), number=3).row == row(3)
        assert second.decided(attempt(4)).number == 4


def test_a_run_that_an_input_feeds_takes_no_submission(tmp_path: Path) -> None:
    """And the other way round: each refuses what it could not go on with."""
    source = tmp_path / "input"
    source.write_bytes(b"nonsense\n")
    with Counters(PLAIN) as counters:
        counters.shop.produce(source, run="monday")
        counters.shop.ledger.state.runs["monday"].lines = None  # as if its producer had died
        with pytest.raises(Refused, match="run monday was fed from an input"):
            counters.open("monday")

        counter = counters.open("till")
        counter.submit(attempt(1))
        counter.die()
        with pytest.raises(Refused, match="not what this run began with"):
            counters.shop.produce(source, run="till")


def test_what_a_lost_tail_took_is_sent_again_and_answered_as_before() -> None:
    """Nobody who submitted notices."""
    with Counters(PLAIN) as counters:
        counter = counters.open()
        counter.decided(attempt(1))
        kept = counters.kept()
        before = [counter.decided(attempt(number)) for number in (2, 3)]
        counters.lose_tail(kept)

        after = counter.decided(attempt(4))
        counter.reader.read_again()
        counter.decide()

        assert counter.totals.rewinds == 1
        assert (after.number, after.reason) == (4, "DAILY_ATTEMPT_LIMIT")
        assert [counter.book.outcome(number) for number in (2, 3)] == before
        assert counters.shop.ledger.state.runs["till"].position == 4


def test_an_answer_that_comes_again_otherwise_ends_the_client() -> None:
    """Another run took the id while the tail was lost: what was told is not true any more."""
    with Counters(PLAIN) as counters:
        counter = counters.open()
        kept = counters.kept()
        assert counter.decided(attempt(1)).accepted
        counters.lose_tail(kept)
        assert counters.open("other").decided(attempt(1, customer=8)).accepted

        counter.submit(attempt(2))
        counter.reader.read_again()
        with pytest.raises(AnswerDiffers, match="Line 1 was answered with code 0"):
            counter.decide()


def test_a_client_that_does_not_hold_what_was_lost_says_so() -> None:
    """The submissions of the client before it are not in its hands."""
    with Counters(PLAIN) as counters:
        kept = counters.kept()
        first = counters.open()
        first.decided(attempt(1))
        first.die()
        second = counters.open()
        counters.lose_tail(kept)

        second.book.offer(b"", number=None, timeout_ms=1_000, wake=lambda: None)
        second.join()

        with pytest.raises(Incomplete, match=r"is not where this .* the server has lost"):
            second.book.outcome(2)


def test_an_answer_to_what_was_never_submitted_is_refused() -> None:
    """A reply under a good seal for a line that the run does not have."""
    with Counters(PLAIN) as counters:
        counter = counters.open()
        decision = counter.decided(attempt(1))

        with pytest.raises(WrongPosition, match="for line 2, but 1 lines were submitted"):
            counter.book.answered([decision._replace(number=2)], [0])
