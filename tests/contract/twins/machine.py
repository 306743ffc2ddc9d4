"""The machine that thinks up calls: producers, workers, collectors, an operator, and bad luck.

Here: which calls are made, in any order, and what their makers remember. Comparing the twins and
counting the answers is `pair.py`'s. A rule is one thing that one process does, or one mishap.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any, ClassVar, Literal

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from kernel.adapters.redis.ledger import create
from kernel.ledger.ports import StoreFull
from kernel.ledger.units import Policy, TakeRequest
from tests.contract.twins.answers import FULL
from tests.contract.twins.fleet import FIELDS, OWNERS, RUNS, SHIFTS, WORKERS, Fleet
from tests.contract.twins.pair import Twins
from tests.support.ledger_state import ledger_keys
from tests.support.plausible import Line, Wish, reading_of
from tests.support.stages import memory_stage, rule_set, server_stage, settings_of

runs = st.sampled_from(RUNS)
owners = st.sampled_from(OWNERS)
shifts = st.sampled_from(SHIFTS)
workers = st.sampled_from(WORKERS)
often = st.sampled_from([True, True, True, False])
rarely = st.sampled_from([False, False, False, False, True])
lines = st.lists(
    st.one_of(
        st.none(),
        st.builds(
            Line,
            partition=st.integers(0, 3),
            day=st.sampled_from([1, 1, 2, 9]),
            candidate=st.booleans(),
            field=st.sampled_from(("", "", *FIELDS)),
        ),
        st.builds(Line, st.integers(0, 3), st.just(1), often, st.just("")),
    ),
    min_size=1,
    max_size=6,
)
wishes = st.sampled_from(["auto", "auto", "auto", "auto", "keep", "release", "park", "none"])
faults = st.sampled_from([None] * 6 + ["rules", "rules", "halt", "entry", "shift", "twice"])
numbers = itertools.count(1)


class TwinsMachine(RuleBasedStateMachine):
    """Drives a ledger on a server and its memory twin through the same calls."""

    client: ClassVar[redis.Redis]
    tally: ClassVar[Counter[tuple[str, str]]] = Counter()

    @initialize(
        quota=st.sampled_from([1, 0, 1, 2, 3]),
        partitions=st.sampled_from([2, 1, 2, 3, 4]),
        in_flight=st.sampled_from([1_000, 1_000, 1_000, 1_000, 4, 8, 16]),
        chunk=lines,
    )
    def begin(self, quota: int, partitions: int, in_flight: int, chunk: list[Line | None]) -> None:
        """Create a ledger twice, and append to its first run."""
        self.client.config_set("maxmemory", 0)  # an example that failed may have left it low
        self.client.flushall()
        self.name = f"m{next(numbers)}"
        settings = settings_of(partitions, inflight_lines_max=in_flight)
        server = server_stage(self.client, self.name, quota=quota, settings=settings)
        self.tally["create", "CREATED"] += 1
        self.quota, self.settings, self.partitions = quota, settings, partitions
        self.twins = Twins(
            server, memory_stage(server.record, clock=server.clock), quota, self.tally
        )
        self.fleet = Fleet(server.record.digest, quota)
        self.mark: Any = None
        self.append(RUNS[0], chunk, opens=True, fault=None)

    @rule(full=rarely)
    def create_again(self, full: bool) -> None:
        """Create what is there, or something new on a server that is full."""
        name = self.name + "-other" * full
        self.twins.server.refuse_growth(full=full)
        try:
            answer = create(
                self.client,
                name,
                rules=rule_set(self.quota),
                settings=self.settings,
                master_key="11" * 32,
            )
        except StoreFull:
            self.tally["create", FULL] += 1
            assert full
            assert ledger_keys(self.client, name) == []
        else:
            assert not full
            self.tally["create", answer.status] += 1
            assert answer == ("EXISTS", self.twins.server.record)
        self.twins.server.refuse_growth(full=False)
        self.twins.compare()

    @rule(run=runs, owner=owners, kind=st.sampled_from(["produce", "produce", "collect"]))
    def open(self, run: str, owner: str, kind: Literal["produce", "collect"]) -> None:
        """Lease a run; the producer who gets it goes on where the answer says."""
        answer = self.twins.ask("open", lambda ports: ports.open(run=run, owner=owner, kind=kind))
        if kind == "produce" and answer is not None and answer.status == "OPENED":
            self.fleet.producers[run].owner = owner
            self.fleet.producers[run].position = answer.position

    @rule(run=runs, owner=owners, kind=st.sampled_from(["produce", "collect"]))
    def leave(self, run: str, owner: str, kind: Literal["produce", "collect"]) -> None:
        """Give a run's lease back, perhaps one that is another's, or nobody's."""
        self.twins.ask("leave", lambda ports: ports.leave(run=run, owner=owner, kind=kind))

    @rule(
        run=runs,
        chunk=lines,
        opens=often,
        fault=st.sampled_from([None] * 5 + ["rules"] * 3 + ["stale", "off", "off"]),
    )
    def append(self, run: str, chunk: list[Line | None], opens: bool, fault: str | None) -> None:
        """Append a chunk, sometimes on a registry read too early, elsewhere or by other rules."""
        if opens:
            self.open(run, self.fleet.producers[run].owner, "produce")
        fitting = [
            line and line._replace(partition=line.partition % self.partitions) for line in chunk
        ]
        fields = sorted({line.field for line in fitting if line is not None and line.field})
        owned = self.twins.ask("read_ids", lambda ports: ports.read_ids(fields)) or []
        stale = fault == "stale"
        known = dict(zip(fields, [None] * len(fields) if stale else owned, strict=True))
        request = self.fleet.chunk(run, fitting, known)
        if stale:
            request = request._replace(after="")
        if fault == "rules":
            request = request._replace(digest="other")
        if fault == "off":
            request = request._replace(position=request.position + 3)
        self.fleet.producers[run].last = request
        self.append_again(run, 1)

    @precondition(lambda self: any(p.last for p in self.fleet.producers.values()))
    @rule(run=runs, times=st.sampled_from([1, 2]))
    def append_again(self, run: str, times: int) -> None:
        """Send the last append: its answer was lost, perhaps long ago."""
        producer = self.fleet.producers[run]
        request = producer.last
        if request is None:
            return
        for _ in range(times):
            answer = self.twins.ask("append", lambda ports: ports.append(request))
            if answer is not None and answer.status in {"APPENDED", "ALREADY"}:
                producer.position = request.position + request.lines
                producer.tail = answer.tail
            elif answer is not None and answer.status == "REWOUND":
                producer.position = answer.position

    @rule(run=runs, stranger=rarely, off=st.sampled_from([0, 1]), twice=st.booleans())
    def finish(self, run: str, stranger: bool, off: int, twice: bool) -> None:
        """End a run, at the right or at a wrong count, perhaps by a stranger."""
        producer = self.fleet.producers[run]
        owner = "stranger" if stranger else producer.owner
        count = producer.position + off
        for _ in range(1 + twice):
            self.twins.ask("finish", lambda ports: ports.finish(run=run, owner=owner, lines=count))

    @rule(
        shift=shifts,
        worker=st.one_of(st.none(), workers),
        policy=st.sampled_from(["all", "all", "share", "one"]),
        limit=st.sampled_from([1, 3, 100]),
        prefer=st.lists(st.integers(0, 4), max_size=3),
    )
    def take(
        self, shift: str, worker: str | None, policy: Policy, limit: int, prefer: list[int]
    ) -> None:
        """Take partitions for a shift, which then knows what it holds."""
        mine = self.fleet.shifts[shift]
        request = TakeRequest(shift, worker or mine.worker, limit, policy, tuple(prefer))
        answer = self.twins.ask("take", lambda ports: ports.take(request))
        assert answer is not None
        mine.held, mine.loaded = answer.held, None

    @rule(shift=shifts)
    def load(self, shift: str) -> None:
        """Read what deciding the partitions held needs."""
        mine = self.fleet.shifts[shift]
        request = reading_of(mine.held)
        mine.loaded = self.twins.ask("load", lambda ports: ports.load(request))

    @rule(
        shift=shifts,
        limit=st.sampled_from([1, 2, 100]),
        parity=st.integers(0, 1),
        wish=st.lists(wishes, min_size=4, max_size=4),
        fault=faults,
    )
    def commit(
        self, shift: str, limit: int, parity: int, wish: list[Wish], fault: str | None
    ) -> None:
        """Commit what was decided on the last reading, however old; sometimes not as taken."""
        mine = self.fleet.shifts[shift]
        request = self.fleet.decided(mine, limit=limit, parity=parity, wishes=dict(enumerate(wish)))
        if request is None:
            return
        if fault == "rules":
            request = request._replace(digest="other")
        elif fault == "shift":
            request = request._replace(shift=SHIFTS[0])
        elif fault == "halt":
            request = request._replace(moves=[m._replace(halt="9") for m in request.moves])
        elif fault == "entry":
            request = request._replace(moves=[m._replace(entry="9-9") for m in request.moves])
        mine.commit = request
        for _ in range(2 if fault == "twice" else 1):
            self.commit_again(shift)

    @rule(shift=shifts)
    def commit_again(self, shift: str) -> None:
        """Send the last commit: its answer was lost, perhaps long ago."""
        request = self.fleet.shifts[shift].commit
        if request is None:
            return
        state = self.twins.before
        lost = any(
            all(entry.id != move.entry for entry in state.parts[move.partition].log)
            for move in request.moves
        )
        cause = "entry" if lost else "front"
        self.twins.ask("commit", lambda ports: ports.commit(request), cause)

    @rule(shift=shifts, limit=st.sampled_from([1, 2, 100]), parity=st.integers(0, 1))
    def turn(self, shift: str, limit: int, parity: int) -> None:
        """Take, read, decide and commit as a worker does when nothing is in its way."""
        self.take(shift, None, "all", 100, [])
        self.load(shift)
        self.commit(shift, limit, parity, ["auto"] * 4, None)

    @rule(shift=shifts, worker=workers, forced=rarely, twice=rarely, takes=st.booleans())
    def end_shift(self, shift: str, worker: str, forced: bool, twice: bool, takes: bool) -> None:
        """End a shift by time, or because nothing seems to be left; or begin one and drop it."""
        if takes:
            self.take(shift, worker, "one", 1, [])
        for _ in range(1 + twice):
            self.twins.ask(
                "end_shift",
                lambda ports: ports.end_shift(shift=shift, worker=worker, forced=forced),
            )

    def remembered(self) -> tuple[Any, Any]:
        """Note where the tail may be lost back to."""
        return self.twins.server.mark(), self.twins.memory.mark()

    def go_back(self, mark: tuple[Any, Any]) -> None:
        """Lose everything since; nobody's memory goes back with it."""
        there, here = mark
        self.twins.server.rewind(there)
        self.twins.memory.rewind(here)
        self.twins.server.clock.advance(1, 1)
        self.twins.compare()
