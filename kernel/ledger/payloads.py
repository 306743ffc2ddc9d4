"""What travels between the nodes: kinds, payloads, and the views that nodes read through.

A payload is a NamedTuple of parallel columns; a column is never changed once its envelope was given
away. Here: shapes only. Not here: what a node does with them (`*_nodes.py`), how a column is stored
(the adapters' codec), the shape of a batch of attempts (`kernel.domain.batch`).
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple, Protocol

from kernel.domain.batch import Batch
from kernel.domain.columns import Attempts
from kernel.domain.decide import Decided
from kernel.domain.gate import Gate
from kernel.domain.identity import Classified
from kernel.domain.windows import Windows

# ----------------------------------------------------------------------------------------- kinds

CHUNK = "chunk"
ATTEMPTS = "attempts"
DECLINED = "declined"
CLASSIFIED = "classified"
BATCH = "batch"
FEATURED = "featured"
DECIDED = "decided"
ROWS = "rows"

# -------------------------------------------------------------------------------------- payloads


class Chunk(NamedTuple):
    """Consecutive whole lines of a run; `first_line` counts from 1."""

    run: str
    first_line: int
    raw: bytes


class ParsedChunk(NamedTuple):
    """A chunk's attempts; `lines` counts its physical lines, bad ones included."""

    chunk: Chunk
    attempts: Attempts
    lines: int


class ClassifiedChunk(NamedTuple):
    """A chunk's attempts with their classes; `primes` is None while the gate is off."""

    chunk: Chunk
    attempts: Attempts
    fields: Sequence[str]
    classified: Classified
    primes: Sequence[bool] | None


class Featured(NamedTuple):
    """A batch with the amounts that limits are compared with."""

    batch: Batch
    effective: Sequence[int]


class Answers(NamedTuple):
    """Answers to lines of one run, not always contiguous.

    `cents_accepted` is the raw sum of the accepted; `plain` says that all ids are digits only.
    """

    run: str
    lines: Sequence[int]
    ids: Sequence[str]
    customers: Sequence[str]
    codes: bytes | bytearray
    cents_accepted: int
    plain: bool


class DecidedTurn(NamedTuple):
    """What a turn decided, and its answers by run; the collector knows the answers alone."""

    decided: Decided | None
    answers: tuple[Answers, ...]


class Rows(NamedTuple):
    """Output rows of a run: one for each line, empty for a dropped one; codes for the audit."""

    run: str
    lines: Sequence[int]
    rows: Sequence[str]
    codes: Sequence[int]


# ----------------------------------------------------------------------------------------- views

IDS = "ids"
ORDER = "order"
STATE = "state"


class IdsView(Protocol):
    """The registry of ids."""

    def read(self, fields: Sequence[str]) -> Sequence[str | None]:
        """Return for each field the fingerprint that owns it, or None."""


class OrderView(Protocol):
    """Where a chunk stands in the ledger's order, as far as that is known before the append.

    In the fleet the append script numbers the lines, so both answers are place-holders there.
    """

    def base(self) -> int:
        """Return the sequence number of the chunk's first line; 0 when the append gives it."""

    def last_candidate(self, day: int) -> int:
        """Return the day's last candidate before the chunk; 0: none, -1: the append fills it in."""


class State(NamedTuple):
    """What decisions rest on, read in one atomic step. The windows become the reader's own."""

    windows: Windows
    gates: dict[int, Gate]
    skipped: Container[int]


class StateView(Protocol):
    """Windows, gates and skip notes."""

    def read(self, batch: Batch) -> State:
        """Return the state that the batch's decisions need."""
