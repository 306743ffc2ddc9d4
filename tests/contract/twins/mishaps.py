"""The rest of the machine: ticks, the collector, the operator, and all that goes wrong."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from kernel.adapters.redis.keys import beside
from kernel.ledger.halts import ACT_MS, ResumeRequest, SkipNote
from kernel.ledger.units import CommitRequest, FailRequest, Held, TakeRequest
from tests.contract.twins.fleet import OWNERS, RUNS, SHIFTS
from tests.contract.twins.machine import often, owners, rarely, runs, workers
from tests.contract.twins.stories import Half, StoriesMachine, chains
from tests.support.ledger_state import ledger_keys
from tests.support.plausible import Line, attempts_of, reading_of

#: Jumps of the clock: within a lease, past one, past everything, and back.
JUMPS_MS = (0, 1, 400, 999, 1_000, 1_001, 2_000, 2_500, 6_000, 3_600_000, -1_500, -3_600_000)


class FaultyMachine(StoriesMachine):
    """The machine with everything in it."""

    @rule(worker=workers, twice=rarely)
    def tick(self, worker: str, twice: bool) -> None:
        """Repair what is to be repaired."""
        for _ in range(1 + twice):
            self.twins.ask("tick", lambda ports: ports.tick(worker=worker))

    @rule(times=st.integers(1, 3))
    def finish_empty(self, times: int) -> None:
        """A run without a line, whose end is said more than once."""
        run = f"e{len(self.twins.before.runs)}"
        self.twins.ask("open", lambda p: p.open(run=run, owner="a", kind="produce"))
        for _ in range(times):
            self.twins.ask("finish", lambda ports: ports.finish(run=run, owner="a", lines=0))

    @rule(run=runs, behind=st.integers(0, 3), count=st.sampled_from([1, 2, 100]))
    def read(self, run: str, behind: int, count: int) -> None:
        """Read replies behind one that was seen, or from the start."""
        seen = self.fleet.producers[run].replies
        after = seen[-behind].id if 0 < behind <= len(seen) else "0"
        answer = self.twins.ask(
            "read", lambda ports: ports.read(run=run, after=after, wait_ms=0, count=count)
        )
        if answer is not None:
            seen.extend(reply for reply in answer.replies if reply not in seen)

    @rule(run=runs, owner=owners, which=st.integers(0, 3), opens=often)
    def ack(self, run: str, owner: str, which: int, opens: bool) -> None:
        """Acknowledge a reply that was read, or only renew; sometimes without being the owner."""
        self.read(run, 0, 100)
        producer = self.fleet.producers[run]
        entry = producer.replies[-which].id if 0 < which <= len(producer.replies) else ""
        if opens:
            self.open(run, owner, "collect")
        self.twins.ask(
            "ack",
            lambda ports: ports.ack(run=run, owner=owner, entry=entry, written=producer.position),
        )

    @rule(ms=st.sampled_from(JUMPS_MS), us=st.integers(0, 1_000))
    def wait(self, ms: int, us: int) -> None:
        """Let time pass, or let the clock jump."""
        self.twins.server.clock.advance(ms, us)

    @rule()
    def remember(self) -> None:
        """Note where the tail may be lost back to."""
        self.mark = self.remembered()

    @precondition(lambda self: self.mark is not None)
    @rule()
    def lose_tail(self) -> None:
        """Lose everything since; nobody's memory goes back with it."""
        self.go_back(self.mark)

    @rule()
    def lose_listing(self) -> None:
        """The list of ready partitions is gone: nothing of ours does that, and a tick mends it."""
        self.client.delete(beside(self.name, "ready"))
        self.twins.memory.state().ready.clear()
        self.twins.compare()
        self.twins.server.clock.advance(1_000)
        self.tick("w1", False)

    @rule(run=runs, owner=owners, redo=st.booleans())
    def lose_reply(self, run: str, owner: str, redo: bool) -> None:
        """A collector acknowledges a reply that was lost with the tail."""
        early = self.remembered()
        self.append(run, [None, Line(0)], opens=True, fault=None)
        self.read(run, 0, 100)
        self.go_back(early)
        if redo:
            self.append(run, [Line(0), None, None], opens=True, fault=None)
        self.open(run, owner, "collect")
        replies = self.fleet.producers[run].replies
        if replies:
            entry = replies[-1].id
            self.twins.ask("ack", lambda p: p.ack(run=run, owner=owner, entry=entry, written=0))

    @rule(run=runs, owner=owners, chunk=st.booleans())
    def run_full(self, run: str, owner: str, chunk: bool) -> None:
        """The server is full: what makes it grow is refused, what drains it goes on."""
        for stage in (self.twins.server, self.twins.memory):
            stage.refuse_growth(full=True)
        if chunk:
            lines = [Line(0, candidate=True), None]
            self.fleet.producers[run].last = self.fleet.chunk(run, lines, {})
            self.append_again(run, 1)
        else:
            self.open(run, owner, "produce")
        self.turn(SHIFTS[0], 2, 0)
        self.tick("w1", False)
        for stage in (self.twins.server, self.twins.memory):
            stage.refuse_growth(full=False)

    @rule(flushed=st.booleans())
    def meet_nothing(self, flushed: bool) -> None:
        """Ask a server that was flushed, or a ledger that was made anew."""
        run, shift, owner = RUNS[0], SHIFTS[0], OWNERS[0]
        mine = self.fleet.shifts[shift]
        chunk = self.fleet.chunk(run, [Line(0)], {})
        commit = mine.commit or CommitRequest(shift, "w1", 5, "", [], {}, [], [], [])
        fail = FailRequest(shift, 5, 0, 0, "1-1", "", fatal=True)
        self.twins.ask_in_vain(
            {
                "open": lambda ports: ports.open(run=run, owner=owner, kind="produce"),
                "read_ids": lambda ports: ports.read_ids(["7"]),
                "append": lambda ports: ports.append(chunk),
                "finish": lambda ports: ports.finish(run=run, owner=owner, lines=0),
                "leave": lambda ports: ports.leave(run=run, owner=owner, kind="produce"),
                "take": lambda ports: ports.take(TakeRequest(shift, "w1", 9, "all")),
                "load": lambda ports: ports.load(reading_of(mine.held)),
                "commit": lambda ports: ports.commit(commit),
                "fail": lambda ports: ports.fail(fail),
                "end_shift": lambda p: p.end_shift(shift=shift, worker="w1", forced=True),
                "ack": lambda ports: ports.ack(run=run, owner=owner, entry="", written=0),
                "tick": lambda ports: ports.tick(worker="w1"),
                "resume": lambda ports: ports.resume(ResumeRequest(0, 0, 5, "me@here")),
                "read": lambda p: p.read(run=run, after="0", wait_ms=0, count=1),
            },
            flushed=flushed,
        )

    @rule(
        index=st.integers(0, 3),
        skips=st.booleans(),
        off=st.sampled_from([0, 0, 0, 1]),
        other=rarely,
        times=st.sampled_from([1, 1, 2]),
    )
    def resume(self, index: int, *, skips: bool, off: int, other: bool, times: int) -> None:
        """An operator lets a partition go on, perhaps without its head; or mistakes which one."""
        parts = self.twins.before.parts
        halted = [p for p, part in enumerate(parts) if part.state == "halted"]
        partition = halted[index % len(halted)] if halted else index % self.partitions
        cursor = parts[partition].cursor + off
        seq, entry = self.head_of(partition)
        note = SkipNote(seq, "it is broken", "9-9" if other else entry) if skips else None
        token = self.fleet.token()
        now_ms = self.twins.server.clock.now_ms
        self.fleet.operator.asked.append(
            ResumeRequest(partition, cursor, token, "me@here", note, now_ms, f"sealed {token}")
        )
        for _ in range(times):
            self.resume_again()

    @rule(back=st.sampled_from([1, 1, 2]), late=rarely)
    def resume_again(self, back: int = 1, *, late: bool = False) -> None:
        """Send an operator's last request but so many: its answer was lost, perhaps long ago."""
        asked = self.fleet.operator.asked
        if late:
            self.twins.server.clock.advance(ACT_MS)
        if len(asked) >= back:
            self.twins.ask("resume", lambda ports: ports.resume(asked[-back]))

    def head_of(self, partition: int) -> tuple[int, str]:
        """Return the sequence number of the first undecided attempt, and its entry."""
        part = self.twins.before.parts[partition]
        held = Held(partition, part.cursor, part.end, part.halt, tuple(part.log))
        return next(((seen.seq, seen.entry) for seen in attempts_of(held)), (1, "1-1"))

    @rule(
        chunk=chains,
        pair=st.permutations(SHIFTS),
        skips=often,
        zombie=st.booleans(),
        off=st.sampled_from([0, 0, 0, 1]),
    )
    def halt_and_go_on(
        self, chunk: list[Line | None], pair: list[str], *, skips: bool, zombie: bool, off: int
    ) -> None:
        """A head is halted, let go on and decided, as it is or as skipped; a zombie is refused."""
        self.append(RUNS[0], [*chunk, Line(0)], opens=True, fault=None)
        if zombie:
            self.hold(pair[0], Half("all", [], 100, []))
            self.twins.server.clock.advance(1_001)
        self.take(pair[1], None, "all", 100, [])
        self.fail(pair[1], 1, fatal=True, off=0)
        self.resume(0, skips=skips, off=off, other=False, times=1)
        if zombie:
            self.commit(pair[0], 100, 0, ["auto"] * 4, None)
        self.turn(pair[1], 100, 0)

    def teardown(self) -> None:
        """Drop the ledger in steps; nothing of it is left."""
        if not hasattr(self, "twins"):
            return
        server = self.twins.server
        status = ""
        while status != "DROPPED":
            status = server.drop_step(1)
            self.tally["drop", status] += 1
        assert ledger_keys(self.client, server.name) == []
