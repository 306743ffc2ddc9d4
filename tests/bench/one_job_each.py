"""One RQ job per attempt, as one would write it at first: the form to compare with.

Here: what such a job does. Not here: enqueuing and measuring (`rq_form.py`). A job reads what the
rules ask for from Redis, decides with the same domain code, writes back and pushes the row. With a
single worker the answers are right: its queue is in order, and nobody else is there. A second
worker or a kill would make them wrong; that is what the fleet is for, and not measured here.
"""

from __future__ import annotations

import json
from typing import Any, Final

from redis import Redis

from kernel.domain.attempt import Attempt, Declined, parse_line
from kernel.domain.batch import CANDIDATE, PRIME, Batch
from kernel.domain.decide import decide
from kernel.domain.decision import DROPPED, encode_rows, row_of
from kernel.domain.features import effective_cents
from kernel.domain.gate import Gate
from kernel.domain.identity import CANONICAL, CONFLICT, REPLAY, fingerprints, registry_fields
from kernel.domain.primes import is_prime
from kernel.domain.ruleset import RuleSet
from kernel.domain.windows import week_of
from tests.bench.in_two_steps import ROWS

#: The job's name, as it is enqueued.
JOB: Final = "tests.bench.one_job_each.decide_one"
#: Bytes that are no text must come through JSON, so each travels as the character of its number.
BYTES_AS_TEXT: Final = "latin-1"


class OneByOne:
    """Decides single attempts over state in Redis; made once in the worker's process."""

    def __init__(self, client: Redis, rules: RuleSet) -> None:
        self.client: Any = client
        self.rules = rules

    def answer(self, number: int, line: bytes) -> None:
        """Decide one line and push its row, unless it is dropped."""
        self.answer_parsed(number, parse_line(line))

    def answer_parsed(self, number: int, attempt: Attempt | Declined) -> None:
        """Decide one line that is parsed, and push its row, unless it is dropped."""
        if isinstance(attempt, Attempt):
            code = self._decide(number, attempt)
        else:
            code = attempt.code | (DROPPED if self.rules.malformed == "skip" else 0)
        if not code & DROPPED:
            self.push(encode_rows([row_of(attempt.id, attempt.customer, code)]))

    def push(self, row: bytes) -> None:
        """Put a row behind the others."""
        self.client.rpush(ROWS, row)

    def claim(self, field: str, mine: str) -> str:
        """Take an identity if nobody has, and return who owns it."""
        if self.client.hsetnx("ids", field, mine):
            return mine
        return str(self.client.hget("ids", field).decode())

    def read(self, key: str, field: str) -> Any:  # noqa: ANN401 - a record or a gate
        """Return a record or a gate, None if there is none."""
        stored = self.client.hget(key, field)
        return json.loads(stored) if stored else None

    def keep(self, key: str, field: str, value: list[int]) -> None:
        """Keep a record or a gate."""
        self.client.hset(key, field, json.dumps(value))

    def _decide(self, number: int, attempt: Attempt) -> int:
        """Return the answer code of an attempt, and keep what has changed."""
        week = week_of(attempt.day, self.rules.week_start)
        flags = self._flags(number, attempt)
        record = self.read(f"w:{week}", attempt.customer)
        windows = {week: {attempt.customer: record} if record else {}}
        gate = Gate(*(self.read("gates", str(attempt.day)) or ()))
        batch = self._batch(number, attempt, flags, gate)
        effective = effective_cents(batch.cents, batch.days, self.rules)

        decided = decide(batch, effective, self.rules, windows, {attempt.day: gate})

        for changed in decided.windows.get(week, {}).values():
            self.keep(f"w:{week}", attempt.customer, changed)
        for moved in decided.settled.values():
            self.keep("gates", str(attempt.day), [moved.front, moved.used])
        return decided.codes[0]

    def _batch(self, number: int, attempt: Attempt, flags: int, gate: Gate) -> Batch:
        """Make a batch of one; whoever works in order waits for nobody at a gate."""
        return Batch(
            seqs=[number],
            partitions=[0],
            runs=[0],
            run_names=("run",),
            lines=[number],
            ids=[attempt.id],
            customers=[attempt.customer],
            cents=[attempt.cents],
            days=[attempt.day],
            flags=[flags],
            preds={number: gate.front},
        )

    def _flags(self, number: int, attempt: Attempt) -> int:
        (field,) = registry_fields([attempt.id], [attempt.customer], self.rules.duplicate_scope)
        (print_,) = fingerprints([attempt.customer], [attempt.cents], [attempt.instant])
        # The line's number makes it this very line's: a replay has the same fingerprint.
        owner, _, first = self.claim(field, f"{print_} {number}").rpartition(" ")
        mine = CANONICAL if first == str(number) else REPLAY
        flags = mine if owner == print_ else CONFLICT
        if self.rules.prime_gate is not None and is_prime(int(attempt.id)):
            is_candidate = self.rules.quota and flags == CANONICAL
            flags |= PRIME | (CANDIDATE if is_candidate else 0)
        return flags


#: Of the worker's process; a job finds it here.
_current: list[OneByOne] = []


def begin(client: Redis, rules: RuleSet) -> None:
    """Name the state and the rules that this process's jobs decide by."""
    _current[:] = [OneByOne(client, rules)]


def decide_one(number: int, text: str) -> None:
    """Decide one line: the RQ job."""
    _current[0].answer(number, text.encode(BYTES_AS_TEXT))
