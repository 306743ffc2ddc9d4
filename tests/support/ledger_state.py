"""All that a server holds of one ledger, as the memory twin's state, to be compared with it.

Here: reading the keys by plain commands, and saying where two states differ. It knows the layout of
the keys from `lua/shared.lua` alone and goes through none of the wrappers, so that a wrapper and a
script which are wrong together are still found. A key of the ledger that it does not know fails.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from kernel.adapters.memory.state import LedgerState, Part, Run
from kernel.adapters.redis.replies import CENTS_HIGH
from kernel.ledger.halts import AuditEntry
from kernel.ledger.record import LedgerRecord
from kernel.ledger.schedule import STATES, State
from kernel.ledger.units import Entry, Reply

if TYPE_CHECKING:
    import redis

READERS = {
    b"hash": "HGETALL",
    b"set": "SMEMBERS",
    b"list": "LRANGE",
    b"zset": "ZRANGE",
    b"stream": "XRANGE",
}
RANGES: dict[str, tuple[str, ...]] = {
    "LRANGE": ("0", "-1"),
    "ZRANGE": ("0", "-1", "WITHSCORES"),
    "XRANGE": ("-", "+"),
}


def ledger_keys(client: redis.Redis, name: str) -> list[bytes]:
    """Return every key of a ledger that the server has."""
    keys: Any = client.keys(f"fl:{{{name}}}:*")
    return sorted(keys)


def read_keys(client: redis.Redis, name: str) -> dict[str, Any]:
    """Return every key of a ledger with its value, without the ledger's prefix."""
    keys = ledger_keys(client, name)
    pipe: Any = client.pipeline(transaction=True)
    for key in keys:
        pipe.type(key)
    kinds = pipe.execute()
    for key, kind in zip(keys, kinds, strict=True):
        reader = READERS[kind]
        pipe.execute_command(reader, key, *RANGES.get(reader, ()))
    prefix = len(f"fl:{{{name}}}:")
    found = pipe.execute()
    return {key.decode()[prefix:]: value for key, value in zip(keys, found, strict=True)}


def read_state(client: redis.Redis, name: str) -> LedgerState:
    """Return a ledger's whole state as the server has it.

    Raises:
        AssertionError: a key or a field that no script should write.
    """
    there = read_keys(client, name)
    record = _text(there.pop("record"))
    count = int(record["partitions"])
    numbers = {key: _numbers(there.pop(key, {})) for key in ("last", "front", "used")}
    state = LedgerState(
        LedgerRecord(
            record.pop("incarnation"),
            int(record.pop("partitions")),
            *(record.pop(key) for key in ("digest", "rules", "settings", "key", "key_id")),
        ),
        _parts(_text(there.pop("parts")), [there.pop(f"log:{p}", []) for p in range(count)]),
        next_seq=int(record.pop("next_seq")),
        tail=record.pop("tail", ""),
        ring=_maybe(record.pop("ring", None)),
        tick=_maybe(record.pop("tick", None)),
        ids=_text(there.pop("ids", {})),
        ready=[int(p) for p in there.pop("ready", [])],
        leases={int(p): _lease(lease) for p, lease in _text(there.pop("leases", {})).items()},
        waits={int(p): _pair(wait) for p, wait in _text(there.pop("waits", {})).items()},
        shifts=_deadlines(there.pop("shifts", [])),
        workers=_deadlines(there.pop("workers", [])),
        bell=len(there.pop("bell", [])),
        windows={int(week): _windows(there, week) for week in there.pop("weeks", ())},
        runs={run.decode(): _run(there, run.decode()) for run in there.pop("runs", ())},
        counters=Counter({k: int(n) for k, n in _text(there.pop("counters", {})).items()}),
        notes={_place(name): note for name, note in _text(there.pop("notes", {})).items()},
        acts=_deadlines(there.pop("acts", [])),
        audit=[_act(act) for act in there.pop("audit", [])],
        **numbers,
    )
    assert not record, f"fields of the record that nobody knows: {sorted(record)}"
    assert not there, f"keys of the ledger that nobody knows: {sorted(there)}"
    return state


def differences(one: LedgerState, other: LedgerState) -> list[str]:
    """Name the parts in which two states differ, with both values; empty when they are equal."""
    found = []
    for part in fields(LedgerState):
        a, b = getattr(one, part.name), getattr(other, part.name)
        if a != b:
            found.append(f"{part.name}:\n   {a}\n   {b}")
    return found


