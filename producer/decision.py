"""One attempt and its one answer, as the caller of a client has them.

Lives here: spelling an attempt as the line that a file would have, the answer as a value, and
whether an answer is one to an attempt that is submitted again. Not here: who waits, and how.

1. Nothing that can be submitted raises: what is no attempt is a line that is declined.
2. One submission is one line. A line end inside it is white space of JSON, so it becomes another.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from kernel.adapters.files.lines import KEPT_BYTES
from kernel.domain.attempt import Declined, parse_line
from kernel.domain.decision import (
    PARSE_REASONS,
    Answer,
    Reason,
    answer_of,
    encode_rows,
    reason_of,
)
from kernel.domain.identity import fingerprints, registry_fields
from kernel.domain.ruleset import DuplicateScope
from kernel.errors import Incomplete
from kernel.runtime.channel import Opened


class Decision(NamedTuple):
    """What became of a submission; `run` and `number` name it, for whoever asks again.

    `row` is the text that a file's output would have, with its line end; None where it has none.
    """

    id: str
    customer: str
    accepted: bool
    answer: Answer
    reason: str
    run: str
    number: int
    row: str | None


class Unanswered(Incomplete):
    """A submission has no answer yet; `run` and `number` name it, so that it can be asked again."""

    category = "unanswered"

    def __init__(self, why: str, run: str, number: int) -> None:
        super().__init__(
            f"{why}; the attempt stays submitted: submit the same one under its name again "
            f"(--run {run} --number {number})"
        )
        self.run = run
        self.number = number


def line_of(attempt: object) -> bytes:
    """Return an attempt as one line, without its line end.

    Args:
        attempt: a JSON text, as bytes or str; or a mapping or dataclass object with its fields.
    """
    if isinstance(attempt, str):
        raw = attempt.encode("utf-8", "surrogatepass")
    elif isinstance(attempt, bytes | bytearray):
        raw = bytes(attempt)
    else:
        raw = _spelled(attempt)
    return raw.removesuffix(b"\n")[:KEPT_BYTES].replace(b"\n", b"\r")


def _spelled(attempt: object) -> bytes:
    """Spell fields as JSON; a value that JSON has no word for is null, which no attempt has."""
    fields = attempt
    if dataclasses.is_dataclass(attempt) and not isinstance(attempt, type):
        fields = {each.name: getattr(attempt, each.name) for each in dataclasses.fields(attempt)}
    elif isinstance(attempt, Mapping):
        fields = dict(attempt)
    try:
        return json.dumps(fields, default=lambda _value: None, skipkeys=True).encode("ascii")
    except (ValueError, RecursionError):
        return b""  # endless, or too deep for any line


def decisions_of(run: str, opened: Opened) -> list[Decision]:
    """Return the answers of one entry, one by one."""
    answers, rows, _ = opened
    texts = rows.rows
    if not answers.plain:
        texts = [encode_rows([text]).decode() for text in texts]
    columns = zip(answers.lines, answers.ids, answers.customers, rows.codes, texts, strict=True)
    return [
        Decision(
            identifier,
            customer,
            code == Reason.ACCEPTED,
            answer_of(code),
            reason_of(code).name,
            run,
            line,
            text or None,
        )
        for line, identifier, customer, code, text in columns
    ]


def is_answer_to(
    line: bytes,
    decision: Decision,
    *,
    scope: DuplicateScope,
    owner_of: Callable[[str], str | None],
) -> bool:
    """Say whether an answer is the one to this attempt, as far as the ledger can tell.

    The registry knows customer, amount and time of whoever owns an id, so a canonical attempt and
    its replay are compared whole. Of a conflict it knows only what it is not.

    Args:
        line: the attempt that is submitted under the answer's number.
        decision: the answer that is kept.
        scope: what the ledger's registry is keyed by.
        owner_of: returns the fingerprint that owns a registry field.
    """
    attempt = parse_line(line)
    reason = Reason[decision.reason]
    if isinstance(attempt, Declined):
        return (attempt.id, attempt.customer, reason_of(attempt.code)) == (
            decision.id,
            decision.customer,
            reason,
        )
    if reason in PARSE_REASONS or (attempt.id, attempt.customer) != decision[:2]:
        return False
    (field,) = registry_fields([attempt.id], [attempt.customer], scope)
    (fingerprint,) = fingerprints([attempt.customer], [attempt.cents], [attempt.instant])
    is_owner = owner_of(field) == fingerprint
    return is_owner != (reason is Reason.ID_DUPLICATE_CONFLICT)
