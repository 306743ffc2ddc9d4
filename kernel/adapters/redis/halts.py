"""Halted partitions on Redis: the typed wrapper over resume, and plain reads for an operator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kernel.adapters.redis.client import command, store_errors
from kernel.ledger.halts import ACT_MS, AUDIT_MAX, AuditEntry, ResumeAnswer
from kernel.ledger.units import Entry

if TYPE_CHECKING:
    from kernel.adapters.redis.attached import Attached
    from kernel.ledger.halts import ResumeRequest

#: The largest second part of a stream's id.
STREAM_ID_MAX = 2**64 - 1


def resume(ledger: Attached, request: ResumeRequest) -> ResumeAnswer:
    """Run `resume.lua`."""
    settings, note = ledger.settings, request.note
    answer = ledger.step(
        "resume",
        request.partition,
        request.cursor,
        request.token,
        request.who,
        0 if note is None else note.seq,
        "" if note is None else note.reason,
        AUDIT_MAX,
        settings.ring_ms,
        settings.shift_deadline_ms,
        "" if note is None else note.entry,
        request.asked_ms,
        ACT_MS,
        request.sealed,
    )
    status = answer[0].decode()
    return ResumeAnswer(status, ring=status == "RESUMED" and answer[1] == 1)


def read_now_ms(ledger: Attached) -> int:
    """Return the server's time.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with store_errors():
        seconds, micros = ledger.client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def read_head(ledger: Attached, *, partition: int, cursor: int) -> Entry | None:
    """Return the entry that holds the first undecided attempt, None where there is none.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    after = f"({cursor}-{STREAM_ID_MAX}"
    with store_errors():
        found: Any = command(
            ledger.client, "XRANGE", ledger.key(f"log:{partition}"), after, "+", "COUNT", 1
        )
    if not found:
        return None
    name, body = found[0]
    fields = fields_of(body)
    return Entry(name.decode(), int(fields[b"q"]), fields[b"g"].decode(), fields[b"b"])


def read_last_line(ledger: Attached, *, partition: int, run: str) -> int:
    """Return the last line of a run that was decided in a partition, 0 where none was.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with store_errors():
        found: Any = ledger.client.hget(ledger.key(f"run:{run}:decided"), str(partition))
    return int(found or 0)


def fields_of(body: Any) -> dict[bytes, bytes]:  # noqa: ANN401 - redis-py's own shape of a stream's fields
    """Return the fields of a stream's entry."""
    return body if isinstance(body, dict) else dict(zip(body[::2], body[1::2], strict=True))


def read_audit(ledger: Attached) -> list[AuditEntry]:
    """Return what operators did, the oldest first.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    with store_errors():
        untyped: Any = ledger.client
        found = untyped.lrange(ledger.key("audit"), 0, -1)
    return [audit_entry(act) for act in found]


def audit_entry(act: bytes) -> AuditEntry:
    """Read one act as `resume.lua` writes it: a list of texts."""
    at_ms, who, what, partition, position, seq, *rest = json.loads(act)
    return AuditEntry(int(at_ms), who, what, int(partition), int(position), int(seq), *rest)
