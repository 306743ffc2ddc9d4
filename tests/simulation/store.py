"""The store of a simulated world: the memory ledger, its past, and each actor's way to it.

Lives here: what the history of appends and answers was (as far as it was not lost), snapshots to
rewind to, and `Link`, which stands between an actor and the ledger: before every port call the
actor gives way, and the call or its answer may get lost.

1. A snapshot is always an ancestor of the present: after a rewind the younger ones are forgotten.
2. The history goes back together with the state; it is never trimmed, so that at the end every
   answer that was ever given and not lost can be looked at.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeVar

from kernel.adapters.memory.ledger import MemoryLedger
from kernel.adapters.memory.replies import entry_order
from kernel.ledger import halts, units
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.record import LedgerRecord
from tests.simulation.barrier import Barrier
from tests.simulation.scheduler import Actor, World
from tests.simulation.shown import brief

if TYPE_CHECKING:
    from kernel.adapters.memory.state import LedgerState

Answer = TypeVar("Answer")

#: How many snapshots are kept.
SNAPSHOTS = 16


class Appended(NamedTuple):
    """One chunk in the ledger's order."""

    base: int
    run: str
    first_line: int
    lines: int


class Given(NamedTuple):
    """One entry of answers, as it came on a run's reply channel."""

    run: str
    reply: units.Reply


class Snapshot(NamedTuple):
    """The store at one moment; what is not in `state` is there to choose by."""

    state: bytes
    appends: int
    replies: int
    skips: int
    cursors: list[int]
    ends: list[int]
    fronts: dict[int, int]

    def tempts(self, request: units.CommitRequest, state: LedgerState) -> bool:
        """Tell whether a commit would fit after a rewind, although it rests on what is lost."""
        fits = all(
            self.cursors[move.partition] == move.cursor
            and int(move.entry.partition("-")[0]) <= self.ends[move.partition]
            for move in request.moves
        )
        is_behind = any(state.parts[move.partition].cursor != move.cursor for move in request.moves)
        rests = any(self.fronts.get(gate.day, 0) != gate.before for gate in request.settled)
        return fits and (is_behind or rests)


class SimulatedStore(MemoryLedger):
    """The memory ledger with a memory of its own."""

    def __init__(self, record: LedgerRecord, world: World) -> None:
        super().__init__(record, world.clock_us)
        self.appends: list[Appended] = []
        self.replies: list[Given] = []
        #: Sequence numbers of the attempts that were skipped.
        self.skips: list[int] = []
        self.snapshots: deque[Snapshot] = deque(maxlen=SNAPSHOTS)
        self._counts = world.counts

    def append(self, request: units.AppendRequest) -> units.AppendAnswer:
        """Append, and remember what it gave."""
        answer = super().append(request)
        self._counts[f"append {answer.status}"] += 1
        if answer.status == "APPENDED":
            first = request.position + 1
            self.appends.append(Appended(answer.base, request.run, first, request.lines))
            if request.declined is not None:
                self._remember(request.run)
        return answer

    def commit(self, request: units.CommitRequest) -> units.CommitAnswer:
        """Commit, and remember what it gave."""
        answer = super().commit(request)
        self._counts[f"commit {answer.status}"] += 1
        if answer.status == "APPLIED":
            for reply in request.replies:
                self._remember(reply.run)
            for outcome in answer.outcomes:
                self._counts[f"step {outcome}"] += 1
        return answer

    def take(self, request: units.TakeRequest) -> units.TakeAnswer:
        """Take, and count the leases that were reclaimed."""
        before = self.state.counters["leases_reclaimed"]
        answer = super().take(request)
        self._counts["leases reclaimed"] += self.state.counters["leases_reclaimed"] - before
        return answer

    def tick(self, *, worker: str) -> units.TickAnswer:
        """Tick, and count the repairs."""
        answer = super().tick(worker=worker)
        self._counts["leases reclaimed"] += answer.leases
        self._counts["tick repairs"] += answer.leases + answer.listed + answer.shifts + answer.bells
        return answer

    def fail(self, request: units.FailRequest) -> units.FailAnswer:
        """Count a failure, and what came of it."""
        answer = super().fail(request)
        self._counts[f"fail {answer.status}"] += 1
        return answer

    def resume(self, request: halts.ResumeRequest) -> halts.ResumeAnswer:
        """Let a halted partition go on, and remember which attempt is to be skipped."""
        answer = super().resume(request)
        self._counts[f"operator {'skip' if request.note else 'resume'} {answer.status}"] += 1
        if answer.status == "RESUMED" and request.note is not None:
            self.skips.append(request.note.seq)
        return answer

    def _remember(self, run: str) -> None:
        self.replies.append(Given(run, self.state.runs[run].replies[-1]))

    def keep_snapshot(self) -> None:
        """Remember this moment."""
        state = pickle.dumps(self.state, pickle.HIGHEST_PROTOCOL)
        parts = self.state.parts
        self.snapshots.append(
            Snapshot(
                state,
                len(self.appends),
                len(self.replies),
                len(self.skips),
                [part.cursor for part in parts],
                [part.end for part in parts],
                dict(self.state.front),
            )
        )

    def rewind(self, back: int) -> None:
        """Lose everything since the snapshot that is the `back`-th youngest (0 = youngest)."""
        for _ in range(back):
            self.snapshots.pop()
        snapshot = self.snapshots[-1]
        state: LedgerState = pickle.loads(snapshot.state)  # noqa: S301 - written by us just now
        self.state = state
        del self.appends[snapshot.appends :]
        del self.replies[snapshot.replies :]
        del self.skips[snapshot.skips :]

    def advance(self) -> int:
        """Return a number that grows whenever anything at all got on."""
        parts = sum(part.cursor for part in self.state.parts)
        runs = self.state.runs.values()
        return parts + sum(run.position + run.written + (run.lines is not None) for run in runs)


