"""How requests, answers and decisions are shown, in logs and beside the oracle's."""

from __future__ import annotations

from typing import NamedTuple

from kernel.domain.decision import answer_of, reason_of, row_of


class Answered(NamedTuple):
    """One line's answer as it came."""

    id: str
    customer: str
    code: int


def said(answer: Answered) -> tuple[str, str, str]:
    """Say an answer as the oracle does."""
    row = row_of(answer.id, answer.customer, answer.code).rstrip("\n")
    reason = reason_of(answer.code).name
    return row, answer_of(answer.code), "" if reason == "ACCEPTED" else reason


def brief(value: object) -> str:
    """Write a request or an answer short enough to read a log of hundreds of them."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        shown = (f"{name}={brief(item)}" for name, item in value._asdict().items() if item)
        return f"{type(value).__name__}({', '.join(shown)})"
    if isinstance(value, tuple | list):
        return "[" + " ".join(map(brief, value)) + "]"
    if isinstance(value, dict):
        return "{" + " ".join(f"{key}:{brief(item)}" for key, item in value.items()) + "}"
    return str(value)
