"""The ingress unit of work: what a chunk gave, as one append request.

The nodes read through the two views here. In the fleet the append script hands out sequence
numbers and each day's last candidate, so the order view answers with place-holders; the registry
view remembers what it showed, because the script compares exactly that (the read set).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kernel.adapters.codec import Codec
from kernel.adapters.files.source import SourceChunk
from kernel.domain.batch import Batch
from kernel.engine.envelope import Envelope
from kernel.engine.runner import Runner, RunResult
from kernel.ledger.payloads import (
    BATCH,
    CHUNK,
    CLASSIFIED,
    DECLINED,
    IDS,
    ORDER,
    Answers,
    Chunk,
    ClassifiedChunk,
)
from kernel.ledger.ports import IngressPort
from kernel.ledger.units import AppendRequest, DeclinedOut


class RunSeat(NamedTuple):
    """Whose lines these are, and by which rules they are classified."""

    run: str
    owner: str
    digest: str


class FleetOrder:
    """The `order` view of the fleet: the append script numbers, so these are place-holders."""

    def base(self) -> int:
        """Return 0: sequence numbers are offsets in the chunk until the append."""
        return 0

    def last_candidate(self, day: int) -> int:
        """Return -1: the script writes the day's last candidate beside the batch."""
        del day
        return -1


class RegistryView:
    """The `ids` view of one try: reads once, and keeps what was found to have an owner."""

    def __init__(self, port: IngressPort) -> None:
        self._port = port
        self.owned: list[tuple[str, str]] = []

    def read(self, fields: Sequence[str]) -> Sequence[str | None]:
        """Return who owns the fields."""
        owners = self._port.read_ids(fields)
        if owners.count(None) != len(owners):
            pairs = zip(fields, owners, strict=True)
            self.owned = list({field: owner for field, owner in pairs if owner is not None}.items())
        return owners


def append_request(
    *,
    seat: RunSeat,
    port: IngressPort,
    runner: Runner,
    codec: Codec,
    chunk: SourceChunk,
    token: int,
    after: str,
) -> AppendRequest:
    """Run the ingress nodes over a chunk on fresh views, and make of it one request.

    `after` is the tail that this producer's last append was answered with: the registry is read
    now, so later than that.

    Raises:
        StoreUnavailable: the registry could not be read.
        LedgerGone: the ledger is not there any more.
    """
    registry = RegistryView(port)
    envelope = Envelope(
        Chunk(seat.run, chunk.first_line, chunk.raw),
        CHUNK,
        trace_id=f"{seat.run}:{chunk.first_line}",
        reply_to=seat.run,
    )
    result = runner.run([envelope], views={IDS: registry, ORDER: FleetOrder()})
    chunk_classified: ClassifiedChunk = result.payloads(CLASSIFIED)[0]
    classified = chunk_classified.classified
    batches: list[Batch] = result.payloads(BATCH)
    return AppendRequest(
        run=seat.run,
        owner=seat.owner,
        token=token,
        position=chunk.first_line - 1,
        lines=chunk.lines,
        offset=chunk.offset_after,
        sha=chunk.digest_after,
        digest=seat.digest,
        new_fields=classified.new_fields,
        new_prints=classified.new_prints,
        owned=registry.owned,
        batches=[codec.batch_out(batch, token) for batch in batches],
        last_candidates=_last_candidates(batches),
        declined=_declined(result, codec, token),
        after=after,
    )


def _last_candidates(batches: Sequence[Batch]) -> dict[int, int]:
    """Return for each day with candidates the offset of the chunk's last one."""
    last: dict[int, int] = {}
    for batch in batches:
        preds = batch.preds
        if preds:
            for offset, day in zip(batch.seqs, batch.days, strict=True):
                if offset in preds and offset >= last.get(day, 0):
                    last[day] = offset
    return last


def _declined(result: RunResult, codec: Codec, token: int) -> DeclinedOut | None:
    declined: list[Answers] = result.payloads(DECLINED)
    if not declined:
        return None
    (answers,) = declined
    tally = {code: answers.codes.count(code) for code in set(answers.codes)}
    return DeclinedOut(len(answers.codes), codec.answers_out(answers, token), tally)
