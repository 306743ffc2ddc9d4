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

from kernel.domain.attempt import Attempt, parse_line
from kernel.domain.batch import CANDIDATE, PRIME, Batch
from kernel.domain.decide import decide
from kernel.domain.decision import DROPPED, encode_rows, row_of
from kernel.domain.features import effective_cents
from kernel.domain.gate import Gate
from kernel.domain.identity import CANONICAL, CONFLICT, REPLAY, fingerprints, registry_fields
from kernel.domain.primes import is_prime
from kernel.domain.ruleset import RuleSet
from kernel.domain.windows import week_of

#: The job's name, as it is enqueued.
JOB: Final = "tests.bench.one_job_each.decide_one"
#: Bytes that are no text must come through JSON, so each travels as the character of its number.
BYTES_AS_TEXT: Final = "latin-1"
ROWS: Final = "rows"


class OneByOne:
    """Decides single attempts over state in Redis; made once in the worker's process."""

    def __init__(self, client: Redis, rules: RuleSet) -> None:
        self._client: Any = client
        self._rules = rules

    def answer(self, number: int, line: bytes) -> None:
        """Decide one line and push its row, unless it is dropped."""
        attempt = parse_line(line)
        if isinstance(attempt, Attempt):
            code = self._decide(number, attempt)
        else:
            code = attempt.code | (DROPPED if self._rules.malformed == "skip" else 0)
        if not code & DROPPED:
            row = row_of(attempt.id, attempt.customer, code)
            self._client.rpush(ROWS, encode_rows([row]))

    def _decide(self, number: int, attempt: Attempt) -> int:
        """Return the answer code of an attempt, and keep what has changed."""
        week = week_of(attempt.day, self._rules.week_start)
        windows_key = f"w:{week}"
        stored = self._client.hget(windows_key, attempt.customer)
        windows = {week: {attempt.customer: json.loads(stored)} if stored else {}}
        settled = self._client.hget("gates", attempt.day)
        gate = Gate(*json.loads(settled)) if settled else Gate()
        batch = self._batch(number, attempt, gate)
        effective = effective_cents(batch.cents, batch.days, self._rules)

        decided = decide(batch, effective, self._rules, windows, {attempt.day: gate})

        for record in decided.windows.get(week, {}).values():
            self._client.hset(windows_key, attempt.customer, json.dumps(record))
        for moved in decided.settled.values():
            self._client.hset("gates", attempt.day, json.dumps([moved.front, moved.used]))
        return decided.codes[0]

    def _batch(self, number: int, attempt: Attempt, gate: Gate) -> Batch:
        """Make a batch of one; whoever works in order waits for nobody at a gate."""
        flags = self._class_of(attempt)
        if self._rules.prime_gate is not None and is_prime(int(attempt.id)):
            is_candidate = self._rules.quota and flags == CANONICAL
            flags |= PRIME | (CANDIDATE if is_candidate else 0)
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

    def _class_of(self, attempt: Attempt) -> int:
        (field,) = registry_fields([attempt.id], [attempt.customer], self._rules.duplicate_scope)
        (mine,) = fingerprints([attempt.customer], [attempt.cents], [attempt.instant])
        if self._client.hsetnx("ids", field, mine):
            return CANONICAL
        return REPLAY if self._client.hget("ids", field).decode() == mine else CONFLICT


#: Of the worker's process; a job finds it here.
_current: list[OneByOne] = []


def begin(client: Redis, rules: RuleSet) -> None:
    """Name the state and the rules that this process's jobs decide by."""
    _current[:] = [OneByOne(client, rules)]


def decide_one(number: int, text: str) -> None:
    """Decide one line: the RQ job."""
    _current[0].answer(number, text.encode(BYTES_AS_TEXT))
