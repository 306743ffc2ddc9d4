"""The verb `submit`, wired: attempts from the command line or standard input to decisions.

Lives here: where attempts come from and what is printed. Not here: how they are submitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from kernel.adapters.files.partial import StandardOutput
from kernel.adapters.files.reasons import reason_rows
from kernel.adapters.files.source import STANDARD, LineSource
from kernel.domain.decision import DROPPED, Reason, encode_rows
from kernel.errors import UsageError
from producer.client import Client, Decision

#: How often it is looked, while standard input is silent, whether there still is a ledger.
LOOK_MS = 500
#: Lines of standard input submitted together at the most; as many as are there, if fewer.
TOGETHER_MAX = 1_024


class Submitting(NamedTuple):
    """Where to submit, and how."""

    redis_url: str
    ledger: str
    run: str | None
    number: int | None
    timeout_s: float
    has_reasons: bool
    keys_path: str | None = None


def submit_all(what: Submitting, attempts: Sequence[str]) -> tuple[str, int]:
    """Submit all attempts and write their rows, in their order; return run and count.

    Raises:
        UsageError: a number for several attempts.
        FundloadError: whatever stood in the way; the sentence says what to do.
    """
    is_typed = bool(attempts) and list(attempts) != [STANDARD]
    if what.number is not None and (not is_typed or len(attempts) != 1):
        raise UsageError("--number is the number of one attempt: give exactly one")
    output = StandardOutput()
    count = 0
    asked = Client(
        what.redis_url,
        what.ledger,
        run=what.run,
        timeout_s=what.timeout_s,
        keys_path=what.keys_path,
    )
    with asked as client:
        for together in [attempts] if is_typed else _read_lines(client.check):
            for decision in _decisions(client, together, what.number):
                output.write(_printed(decision, has_reasons=what.has_reasons))
                count += 1
        return client.run, count


def _decisions(
    client: Client, attempts: Sequence[str | bytes], number: int | None
) -> Iterator[Decision]:
    if number is None:
        return client.submit_together(attempts)
    return iter([client.submit(attempts[0], number=number)])


def _read_lines(look: Callable[[], None]) -> Iterator[list[bytes]]:
    """Yield the lines of standard input, as many at a time as are there; `look` while it waits."""
    with LineSource(STANDARD, chunk_lines_max=TOGETHER_MAX) as source:
        while (chunk := source.read_chunk(LOOK_MS)) is not None:
            look()
            lines = chunk.raw.split(b"\n")
            yield lines[: chunk.lines]


def _printed(decision: Decision, *, has_reasons: bool) -> bytes:
    printed = encode_rows([decision.row or ""])
    if has_reasons:
        code = Reason[decision.reason] | (DROPPED if decision.answer == "dropped" else 0)
        printed += encode_rows(reason_rows([decision.number], [decision.id], [code]))
    return printed
