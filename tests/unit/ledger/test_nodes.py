"""The nodes of the ingress, each by itself: parse, classify, partition."""

from __future__ import annotations

from zlib import crc32

from kernel.domain.attempt import LINE_BYTES_MAX
from kernel.domain.batch import CANDIDATE, PRIME
from kernel.domain.decision import DROPPED, Reason
from kernel.domain.identity import CANONICAL, CONFLICT, REPLAY
from kernel.domain.ruleset import RuleSet
from kernel.ledger.ingress_nodes import ClassifyNode, ParseNode, PartitionNode
from kernel.ledger.payloads import (
    Answers,
    Chunk,
)
from tests.support.chunks import (
    GATED,
    NO_QUOTA,
    PLAIN,
    SATURDAY,
    SKIPPING,
    Ids,
    Order,
    batches,
    call,
    classified,
    line,
    parsed,
)


def test_parse_gives_attempts_and_the_answers_to_lines_that_are_none() -> None:
    """Offsets count from the chunk's start, lines from the run's."""
    chunk = Chunk(
        "r", 11, line("1") + b"nonsense\n" + line("2") + b'{"id":" x ","customer_id":5}\n'
    )
    (kind, attempts), (other_kind, answers) = call(ParseNode(PLAIN), chunk)

    assert (kind, attempts.lines, attempts.chunk) == ("attempts", 4, chunk)
    assert list(attempts.attempts.offsets) == [0, 2]
    assert attempts.attempts.ids == ["1", "2"]
    assert other_kind == "declined"
    assert answers == Answers(
        run="r",
        lines=[12, 14],
        ids=["", "x"],
        customers=["", "5"],
        codes=bytes([Reason.INPUT_PARSE_ERROR, Reason.INPUT_PARSE_ERROR]),
        cents_accepted=0,
        plain=False,
    )


def test_parse_gives_no_answers_when_every_line_is_an_attempt() -> None:
    """Nothing declined, nothing said."""
    assert [kind for kind, _ in call(ParseNode(PLAIN), Chunk("r", 1, line("1")))] == ["attempts"]


def test_parse_gives_attempts_also_when_there_are_none() -> None:
    """The append needs every chunk's line count."""
    (kind, payload), _ = call(ParseNode(PLAIN), Chunk("r", 1, b"a\nb\n"))

    assert (kind, payload.lines, payload.attempts.ids) == ("attempts", 2, [])


def test_a_skipped_malformed_line_is_answered_as_dropped() -> None:
    """It writes no row, but it has its answer and its reason."""
    answers = call(ParseNode(SKIPPING), Chunk("r", 1, b"nonsense\n"))[1][1]

    assert list(answers.codes) == [Reason.INPUT_PARSE_ERROR | DROPPED]


def test_a_too_long_line_is_declined_by_the_node_like_any_bad_line() -> None:
    """Parse is total: length is one more way to be malformed."""
    raw = b'{"id":"' + b"1" * LINE_BYTES_MAX + b'"}\n' + line("2")
    (_, attempts), (_, answers) = call(ParseNode(PLAIN), Chunk("r", 1, raw))

    assert attempts.attempts.ids == ["2"]
    assert list(answers.lines) == [1]


def test_classify_asks_the_registry_once_for_the_whole_chunk() -> None:
    """One call a batch, whatever its size."""
    ids = Ids({"2": "7,100,20000101000000", "3": "9,100,20000101000000"})
    ((kind, chunk),) = call(ClassifyNode(PLAIN), parsed(line("1"), line("2"), line("3")), ids=ids)

    assert kind == "classified"
    assert ids.reads == [["1", "2", "3"]]
    assert list(chunk.classified.classes) == [CANONICAL, REPLAY, CONFLICT]
    assert chunk.classified.new_fields == ["1"]


def test_classify_does_not_ask_for_an_empty_chunk() -> None:
    """No attempts, no round trip; the classified chunk still goes on to the append."""
    ids = Ids({})
    ((kind, chunk),) = call(ClassifyNode(GATED), parsed(b"nonsense\n"), ids=ids)

    assert (kind, len(chunk.classified.classes), ids.reads) == ("classified", 0, [])


def test_classify_goes_by_the_scope_of_the_rules() -> None:
    """Under the scope of customer and id, the same id of two customers is two fields."""
    rules = RuleSet(
        daily_amount_cents=1,
        weekly_amount_cents=1,
        daily_attempts=1,
        duplicate_scope="customer_and_id",
    )
    ids = Ids({})
    chunk = call(ClassifyNode(rules), parsed(line("1", "7"), line("1", "8")), ids=ids)[0][1]

    assert ids.reads == [["7,1", "8,1"]]
    assert list(chunk.classified.classes) == [CANONICAL, CANONICAL]


