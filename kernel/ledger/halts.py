"""What an operator asks of a halted partition, and what is kept of it: requests, answers, audit.

Here: the values of the step `resume`, which is one atomic step as those in `units.py` are. Not
here: how a partition comes to be halted (`fail` in `units.py`), and how a skipped attempt is
decided (`kernel.domain.decide`).

1. A skip is a note at a position, never a move of the cursor or of a day's front: the attempt is
   declined when its turn comes, so that it settles its gate like any other (scheduling.md, hole 7).
2. A halted partition goes on under a new halt token, which refuses whoever decided its head before.
3. What is skipped is what was looked at: cursor and entry are compared, or a tail that was lost
   meanwhile could put another attempt into its place.
4. An act is sealed, and counts once and for a while: the store remembers its token for as long as
   it counts. The seal is opened by the worker that is to skip, and by whoever reads the audit.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

#: Acts that the audit of a ledger keeps; older ones are dropped.
AUDIT_MAX = 1_000
#: How long an act counts once it is asked for: longer than a store that is away is waited for.
ACT_MS = 120_000


class Act(NamedTuple):
    """What an operator seals: all that the act is about, and `token`, which no other act has."""

    what: Literal["resume", "skip"]
    partition: int
    position: int
    seq: int
    entry: str
    token: int
    asked_ms: int
    who: str
    reason: str


class SkipNote(NamedTuple):
    """The head attempt is to be answered as skipped; why is for the audit.

    `entry` is the id of the batch that it was seen in, so that no other one is skipped for it.
    """

    seq: int
    reason: str
    entry: str


class ResumeRequest(NamedTuple):
    """Let a partition that is halted at `cursor` go on; `note` is about the attempt there.

    `asked_ms` is the store's time when it was asked for, `sealed` the whole as an `Act`.
    """

    partition: int
    cursor: int
    token: int
    who: str
    note: SkipNote | None = None
    asked_ms: int = 0
    sealed: str = ""


Resumed = Literal[
    "RESUMED", "ALREADY", "STALE", "REPLAYED", "BEHIND", "NOT_HALTED", "OTHER_HEAD", "GONE"
]


class ResumeAnswer(NamedTuple):
    """RESUMED: it is ready. ALREADY: by this very request. BEHIND: halted, but elsewhere.

    OTHER_HEAD: halted there, but before another attempt than the one to be skipped. STALE: asked
    for too long ago. REPLAYED: done before, and something else since.
    """

    status: Resumed
    ring: bool = False


class AuditEntry(NamedTuple):
    """One act: when, who, what, where, which attempt (0 = none), why; and why it was halted."""

    at_ms: int
    who: str
    what: Literal["resume", "skip"]
    partition: int
    position: int
    seq: int
    reason: str
    halted: str
    sealed: str
