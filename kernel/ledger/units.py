"""What the units of work ask of the ledger's store and what they are told: requests and answers.

One request is one atomic step of the store (a Lua script on Redis, a method of the memory twin).
Plain values only; `kernel.adapters` answers. Positions count attempts of one partition, lines those
of one run, sequence numbers lines of the ledger; times are milliseconds since the epoch. Tokens are
random numbers below 2**30 (`TOKEN_BITS`); a repeat carries the token of the first try.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

#: Random bits of an entry id; the script puts its clock behind them (scheduling.md, hole 5).
TOKEN_BITS = 30
#: Digits of the server's microseconds behind it; they repeat every 2.8 hours.
STAMP_DIGITS = 10

StepKind = Literal["keep", "release", "park"]
StepOutcome = Literal["kept", "freed", "ready", "parked", "left"]
Policy = Literal["share", "all", "one"]


class OpenAnswer(NamedTuple):
    """OPENED: where the run stands. WAIT: leased to another until `deadline`. ABSENT: no run."""

    status: Literal["OPENED", "WAIT", "ABSENT", "GONE"]
    position: int = 0
    offset: int = 0
    sha: str = ""
    lines: int | None = None
    deadline: int = 0


class BatchOut(NamedTuple):
    """One partition's attempts of a chunk, sealed.

    `open_days` are the days whose first candidate of the chunk is in this batch, in its order: for
    each the script writes the day's last candidate beside the batch (scheduling.md, rule 1).
    """

    partition: int
    attempts: int
    sealed: bytes
    open_days: tuple[int, ...] = ()


class DeclinedOut(NamedTuple):
    """The answers to a chunk's lines that failed to parse, sealed; `tally` counts them by code."""

    answers: int
    sealed: bytes
    tally: Mapping[int, int]


class AppendRequest(NamedTuple):
    """All that one chunk gave. `owned` is the part of the read set that had an owner already.

    `after` is the tail that this producer's last append was answered with, "" if it knows none; the
    read set was read after that. While it is the ledger's tail nobody else has appended since, so
    the fields that were found free are free, and the store need not look each of them up again.
    """

    run: str
    owner: str
    token: int
    position: int
    lines: int
    offset: int
    sha: str
    digest: str
    new_fields: Sequence[str]
    new_prints: Sequence[str]
    owned: Sequence[tuple[str, str]]
    batches: Sequence[BatchOut]
    last_candidates: Mapping[int, int]
    declined: DeclinedOut | None = None
    after: str = ""


class AppendAnswer(NamedTuple):
    """APPENDED and ALREADY carry the first sequence number; REWOUND where the run really stands.

    `tail` of an APPENDED is the name of this append: token and server time, never given twice.
    """

    status: Literal["APPENDED", "ALREADY", "REWOUND", "FULL", "CONFLICT", "RULES", "CLOSED", "GONE"]
    base: int = 0
    ring: bool = False
    position: int = 0
    tail: str = ""


class FinishAnswer(NamedTuple):
    """FINISHED: the run record now names its line count."""

    status: Literal["FINISHED", "ALREADY", "REWOUND", "CLOSED", "GONE"]
    position: int = 0


class Entry(NamedTuple):
    """One batch as it lies in a partition log: `<end>-<token>`, and what stands beside the seal."""

    id: str
    base: int
    preds: str
    sealed: bytes

    @property
    def end(self) -> int:
        """Position after the entry's last attempt."""
        return int(self.id.split("-", 1)[0])


class Held(NamedTuple):
    """One partition that the shift holds: cursor, end of the log, halt token, entries at hand."""

    partition: int
    cursor: int
    end: int
    halt: str
    entries: tuple[Entry, ...]


class TakeRequest(NamedTuple):
    """Ask for partitions. `prefer`: which to take first; `limit` bounds the attempts."""

    shift: str
    worker: str
    limit: int
    policy: Policy
    prefer: tuple[int, ...] = ()


class TakeAnswer(NamedTuple):
    """What the shift holds now. `share`: how many it may keep; `ring`: enqueue one shift."""

    status: Literal["TAKEN", "GONE"]
    held: tuple[Held, ...] = ()
    share: int = 0
    ring: bool = False