def broken_promises(state: LedgerState, quota: int) -> list[str]:
    """Say what in a state no step may leave behind; empty when it is sound."""
    found = []
    for p, part in enumerate(state.parts):
        undecided = part.cursor < part.end
        ends = [entry.end for entry in part.log]
        checks = {
            "leased, and only then in the leases": (part.state == "leased") == (p in state.leases),
            "parked, and only then in the waits": (part.state == "parked") == (p in state.waits),
            "listed only when ready, and once": state.ready.count(p) <= (part.state == "ready"),
            "not idle with something undecided": not (part.state == "idle" and undecided),
            "halted before something undecided": part.state != "halted" or undecided,
            "no note of what is decided": all(at >= part.cursor for q, at in state.notes if q == p),
            "a log of what is undecided, up to the end": ends[-1:] == [part.end] * undecided,
            "a log in order": ends == sorted(ends) and all(end > part.cursor for end in ends),
        }
        found += [f"partition {p}: {what}" for what, holds in checks.items() if not holds]
    found += [
        f"day {day}: front {front} within the chain, used {state.used[day]} within the quota"
        for day, front in state.front.items()
        if front > state.last[day] or state.used[day] > quota
    ]
    return found


def _parts(table: dict[str, str], logs: list[list[Any]]) -> list[Part]:
    parts = []
    for p, log in enumerate(logs):
        failures = table.pop(f"{p}:f", None)
        part = Part(
            _partition_state(table.pop(f"{p}:s")),
            int(table.pop(f"{p}:c")),
            int(table.pop(f"{p}:e")),
            table.pop(f"{p}:t"),
            table.pop(f"{p}:h"),
            None if failures is None else _triple(failures),
            table.pop(f"{p}:r", ""),
            int(table.pop(f"{p}:w", 0)),
            table.pop(f"{p}:u", ""),
            [_entry(entry_id, _flat(body)) for entry_id, body in log],
        )
        parts.append(part)
    assert not table, f"fields of partitions that nobody knows: {sorted(table)}"
    return parts


def _partition_state(text: str) -> State:
    for state in STATES:
        if state == text:
            return state
    raise AssertionError(f"no state of a partition: {text}")


def _entry(entry_id: bytes, body: dict[bytes, bytes]) -> Entry:
    assert set(body) == {b"b", b"q", b"g"}
    return Entry(entry_id.decode(), int(body[b"q"]), body[b"g"].decode(), body[b"b"])


def _run(there: dict[str, Any], name: str) -> Run:
    record = _text(there.pop(f"run:{name}"))
    replies = [
        Reply(entry_id.decode(), _flat(body)[b"b"])
        for entry_id, body in there.pop(f"run:{name}:replies", [])
    ]
    tally = Counter({int(k[2:]): int(record.pop(k)) for k in list(record) if k[:2] == "n:"})
    token, base = _maybe(record.pop("token", None)), _maybe(record.pop("base", None))
    run = Run(
        position=int(record.pop("position")),
        offset=int(record.pop("offset")),
        sha=record.pop("sha"),
        lines=_maybe(record.pop("lines", None)),
        token=token,
        base=base or 0,
        answers=int(record.pop("answers")),
        written=int(record.pop("written")),
        cents=int(record.pop("cents_high", "0")) * CENTS_HIGH + int(record.pop("cents")),
        tally=tally,
        produce=_maybe_lease(record.pop("produce", None)),
        collect=_maybe_lease(record.pop("collect", None)),
        replies=replies,
        decided=_numbers(there.pop(f"run:{name}:decided", {})),
    )
    assert not record, f"fields of a run that nobody knows: {sorted(record)}"
    return run


def _windows(there: dict[str, Any], week: bytes) -> dict[str, bytes]:
    records: dict[bytes, bytes] = there.pop(f"w:{week.decode()}", {})
    return {customer.decode(): packed for customer, packed in records.items()}


def _flat(body: Any) -> dict[bytes, bytes]:  # noqa: ANN401 - redis-py's shape of a stream's fields
    return body if isinstance(body, dict) else dict(zip(body[::2], body[1::2], strict=True))


def _text(table: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in table.items()}


def _numbers(table: dict[bytes, bytes]) -> dict[int, int]:
    return {int(name): int(value) for name, value in table.items()}


def _deadlines(flat: list[bytes]) -> dict[str, int]:
    return {name.decode(): int(end) for name, end in zip(flat[::2], flat[1::2], strict=True)}


def _maybe(text: str | None) -> int | None:
    return None if text is None else int(text)


def _lease(text: str) -> tuple[int, str]:
    deadline, holder = text.split(" ", 1)
    return int(deadline), holder


def _maybe_lease(text: str | None) -> tuple[int, str] | None:
    return None if text is None else _lease(text)


def _pair(text: str) -> tuple[int, int]:
    day, pred = text.split(" ")
    return int(day), int(pred)


def _place(text: str) -> tuple[int, int]:
    partition, position = text.split(":")
    return int(partition), int(position)


def _act(text: bytes) -> AuditEntry:
    at_ms, who, what, partition, position, seq, *rest = json.loads(text)
    return AuditEntry(int(at_ms), who, what, int(partition), int(position), int(seq), *rest)


def _triple(text: str) -> tuple[int, int, int]:
    cursor, times, token = text.split(" ")
    return int(cursor), int(times), int(token)
