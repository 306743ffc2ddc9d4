"""What may be submitted, as the line that it becomes, and which answer is one to which attempt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal

import pytest

from kernel.domain.attempt import LINE_BYTES_MAX, Attempt, Declined, parse_line
from kernel.domain.columns import parse_chunk
from producer.decision import Decision, is_answer_to, line_of

FIELDS = {
    "id": "15887",
    "customer_id": "528",
    "load_amount": "$3318.47",
    "time": "2000-01-01T00:00:00Z",
}
ATTEMPT = parse_line(json.dumps(FIELDS).encode())
PRINT = "528,331847,20000101000000"


@dataclass
class Load:
    """An attempt as somebody's own class has it."""

    id: str
    customer_id: str
    load_amount: str
    time: str


@pytest.mark.parametrize(
    "attempt",
    [
        FIELDS,
        Load(**FIELDS),
        json.dumps(FIELDS),
        json.dumps(FIELDS).encode(),
        json.dumps(FIELDS) + "\n",
        json.dumps(FIELDS, indent=2),
        FIELDS | {"more": {"anything": [1, None, object()]}},
    ],
    ids=["mapping", "object", "text", "bytes", "with its end", "on several lines", "with more"],
)
def test_an_attempt_in_any_form_is_the_same_line(attempt: object) -> None:
    """A mapping, an object, a text on one line or on several: one line, and one attempt."""
    line = line_of(attempt)

    assert isinstance(ATTEMPT, Attempt)
    assert parse_line(line) == ATTEMPT
    assert parse_chunk(line + b"\n").lines == 1


ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    "attempt",
    [
        b"",
        b"\n",
        b"\xff",
        "\ud800",
        "nonsense\nof\ntwo lines",
        None,
        5,
        FIELDS | {"load_amount": Decimal("3318.47")},
        FIELDS | {"time": 10**5000},
        FIELDS | {"more": ENDLESS},
        {1: 2},
        "x" * 10 * LINE_BYTES_MAX,
        b'{"id":"1","customer_id":"1","load_amount":"$1.00","time":"2000-01-\n01T00:00:00Z"}',
    ],
    ids=range(13),
)
def test_whatever_is_no_attempt_is_one_declined_line(attempt: object) -> None:
    """It never raises, it never becomes two lines, and it is bounded."""
    line = line_of(attempt)

    assert isinstance(parse_line(line), Declined)
    assert parse_chunk(line + b"\n").lines == 1
    assert len(line) <= LINE_BYTES_MAX + 2


def decision(reason: str, *, id_text: str = "15887", customer: str = "528") -> Decision:
    """Return a kept answer."""
    answer = "accepted" if reason == "ACCEPTED" else "declined"
    return Decision(id_text, customer, reason == "ACCEPTED", answer, reason, "r", 1, "row")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kept", "owner", "is_it"),
    [
        (decision("ACCEPTED"), PRINT, True),
        (decision("DAILY_AMOUNT_LIMIT"), PRINT, True),
        (decision("ID_DUPLICATE_REPLAY"), PRINT, True),
        (decision("OPERATOR_SKIP"), PRINT, True),
        (decision("ID_DUPLICATE_CONFLICT"), "528,1,20000101000000", True),
        (decision("ACCEPTED"), "528,331848,20000101000000", False),
        (decision("ID_DUPLICATE_REPLAY"), "528,331847,20000101000001", False),
        (decision("ID_DUPLICATE_CONFLICT"), PRINT, False),
        (decision("ACCEPTED", id_text="15888"), PRINT, False),
        (decision("ACCEPTED", customer="529"), PRINT, False),
        (decision("INVALID_AMOUNT_FORMAT"), PRINT, False),
    ],
    ids=range(11),
)
def test_an_answer_is_compared_with_what_the_registry_knows(
    kept: Decision, owner: str, is_it: bool
) -> None:
    """Amount and time too: the registry has them of whoever owns the id."""
    line = json.dumps(FIELDS).encode()

    assert is_answer_to(line, kept, scope="id", owner_of={"15887": owner}.get) is is_it
    by_both = {"528,15887": owner}.get
    assert is_answer_to(line, kept, scope="customer_and_id", owner_of=by_both) is is_it


def test_a_malformed_line_has_the_answer_of_a_malformed_line() -> None:
    """The same ids and the same reason; the registry is not asked."""
    line = line_of(FIELDS | {"load_amount": "$1"})

    reasons = ("INVALID_AMOUNT_FORMAT", "INVALID_TIMESTAMP", "ACCEPTED")
    found = [
        is_answer_to(line, decision(reason), scope="id", owner_of=lambda _: None)
        for reason in reasons
    ]
    assert found == [True, False, False]
