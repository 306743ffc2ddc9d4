"""The domain's functions driven over a whole input by one hand: no engine, no ledger, no processes.

Lives here: the shortest way from bytes through `kernel.domain` to output bytes, with state in plain
dicts. Why: when a run of the fleet and the oracle differ, this tells whether the rules are wrong or
the plumbing. It is the only file of the oracle's side that imports the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from kernel.domain.batch import CANDIDATE, PRIME, Batch
from kernel.domain.columns import Attempts, parse_chunk
from kernel.domain.decide import decide
from kernel.domain.decision import DROPPED, answer_of, encode_rows, reason_of, row_of, rows
from kernel.domain.features import effective_cents
from kernel.domain.gate import Gate
from kernel.domain.identity import CANONICAL, classify, fingerprints, registry_fields
from kernel.domain.primes import prime_flags
from kernel.domain.ruleset import MULTIPLIER_UNIT, WEEK_DAYS, PrimeGate, RuleSet
from kernel.domain.windows import Windows, needs


class Line(NamedTuple):
    """What became of one line: as the oracle's answer, with its row's text and no number."""

    row: str
    answer: str
    reason: str


def rules_of(config: Mapping[str, Any]) -> RuleSet:
    """Translate a `rules:` mapping, by the oracle's side and not by the program's reader."""
    limits, gate, monday = config["limits"], config["prime_gate"], config["monday_multiplier"]
    return RuleSet(
        daily_amount_cents=_cents(limits["daily_amount"]),
        weekly_amount_cents=_cents(limits["weekly_amount"]),
        daily_attempts=limits["daily_attempts"],
        week_start=WEEK_DAYS.index(config["week_start"]),
        monday_multiplier=int(Decimal(str(monday["multiplier"])) * MULTIPLIER_UNIT)
        if monday["enabled"]
        else None,
        prime_gate=PrimeGate(gate["global_per_day"], _cents(gate["amount_cap"]))
        if gate["enabled"]
        else None,
        duplicate_scope=config["idempotency"]["scope"],
        on_replay=config["idempotency"]["on_replay"],
        on_conflict=config["idempotency"]["on_conflict"],
        attempts_counted=config["attempts"]["count"],
        malformed=config["malformed"],
    )


def decide_serially(stream: bytes, rules: RuleSet, *, chunk_lines: int) -> list[Line]:
    """Decide a whole input, so many lines at a time, as one partition."""
    ledger = SerialLedger(rules)
    pieces = re.findall(rb"[^\n]*\n|[^\n]+", stream.removeprefix(b"\xef\xbb\xbf"))
    decided: list[Line] = []
    for start in range(0, len(pieces), chunk_lines):
        decided += ledger.feed(b"".join(pieces[start : start + chunk_lines]))
    return decided


def serial_bytes(lines: list[Line], /) -> bytes:
    """Write the output file of decided lines."""
    return encode_rows(line.row for line in lines)


class SerialLedger:
    """Registry, windows and gates in dicts; feed it chunks in the ledger's order."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._next_seq = 1
        self._registry: dict[str, str] = {}
        self._windows: Windows = {}
        self._gates: dict[int, Gate] = {}
        self._last_candidate: dict[int, int] = {}

    def feed(self, raw: bytes) -> list[Line]:
        """Decide the next chunk of whole lines."""
        parsed = parse_chunk(raw)
        attempts, declined = parsed.attempts, parsed.declined
        lines: dict[int, Line] = {}
        skips = DROPPED if self._rules.malformed == "skip" else 0
        for offset, id_text, customer, reason in zip(*declined, strict=True):
            code = reason | skips
            lines[offset] = _line(row_of(id_text, customer, code), code)
        codes = self._decide(self._batch(attempts))
        texts = rows(attempts.ids, attempts.customers, codes)
        for offset, text, code in zip(attempts.offsets, texts, codes, strict=True):
            lines[offset] = _line(text, code)
        return [lines[offset] for offset in range(parsed.lines)]

    def _batch(self, attempts: Attempts) -> Batch:
        """Number and classify the attempts of a chunk, and chain its candidates."""
        count, rules = len(attempts.ids), self._rules
        fields = registry_fields(attempts.ids, attempts.customers, rules.duplicate_scope)
        prints = fingerprints(attempts.customers, attempts.cents, attempts.instants)
        classified = classify(fields, prints, [self._registry.get(field) for field in fields])
        self._registry.update(zip(classified.new_fields, classified.new_prints, strict=True))
        seqs = range(self._next_seq, self._next_seq + count)
        self._next_seq += count
        flags = list(classified.classes)
        preds: dict[int, int] = {}
        if rules.prime_gate is not None:
            for index, is_prime in enumerate(prime_flags(attempts.ids)):
                if is_prime:
                    flags[index] |= PRIME
                if is_prime and rules.quota and classified.classes[index] == CANONICAL:
                    flags[index] |= CANDIDATE
                    day = attempts.days[index]
                    preds[seqs[index]] = self._last_candidate.get(day, 0)
                    self._last_candidate[day] = seqs[index]
        return Batch(
            seqs=seqs,
            partitions=[0] * count,
            runs=[0] * count,
            run_names=("run",),
            lines=[offset + 1 for offset in attempts.offsets],
            ids=attempts.ids,
            customers=attempts.customers,
            cents=attempts.cents,
            days=attempts.days,
            flags=flags,
            preds=preds,
        )

    def _decide(self, batch: Batch) -> bytearray:
        """Decide a batch on a copy of what it needs, and keep what it says has changed."""
        wanted = needs(batch.days, batch.customers, self._rules.week_start)
        windows: Windows = {}
        for week, customers in wanted.items():
            kept = self._windows.setdefault(week, {})
            windows[week] = {name: list(kept[name]) for name in customers if name in kept}
        gates = {day: self._gates[day] for day in set(batch.days) if day in self._gates}
        effective = effective_cents(batch.cents, batch.days, self._rules)

        decided = decide(batch, effective, self._rules, windows, gates)

        for error in decided.raised.values():
            raise error
        assert not decided.blocked, "one partition in sequence order never waits for itself"
        assert list(decided.taken) == list(range(len(batch.seqs)))
        for week, changed in decided.windows.items():
            self._windows[week].update(changed)
        for day, settlement in decided.settled.items():
            assert settlement.front_before == self._gates.get(day, Gate()).front
            self._gates[day] = Gate(front=settlement.front, used=settlement.used)
        return decided.codes


def _line(row: str, code: int) -> Line:
    reason = reason_of(code)
    return Line(row, answer_of(code), reason.name if reason else "")


def _cents(text: object) -> int:
    return int(Decimal(str(text)) * 100)
