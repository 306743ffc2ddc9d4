"""Lines in, on Redis: typed wrappers over open, leave, append, finish, and the registry of ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kernel.adapters.redis.client import command, store_errors
from kernel.adapters.redis.pairs import packed_texts
from kernel.ledger.ports import gone
from kernel.ledger.units import AppendAnswer, FinishAnswer, OpenAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kernel.adapters.redis.attached import Attached
    from kernel.adapters.redis.client import Argument
    from kernel.ledger.ports import Left
    from kernel.ledger.units import AppendRequest


def joined_tally(tally: Mapping[int, int]) -> str:
    """Return counts by code as the scripts read them: `<code>:<n>,...`."""
    return ",".join(f"{code}:{n}" for code, n in sorted(tally.items()))


def open_run(
    ledger: Attached, *, run: str, owner: str, kind: Literal["produce", "collect"]
) -> OpenAnswer:
    """Run `open.lua`."""
    settings = ledger.settings
    answer = ledger.step("open", run, owner, kind, settings.run_lease_ms)
    status = answer[0].decode()
    if status == "OPENED":
        lines = answer[4].decode()
        return OpenAnswer(
            "OPENED",
            int(answer[1]),
            int(answer[2]),
            answer[3].decode(),
            int(lines) if lines else None,
        )
    if status == "WAIT":
        return OpenAnswer("WAIT", deadline=int(answer[1]))
    return OpenAnswer(status)


def leave_run(
    ledger: Attached, *, run: str, owner: str, kind: Literal["produce", "collect"]
) -> Left:
    """Run `leave.lua`."""
    status: Left = ledger.step("leave", run, owner, kind)[0].decode()
    return status


def read_ids(ledger: Attached, fields: Sequence[str]) -> Sequence[str | None]:
    """Read the registry in one command; a ledger that is gone is told apart from an empty one."""
    with store_errors():
        pipe = ledger.client.pipeline(transaction=False)
        pipe.hget(ledger.record_key, "incarnation")
        if fields:
            command(pipe, "HMGET", ledger.key("ids"), *fields)
        found = pipe.execute()
    if found[0] is None or found[0].decode() != ledger.record.incarnation:
        raise gone(f"ledger {ledger.name}")
    return [owner and owner.decode() for owner in found[1]] if fields else []


def append(ledger: Attached, request: AppendRequest) -> AppendAnswer:
    """Run `append.lua`."""
    settings = ledger.settings
    declined = request.declined
    arguments: list[Argument] = [
        request.run,
        request.owner,
        request.token,
        request.position,
        request.lines,
        request.offset,
        request.sha,
        request.digest,
        settings.inflight_lines_max,
        settings.run_lease_ms,
        settings.ring_ms,
        settings.shift_deadline_ms,
        packed_texts(request.new_fields, request.new_prints),
        len(request.owned),
        len(request.batches),
        len(request.last_candidates),
        declined.answers if declined else 0,
        declined.sealed if declined else "",
        joined_tally(declined.tally) if declined else "",
        request.after,
    ]
    arguments.extend(name for name, _ in request.owned)
    arguments.extend(owner for _, owner in request.owned)
    for batch in request.batches:
        arguments += (batch.partition, batch.attempts, batch.sealed, _csv(batch.open_days))
    for day, offset in request.last_candidates.items():
        arguments += (day, offset)
    answer = ledger.step("append", *arguments)
    status = answer[0].decode()
    if status == "APPENDED":
        return AppendAnswer(
            "APPENDED", int(answer[1]), ring=answer[2] == 1, tail=answer[3].decode()
        )
    if status == "ALREADY":
        return AppendAnswer("ALREADY", int(answer[1]))
    if status == "REWOUND":
        return AppendAnswer("REWOUND", position=int(answer[1]))
    return AppendAnswer(status)


def _csv(days: Sequence[int]) -> str:
    return ",".join(map(str, days))


def finish(ledger: Attached, *, run: str, owner: str, lines: int) -> FinishAnswer:
    """Run `finish.lua`."""
    answer = ledger.step("finish", run, owner, lines)
    status = answer[0].decode()
    return FinishAnswer(status, int(answer[1]) if status == "REWOUND" else 0)
