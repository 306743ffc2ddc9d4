"""What producers and workers of the twins' machine remember: the small model behind the calls.

A request is plausible when it follows from what somebody was told earlier, however long ago that
was. So each run keeps its last append, each shift what it last held and read; going back in time
(a lost tail) takes nothing away from them, as it would not from a process.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.plausible import Line, Turn, append_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kernel.ledger.halts import ResumeRequest
    from kernel.ledger.units import (
        AppendRequest,
        CommitRequest,
        FailRequest,
        Held,
        LoadAnswer,
        Reply,
    )
    from tests.support.plausible import Wish

RUNS = ("r1", "r2")
OWNERS = ("a", "b")
WORKERS = ("w1", "w2")
#: Two name their worker, as those of real workers do; one does not.
SHIFTS = ("w1/a", "w2/b", "c")
#: In place of a parity: every attempt is accepted, not only the even or the odd ones.
ALL = 2
FIELDS = ("7", "11", "8", "9", "12", "13", "14", "15", "16", "17")


@dataclass
class Producer:
    """What the producer of a run believes."""

    run: str
    owner: str = OWNERS[0]
    position: int = 0
    tail: str = ""
    last: AppendRequest | None = None
    replies: list[Reply] = field(default_factory=list)


@dataclass
class Shift:
    """What a worker on a shift holds in memory."""

    name: str
    worker: str
    held: Sequence[Held] = ()
    loaded: LoadAnswer | None = None
    commit: CommitRequest | None = None
    fail: FailRequest | None = None


@dataclass
class Operator:
    """Who lets halted partitions go on; requests may have to be sent again."""

    asked: list[ResumeRequest] = field(default_factory=list)


class Fleet:
    """All of them, and the tokens they draw."""

    def __init__(self, digest: str, quota: int) -> None:
        self.digest = digest
        self.quota = quota
        self.producers = {run: Producer(run) for run in RUNS}
        self.shifts = {
            name: Shift(name, WORKERS[index % len(WORKERS)]) for index, name in enumerate(SHIFTS)
        }
        self.operator = Operator()
        self._tokens = itertools.count(1)

    def token(self) -> int:
        """Draw a token; different ones stand for random ones."""
        return next(self._tokens) * 7_919 % 2**30

    def chunk(
        self, run: str, lines: Sequence[Line | None], owners: Mapping[str, str | None]
    ) -> AppendRequest:
        """Return the next append of a run."""
        producer = self.producers[run]
        return append_request(
            lines,
            digest=self.digest,
            token=self.token(),
            run=run,
            owner=producer.owner,
            position=producer.position,
            owners=owners,
        )._replace(after=producer.tail)

    def decided(
        self, shift: Shift, *, limit: int, parity: int, wishes: Mapping[int, Wish]
    ) -> CommitRequest | None:
        """Return the commit of what a shift holds and has read, None when it has not read it."""
        loaded = shift.loaded
        if loaded is None:
            return None
        turn = Turn(
            [part for part in shift.held if part.partition in loaded.cursors],
            loaded,
            self.quota,
            lambda attempt: parity == ALL or attempt.seq % 2 == parity,
            limit,
        )
        return turn.request(
            shift=shift.name,
            worker=shift.worker,
            token=self.token(),
            digest=self.digest,
            wishes=wishes,
        )