def test_primes_are_computed_only_while_the_gate_is_on() -> None:
    """Also with a quota of none, since the cap on primes still holds."""
    assert classified(line("7"), rules=PLAIN).primes is None
    assert list(classified(line("7"), line("8"), rules=GATED).primes or ()) == [True, False]
    assert list(classified(line("7"), line("8"), rules=NO_QUOTA).primes or ()) == [True, False]


def test_with_one_partition_the_columns_go_through_as_they_are() -> None:
    """Nothing is split, nothing is copied."""
    chunk = classified(line("1", "7"), line("2", "8"), first_line=5)
    ((_, batch),) = call(PartitionNode(PLAIN, 1), chunk, order=Order(100))

    assert batch.ids is chunk.attempts.ids
    assert batch.customers is chunk.attempts.customers
    assert list(batch.seqs) == [100, 101]
    assert list(batch.lines) == [5, 6]
    assert list(batch.partitions) == [0, 0]
    assert (list(batch.runs), batch.run_names) == ([0, 0], ("r",))
    assert batch.preds == {}


def test_bad_lines_take_their_sequence_numbers_too() -> None:
    """Numbers are base plus the line's place, gaps included."""
    (batch,) = batches(line("1"), b"nonsense\n", line("2"), order=Order(100), first_line=9)

    assert list(batch.seqs) == [100, 102]
    assert list(batch.lines) == [9, 11]


def test_attempts_are_split_by_their_customer_and_nothing_is_lost() -> None:
    """Every partition that has attempts gets one batch, in order, with its own columns."""
    lines = [line(str(number), str(number % 10), amount=f"{number}.00") for number in range(1, 41)]
    split = batches(*lines, partitions=4, order=Order(1))

    rows = [row for batch in split for row in zip(*batch[:3], *batch[4:10], strict=True)]
    assert sorted(rows) == sorted(
        (n, crc32(str(n % 10).encode()) % 4, 0, n, str(n), str(n % 10), n * 100, SATURDAY, 0)
        for n in range(1, 41)
    )
    assert all(len(set(batch.partitions)) == 1 for batch in split)
    assert all(list(batch.seqs) == sorted(batch.seqs) for batch in split)
    assert len({batch.partitions[0] for batch in split}) == len(split)


def test_a_partition_without_attempts_gets_no_batch() -> None:
    """One customer, one batch, also with many partitions."""
    (batch,) = batches(line("1"), line("2"), partitions=16)

    assert list(batch.partitions) == [crc32(b"7") % 16] * 2


def test_a_chunk_without_attempts_gives_no_batch_and_asks_nothing() -> None:
    """The order is not asked for numbers that nobody takes."""
    assert batches(b"nonsense\n", rules=GATED) == []


def test_a_candidate_is_a_canonical_prime_while_there_is_a_quota() -> None:
    """A prime that is a duplicate is a prime but no candidate."""
    lines = (line("7"), line("8"), line("7"), line("7", amount="2.00"))

    assert list(batches(*lines, rules=GATED)[0].flags) == [
        CANONICAL | PRIME | CANDIDATE,
        CANONICAL,
        REPLAY | PRIME,
        CONFLICT | PRIME,
    ]
    assert list(batches(*lines, rules=NO_QUOTA)[0].flags) == [
        CANONICAL | PRIME,
        CANONICAL,
        REPLAY | PRIME,
        CONFLICT | PRIME,
    ]
    assert list(batches(*lines, rules=PLAIN)[0].flags) == [CANONICAL, CANONICAL, REPLAY, CONFLICT]


def test_candidates_are_chained_by_day_over_all_partitions() -> None:
    """Each knows the one before it, the day's first asks the order, once a day."""
    sunday = "2000-01-02T00:00:00Z"
    order = Order(10, {SATURDAY: 4})
    split = batches(
        line("2", "1"),
        line("3", "2", time=sunday),
        line("4", "3"),
        line("5", "4"),
        line("7", "5", time=sunday),
        line("11", "1"),
        rules=GATED,
        partitions=16,
        order=order,
    )
    preds = {seq: pred for batch in split for seq, pred in batch.preds.items()}

    assert preds == {10: 4, 11: 0, 13: 10, 14: 11, 15: 13}
    assert sorted(order.days) == [SATURDAY, SATURDAY + 1]
    for batch in split:
        candidates = [
            seq for seq, flag in zip(batch.seqs, batch.flags, strict=True) if flag & CANDIDATE
        ]
        assert list(batch.preds) == candidates


def test_before_the_append_numbers_are_offsets_and_the_day_s_first_is_left_open() -> None:
    """In the fleet the append script fills in what only it can know."""
    (batch,) = batches(line("2"), line("3"), line("4"), rules=GATED, order=Order(0, unknown=-1))

    assert list(batch.seqs) == [0, 1, 2]
    assert batch.preds == {0: -1, 1: 0}
