"""The nodes from a batch to its rows, each by itself: features, decide, format."""

from __future__ import annotations

import pytest

from kernel.domain.batch import CANDIDATE, PRIME, Batch
from kernel.domain.decide import Decided, decide
from kernel.domain.decision import DROPPED, Reason
from kernel.domain.identity import REPLAY
from kernel.engine.envelope import Envelope
from kernel.ledger.egress_nodes import FormatNode
from kernel.ledger.ingress_nodes import ParseNode
from kernel.ledger.limits_nodes import DecideNode, FeaturesNode, answers_by_run
from kernel.ledger.payloads import (
    Answers,
    Chunk,
    DecidedTurn,
    Featured,
    Rows,
)
from tests.support.chunks import (
    GATED,
    MONDAY,
    MONDAY_RULES,
    PLAIN,
    SATURDAY,
    Order,
    Windowless,
    batches,
    call,
    line,
)


def test_features_multiplies_monday_s_amounts() -> None:
    """And leaves the batch as it is."""
    (batch,) = batches(line("1"), line("2", time="2000-01-03T00:00:00Z"))
    ((kind, featured),) = call(FeaturesNode(MONDAY_RULES), batch)

    assert kind == "featured"
    assert list(featured.effective) == [100, 200]
    assert featured.batch is batch
    assert MONDAY in batch.days


def test_decide_reads_the_state_once_and_answers_by_run() -> None:
    """One call a turn; what is accepted is summed in raw cents."""
    (batch,) = batches(line("1", amount="5000.00"), line("2", amount="0.01"), line("1", "9"))
    state = Windowless()
    ((kind, turn),) = call(DecideNode(PLAIN), Featured(batch, batch.cents), state=state)

    assert kind == "decided"
    assert state.reads == [batch]
    assert turn.answers == (
        Answers(
            run="r",
            lines=range(1, 4),
            ids=["1", "2", "1"],
            customers=["7", "7", "9"],
            codes=bytearray([0, Reason.DAILY_AMOUNT_LIMIT, Reason.ID_DUPLICATE_CONFLICT]),
            cents_accepted=500_000,
            plain=True,
        ),
    )


def test_accepted_amounts_are_summed_raw_not_multiplied() -> None:
    """The summary shows what was loaded, not what it counted for."""
    (batch,) = batches(line("1", time="2000-01-03T00:00:00Z"))
    turn = call(DecideNode(PLAIN), Featured(batch, [200]), state=Windowless())[0][1]

    assert turn.answers[0].cents_accepted == 100


def test_a_blocked_turn_still_tells_what_it_waits_for() -> None:
    """Nothing decided, no answers, but the commit must know the block."""
    (batch,) = batches(line("7"), line("8"), rules=GATED, order=Order(10, {SATURDAY: 4}))
    turn = call(DecideNode(GATED), Featured(batch, batch.cents), state=Windowless())[0][1]

    assert turn.answers == ()
    assert turn.decided.blocked == {0: (SATURDAY, 4)}
    assert turn.decided.reach == {0: 0}


def test_a_skip_note_reaches_the_decision() -> None:
    """An attempt that an operator skipped is answered in its turn."""
    (batch,) = batches(line("1"), line("2"), order=Order(10))
    turn = call(DecideNode(PLAIN), Featured(batch, batch.cents), state=Windowless(skipped=[11]))[0][
        1
    ]

    assert list(turn.answers[0].codes) == [Reason.ACCEPTED, Reason.OPERATOR_SKIP]


def turn_of_two_runs() -> Decided:
    """Decide a turn in which two runs alternate and the second partition is blocked halfway."""
    batch = Batch(
        seqs=[10, 11, 12, 13, 14],
        partitions=[0, 1, 0, 1, 0],
        runs=[1, 0, 0, 1, 1],
        run_names=("x", "y", "z"),
        lines=[5, 1, 2, 6, 7],
        ids=["4", "6", "8", "7", "9"],
        customers=["1", "2", "1", "2", "1"],
        cents=[100, 200, 300, 400, 500],
        days=[SATURDAY] * 5,
        flags=[0, REPLAY, 0, PRIME | CANDIDATE, 0],
        preds={13: 2},
    )
    return decide(batch, batch.cents, GATED, {}, {})


def test_answers_of_several_runs_are_told_apart() -> None:
    """Each run gets its own lines, and a run that got nothing decided gets no payload."""
    assert answers_by_run(turn_of_two_runs()) == (
        Answers("x", (1, 2), ("6", "8"), ("2", "1"), bytes([5, 0]), 300, plain=True),
        Answers("y", (5, 7), ("4", "9"), ("1", "1"), bytes([0, 0]), 600, plain=True),
    )


def test_a_turn_that_stopped_early_answers_only_what_it_decided() -> None:
    """Columns are picked by the attempts taken."""
    (batch,) = batches(
        line("8", "1"), line("7", "1"), line("9", "1"), rules=GATED, order=Order(10, {SATURDAY: 4})
    )
    turn = call(DecideNode(GATED), Featured(batch, batch.cents), state=Windowless())[0][1]

    assert turn.answers == (Answers("r", (1,), ("8",), ("1",), bytearray(1), 100, plain=True),)


def test_format_writes_rows_by_line_for_each_run() -> None:
    """Rows, lines and codes stay parallel; codes are the audit."""
    outputs = call(FormatNode(), DecidedTurn(None, answers_by_run(turn_of_two_runs())))

    assert outputs[0] == (
        "rows",
        Rows(
            "x",
            (1, 2),
            [
                '{"id":"6","customer_id":"2","accepted":false}\n',
                '{"id":"8","customer_id":"1","accepted":true}\n',
            ],
            bytes([5, 0]),
        ),
    )
    assert [payload.run for _, payload in outputs] == ["x", "y"]


@pytest.mark.parametrize("plain", [False, True])
def test_a_dropped_line_keeps_its_place_with_an_empty_row(plain: bool) -> None:
    """Every line has an answer; a dropped one has no bytes."""
    answers = Answers(
        "r",
        [4, 5],
        ["1", "2"],
        ["7", "7"],
        bytes([Reason.ID_DUPLICATE_REPLAY | DROPPED, 0]),
        0,
        plain,
    )
    ((_, payload),) = call(FormatNode(), answers)

    assert payload.rows == ["", '{"id":"2","customer_id":"7","accepted":true}\n']
    assert list(payload.lines) == [4, 5]


def test_ids_of_declined_lines_are_escaped() -> None:
    """They may be any text."""
    answers = Answers("r", [1], ['a"b'], ["\n"], bytes([1]), 0, plain=False)
    ((_, payload),) = call(FormatNode(), answers)

    assert payload.rows == ['{"id":"a\\"b","customer_id":"\\n","accepted":false}\n']


def test_nodes_leave_addressing_to_the_runner() -> None:
    """No node sets a target, a trace id or a reply channel of its own."""
    outputs = list(ParseNode(PLAIN)(Chunk("r", 1, line("1") + b"nonsense\n"), {}))

    assert outputs == [Envelope(output.payload, output.kind) for output in outputs]