class Losses(Protocol):
    """What a link asks about each call."""

    def before_call(self, actor: Actor) -> None:
        """Note that an actor makes its step now."""

    def loses_call(self) -> bool:
        """Tell whether the request never arrives."""

    def loses_answer(self) -> bool:
        """Tell whether the effect happens and its answer gets lost."""


class Link(Barrier):
    """An actor's connection: all three ports, each call a step of its own."""

    def __init__(self, actor: Actor, store: SimulatedStore, losses: Losses) -> None:
        self._actor = actor
        self._store = store
        self._losses = losses

    def _step(self, step: str, request: object, call: Callable[[], Answer]) -> Answer:
        actor = self._actor
        actor.give_way(step, request)
        try:
            return self._made(step, request, call)
        finally:
            actor.has_made_step()

    def _made(self, step: str, request: object, call: Callable[[], Answer]) -> Answer:
        actor, world = self._actor, self._actor.world
        if actor.is_cut or self._losses.loses_call():
            actor.is_cut = False
            world.log(actor.name, f"{step}: no connection")
            raise StoreUnavailable("the connection broke before the request was sent")
        self._losses.before_call(actor)
        answer = call()
        if world.is_heard:
            world.log(actor.name, f"{step} {brief(request)} -> {brief(answer)}")
        if self._losses.loses_answer():
            world.log(actor.name, f"{step}: its answer is lost")
            raise StoreUnavailable("the connection broke before the answer came")
        return answer

    def open(
        self, *, run: str, owner: str, kind: Literal["produce", "collect"]
    ) -> units.OpenAnswer:
        """See the ports."""
        return self._step(
            "open",
            (run, owner, kind),
            lambda: self._store.open(run=run, owner=owner, kind=kind),
        )

    def read_ids(self, fields: Sequence[str]) -> Sequence[str | None]:
        """See the ports."""
        return self._step("read_ids", fields, lambda: self._store.read_ids(fields))

    def append(self, request: units.AppendRequest) -> units.AppendAnswer:
        """See the ports."""
        return self._step("append", request, lambda: self._store.append(request))

    def finish(self, *, run: str, owner: str, lines: int) -> units.FinishAnswer:
        """See the ports."""
        return self._step(
            "finish",
            (run, owner, lines),
            lambda: self._store.finish(run=run, owner=owner, lines=lines),
        )

    def take(self, request: units.TakeRequest) -> units.TakeAnswer:
        """See the ports."""
        return self._step("take", request, lambda: self._store.take(request))

    def load(self, request: units.LoadRequest) -> units.LoadAnswer:
        """See the ports."""
        return self._step("load", request, lambda: self._store.load(request))

    def commit(self, request: units.CommitRequest) -> units.CommitAnswer:
        """See the ports."""
        return self._step("commit", request, lambda: self._store.commit(request))

    def fail(self, request: units.FailRequest) -> units.FailAnswer:
        """See the ports."""
        return self._step("fail", request, lambda: self._store.fail(request))

    def resume(self, request: halts.ResumeRequest) -> halts.ResumeAnswer:
        """See the ports."""
        return self._step("resume", request, lambda: self._store.resume(request))

    def end_shift(self, *, shift: str, worker: str, forced: bool) -> units.EndAnswer:
        """See the ports."""
        return self._step(
            "end_shift",
            (shift, forced),
            lambda: self._store.end_shift(shift=shift, worker=worker, forced=forced),
        )

    def tick(self, *, worker: str) -> units.TickAnswer:
        """See the ports."""
        return self._step("tick", (worker,), lambda: self._store.tick(worker=worker))

    def read(self, *, run: str, after: str, wait_ms: int, count: int) -> units.ReadAnswer:
        """See the ports; waits before the step, as a blocking read does."""
        if wait_ms and not self.has_news(run, after):
            self._actor.wait(wait_ms * 1000, lambda: self.has_news(run, after))
        return self._step(
            "read",
            (run, after),
            lambda: self._store.read(run=run, after=after, wait_ms=wait_ms, count=count),
        )

    def has_news(self, run: str, after: str) -> bool:
        """Tell whether a blocking read behind an entry would return; no step of its own."""
        there = self._store.state.runs.get(run)
        return bool(
            there and there.replies and entry_order(there.replies[-1].id) > entry_order(after)
        )

    def ack(self, *, run: str, owner: str, entry: str, written: int) -> units.AckAnswer:
        """See the ports."""
        return self._step(
            "ack",
            (run, entry, written),
            lambda: self._store.ack(run=run, owner=owner, entry=entry, written=written),
        )
