"""A producer and workers who do one step at a time, for scenes that a person can read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kernel.ledger.halts import ResumeRequest, SkipNote
from kernel.ledger.units import FailRequest, TakeRequest
from tests.support.plausible import Turn, append_request, reading_of

if TYPE_CHECKING:
    from kernel.adapters.memory.state import LedgerState
    from kernel.ledger.halts import ResumeAnswer
    from kernel.ledger.units import (
        AppendRequest,
        CommitAnswer,
        CommitRequest,
        FailAnswer,
        Held,
        LoadAnswer,
        Policy,
        TakeAnswer,
    )
    from tests.support.plausible import Line, Wish
    from tests.support.stages import Stage


class Actors:
    """Everybody around one ledger. Runs are opened when they are first appended to."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._tokens = itertools.count(101)
        stage.ledger.open(run="r1", owner="p", kind="produce")
        stage.ledger.open(run="r2", owner="p", kind="produce")

    @property
    def digest(self) -> str:
        """Digest of the rules in force."""
        return self.stage.state().record.digest

    def token(self) -> int:
        """Draw a token."""
        return next(self._tokens)

    def state(self) -> LedgerState:
        """Return everything that the store holds now."""
        return self.stage.state()

    def pass_lease(self) -> None:
        """Let every lease run out that is not renewed."""
        self.stage.clock.advance(1_000)

    def chunk(self, *lines: Line | None, run: str = "r1") -> AppendRequest:
        """Return the request for a run's next chunk, at the position where the run is."""
        fields = [line.field for line in lines if line is not None and line.field]
        owners = dict(zip(fields, self.stage.ledger.read_ids(fields), strict=True))
        return append_request(
            lines,
            digest=self.digest,
            token=self.token(),
            run=run,
            position=self.state().runs[run].position,
            owners=owners,
        )

    def append(self, *lines: Line | None, run: str = "r1") -> AppendRequest:
        """Append a chunk to a run, and return the request, to be sent again."""
        request = self.chunk(*lines, run=run)
        answer = self.stage.ledger.append(request)
        assert answer.status == "APPENDED", answer
        return request

    def resume(
        self,
        partition: int,
        *,
        skip: int = 0,
        entry: str = "",
        cursor: int | None = None,
        token: int | None = None,
        asked_ago_ms: int = 0,
    ) -> ResumeAnswer:
        """Let a partition go on where it is; `skip` is the number of the head to be given up."""
        part = self.state().parts[partition]
        seen = entry or (part.log[0].id if part.log else "1-1")
        return self.stage.ledger.resume(
            ResumeRequest(
                partition,
                part.cursor if cursor is None else cursor,
                self.token() if token is None else token,
                "me@here",
                SkipNote(skip, 'it is "broken" / ü', seen) if skip else None,
                self.stage.clock.now_ms - asked_ago_ms,
                f"sealed {skip}",
            )
        )

    def worker(self, name: str, *, accepts: bool = True) -> Worker:
        """Return a worker on a shift; `accepts` is how it answers everything."""
        return Worker(self, name, accepts=accepts)


class Worker:
    """One worker on one shift, and what it has in memory."""

    def __init__(self, act: Actors, name: str, *, accepts: bool) -> None:
        self.act = act
        self.name = name
        self.shift = f"{name}/shift"
        self.accepts = accepts
        self.held: Sequence[Held] = ()
        self.loaded: LoadAnswer | None = None

    def take(
        self, policy: Policy = "all", *, prefer: int | None = None, limit: int = 100
    ) -> TakeAnswer:
        """Take partitions."""
        preferred = () if prefer is None else (prefer,)
        answer = self.act.stage.ledger.take(
            TakeRequest(self.shift, self.name, limit, policy, preferred)
        )
        self.held = answer.held
        return answer

    def load(self) -> LoadAnswer:
        """Read what deciding needs."""
        self.loaded = self.act.stage.ledger.load(reading_of(self.held))
        return self.loaded

    def reads_what_it_took(self) -> bool:
        """Tell whether the last reading is of the cursors that were taken (rule 6)."""
        assert self.loaded is not None
        return all(self.loaded.cursors[part.partition] == part.cursor for part in self.held)

    def request(self, *, limit: int = 100, wish: Wish = "auto") -> CommitRequest:
        """Return the commit of what was taken, as decided on what was read."""
        assert self.loaded is not None
        quota = 1
        turn = Turn(self.held, self.loaded, quota, lambda _: self.accepts, limit)
        return turn.request(
            shift=self.shift,
            worker=self.name,
            token=self.act.token(),
            digest=self.act.digest,
            wishes={part.partition: wish for part in self.held},
        )

    def commit(self, *, limit: int = 100, wish: Wish = "auto") -> CommitAnswer:
        """Commit it."""
        return self.act.stage.ledger.commit(self.request(limit=limit, wish=wish))

    def turn(self, *, limit: int = 100, wish: Wish = "auto") -> CommitAnswer:
        """Take, read, decide, commit."""
        self.take()
        self.load()
        return self.commit(limit=limit, wish=wish)

    def fail(
        self,
        partition: int,
        *,
        fatal: bool = False,
        token: int | None = None,
        note: int | None = None,
    ) -> FailAnswer:
        """Say that the head of a partition raised."""
        part = next(part for part in self.held if part.partition == partition)
        return self.act.stage.ledger.fail(
            FailRequest(
                self.shift,
                self.act.token() if token is None else token,
                partition,
                part.cursor,
                part.entries[0].id,
                "it raised",
                fatal,
                note,
            )
        )
