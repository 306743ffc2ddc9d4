"""A hand-written consumer group on a Redis Stream, measured: no framework, one consumer.

`python -m tests.bench.streams_form (feed|work) URL CONFIG INPUT MANY` is one of its two processes.
With MANY = 1 each attempt is an XADD, a read, a few calls for its state and an XACK; with 500 as
many are added in one pipeline, read at once, their state read in one pipeline and written in
another. That is about what an engineer writes who knows Redis well and wants it fast.

Its answers are right for one consumer that never dies: two would decide out of order, and a kill
between writing and XACK decides twice. That is what the fleet is for, and is not measured here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from redis import Redis

from kernel.adapters.config import read_config
from kernel.domain.attempt import Attempt, parse_line
from kernel.domain.identity import registry_fields
from kernel.domain.ruleset import RuleSet
from kernel.domain.windows import week_of
from tests.bench.in_two_steps import ROWS, act_measured
from tests.bench.in_two_steps import measure as measure_steps
from tests.bench.one_job_each import OneByOne
from tests.bench.report import Measured

STREAM: Final = "attempts"
GROUP: Final = "workers"
PIPELINED: Final = 500


def measure(config: Path, sample: Path, lines: int, expected: Path, *, many: int) -> Measured:
    """Decide a short sample by a consumer group, so many attempts at once."""
    form = "Streams consumer" if many == 1 else f"Streams, pipelined by {many}"
    argv = (str(config), str(sample), str(many))
    steps = ("feed", "work")
    return measure_steps("tests.bench.streams_form", form, steps, argv, lines, expected)


class _ManyAtOnce(OneByOne):
    """Reads the state of many attempts in one pipeline, and writes it in another."""

    def __init__(self, client: Redis, rules: RuleSet) -> None:
        super().__init__(client, rules)
        self._known: dict[tuple[str, str], Any] = {}
        self._changed: dict[str, dict[str, Any]] = {}
        self._rows: list[bytes] = []

    def answer_all(self, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        """Decide the entries of one read, and acknowledge them with their rows."""
        parsed = [(int(entry[b"n"]), parse_line(entry[b"l"])) for _, entry in entries]
        self._read_state([attempt for _, attempt in parsed if isinstance(attempt, Attempt)])
        for number, attempt in parsed:
            self.answer_parsed(number, attempt)
        pipe = self.client.pipeline()
        for key, fields in self._changed.items():
            pipe.hset(key, mapping=fields)
        pipe.rpush(ROWS, *self._rows)
        pipe.xack(STREAM, GROUP, *[name for name, _ in entries])
        pipe.execute()

    def _read_state(self, attempts: list[Attempt]) -> None:
        scope, start = self.rules.duplicate_scope, self.rules.week_start
        fields = registry_fields(
            [one.id for one in attempts], [one.customer for one in attempts], scope
        )
        wanted: dict[str, dict[str, None]] = {"ids": dict.fromkeys(fields), "gates": {}}
        for one in attempts:
            wanted["gates"][str(one.day)] = None
            wanted.setdefault(f"w:{week_of(one.day, start)}", {})[one.customer] = None
        asked = {key: list(names) for key, names in wanted.items() if names}
        pipe = self.client.pipeline(transaction=False)
        for key, names in asked.items():
            pipe.hmget(key, names)
        found = pipe.execute()
        self._known = {
            (key, name): value
            for (key, names), values in zip(asked.items(), found, strict=True)
            for name, value in zip(names, values, strict=True)
        }
        self._changed, self._rows = {}, []

    def push(self, row: bytes) -> None:
        """Keep a row for the pipeline."""
        self._rows.append(row)

    def claim(self, field: str, mine: str) -> str:
        """Take an identity if nobody has, and return who owns it."""
        owner = self._known["ids", field]
        if owner is None:
            self._set("ids", field, mine.encode())
            return mine
        return str(owner.decode())

    def read(self, key: str, field: str) -> Any:  # noqa: ANN401 - a record or a gate
        """Return a record or a gate, None if there is none."""
        stored = self._known[key, field]
        return [int(part) for part in stored.split(b",")] if stored else None

    def keep(self, key: str, field: str, value: list[int]) -> None:
        """Keep a record or a gate for the pipeline."""
        self._set(key, field, ",".join(map(str, value)).encode())

    def _set(self, key: str, field: str, value: bytes) -> None:
        self._known[key, field] = value
        self._changed.setdefault(key, {})[field] = value


def _feeding(client: Redis, input_path: str, many: int) -> Callable[[], None]:
    lines = iter(enumerate(Path(input_path).read_bytes().removesuffix(b"\n").split(b"\n"), 1))

    def feed() -> None:
        while several := list(islice(lines, many)):
            pipe = client.pipeline(transaction=False)
            for number, line in several:
                pipe.xadd(STREAM, {"n": number, "l": line})
            pipe.execute()

    return feed


def _working(client: Redis, config_path: str, many: int) -> Callable[[], None]:
    rules = read_config(config_path).rules
    client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    one, several = OneByOne(client, rules), _ManyAtOnce(client, rules)

    def work() -> None:
        for entries in _read(client, many):
            if many > 1:
                several.answer_all(entries)
                continue
            for name, entry in entries:
                one.answer(int(entry[b"n"]), entry[b"l"])
                client.xack(STREAM, GROUP, name)

    return work


def _read(client: Any, many: int) -> Iterator[list[tuple[bytes, dict[bytes, bytes]]]]:  # noqa: ANN401
    while found := client.xreadgroup(GROUP, "c1", {STREAM: ">"}, count=many):
        yield found[0][1]


def main(what: str, url: str, config_path: str, input_path: str, many: str) -> None:
    """Be one of the two processes."""
    client = Redis.from_url(url)
    if what == "feed":
        act_measured(_feeding(client, input_path, int(many)))
    else:
        act_measured(_working(client, config_path, int(many)))


if __name__ == "__main__":
    main(*sys.argv[1:])