class LoadRequest(NamedTuple):
    """The cursors, customer-weeks and days that a turn's decisions read, and whose lines it is."""

    partitions: Sequence[int]
    weeks: Mapping[int, Sequence[str]]
    days: Sequence[int]
    runs: Sequence[str] = ()


class LoadAnswer(NamedTuple):
    """One atomic read. Windows stay packed: `packed[week][i]` is the request's customer i."""

    status: Literal["LOADED", "GONE"]
    cursors: Mapping[int, int]
    packed: Mapping[int, Sequence[bytes | None]]
    gates: Mapping[int, tuple[int, int]]
    last_lines: Mapping[tuple[str, int], int]  # by run and partition, where one was decided
    notes: Mapping[tuple[int, int], str]  # by partition and position: acts of operators, sealed


class Move(NamedTuple):
    """A partition decided from `cursor` to `reach`; `entry`: the last entry decided from."""

    partition: int
    cursor: int
    reach: int
    entry: str
    halt: str


class SettledOut(NamedTuple):
    """A day's gate: the front it was decided on, the new front and how much is used."""

    day: int
    before: int
    front: int
    used: int


class ReplyOut(NamedTuple):
    """The answers of one commit to one run, sealed; sums are raw cents of accepted rows."""

    run: str
    answers: int
    sealed: bytes
    cents_accepted: int
    tally: Mapping[int, int]
    last_lines: Mapping[int, int]  # by partition, of those that they come from


class Step(NamedTuple):
    """What becomes of a held partition. Park names the gate, the cursor and the head entry."""

    partition: int
    kind: StepKind
    day: int = 0
    pred: int = 0
    cursor: int = 0
    entry: str = ""


class CommitRequest(NamedTuple):
    """One turn's whole effect, or only its next steps when nothing was decided."""

    shift: str
    worker: str
    token: int
    digest: str
    moves: Sequence[Move]
    windows: Mapping[int, Sequence[tuple[str, bytes]]]
    settled: Sequence[SettledOut]
    replies: Sequence[ReplyOut]
    steps: Sequence[Step]


class CommitAnswer(NamedTuple):
    """APPLIED: all of it; any other status: none of it (protocol.md, section 5)."""

    status: Literal["APPLIED", "ALREADY", "BEHIND", "REWOUND", "HALTED", "RULES", "GONE"]
    outcomes: tuple[StepOutcome, ...] = ()
    ring: bool = False


class FailRequest(NamedTuple):
    """The attempt at `cursor` raised, or (`fatal`) its batch cannot be trusted, or a `note`."""

    shift: str
    token: int
    partition: int
    cursor: int
    entry: str
    reason: str
    fatal: bool = False
    note: int | None = None


class FailAnswer(NamedTuple):
    """RETRY: counted. HALTED: the partition is halted now, or was. LOST: no longer the holder."""

    status: Literal["RETRY", "HALTED", "LOST", "BEHIND", "REWOUND", "GONE"]


class EndAnswer(NamedTuple):
    """CONTINUE: something is ready, the shift stays registered. ENDED: removed."""

    status: Literal["CONTINUE", "ENDED", "GONE"]
    ring: bool = False


class AckAnswer(NamedTuple):
    """ACKED: trimmed below the entry. REWOUND: that entry is gone. CLOSED: not the owner."""

    status: Literal["ACKED", "REWOUND", "CLOSED", "GONE"]


class TickAnswer(NamedTuple):
    """Counts of what was repaired; EARLY when a tick ran less than `tick_ms` ago."""

    status: Literal["TICKED", "EARLY", "GONE"]
    leases: int = 0
    listed: int = 0
    shifts: int = 0
    bells: int = 0
    ring: bool = False


class Reply(NamedTuple):
    """One entry of a run's reply channel."""

    id: str
    sealed: bytes


#: Stands in the record of a client's run where the digest of an input would: no input can have it.
SUBMITTED: Final = "submitted"


class RunView(NamedTuple):
    """A run's record as a plain read shows it; None in `lines` until the run is finished."""

    position: int
    answers: int
    written: int
    lines: int | None
    cents_accepted: int
    tally: Mapping[int, int]


class ReadAnswer(NamedTuple):
    """Replies after the position asked for, with the run's record from the same round trip."""

    status: Literal["READ", "ABSENT", "GONE"]
    run: RunView | None = None
    replies: tuple[Reply, ...] = ()
