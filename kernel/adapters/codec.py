"""Columns to sealed bytes and back: batches on partition logs, answers on reply channels, windows.

Bodies are msgpack arrays of one field a column; columns of numbers are packed little-endian arrays,
columns of digits one comma-joined text. Encoding is paid once a batch. What is inside the seal and
what the append script writes beside it: `protocol.md`, section 4. Nothing is decoded before its
seal is checked, and nothing is believed before its shape is.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Final, Literal, TypeVar

import msgspec

from kernel.domain.batch import CANDIDATE, Batch
from kernel.domain.decision import DROPPED, PARSE_REASONS
from kernel.domain.windows import RECORD_LENGTH, Windows
from kernel.engine.keyring import Keys
from kernel.engine.sealing import Seals
from kernel.errors import Misshapen, SealBroken, Undecodable, WrongPosition
from kernel.ledger.merge import LoggedBatch
from kernel.ledger.payloads import Answers
from kernel.ledger.record import LedgerRecord
from kernel.ledger.units import STAMP_DIGITS, BatchOut, Entry, Reply

assert sys.byteorder == "little", "columns of numbers are packed as this machine keeps them"


class _BatchBody(msgspec.Struct, array_like=True, frozen=True):
    run: str
    partition: int
    digest: str
    token: int
    first_line: int
    attempts: int
    offsets: bytes
    ids: str
    customers: str
    cents: bytes
    days: bytes
    flags: bytes
    preds: list[int]


class _AnswersBody(msgspec.Struct, array_like=True, frozen=True):
    run: str
    token: int
    lines: bytes
    ids: str
    customers: str
    codes: bytes


Body = TypeVar("Body")

_OPEN_PRED: Final = -1
_encode = msgspec.msgpack.Encoder().encode
_decode_batch = msgspec.msgpack.Decoder(_BatchBody).decode
_decode_answers = msgspec.msgpack.Decoder(_AnswersBody).decode
_decode_record = msgspec.msgpack.Decoder(list[int]).decode


class Codec:
    """Encodes and seals for one ledger; the seal binds name and incarnation."""

    def __init__(self, ledger: str, record: LedgerRecord, keys: Keys) -> None:
        self.seals = Seals(keys, ledger=ledger, incarnation=record.incarnation)
        self._digest = record.digest

    def batch_out(self, batch: Batch, token: int) -> BatchOut:
        """Seal one partition's batch of a chunk; its sequence numbers are offsets in the chunk."""
        partition = batch.partitions[0]
        offsets = batch.seqs
        body = _BatchBody(
            batch.run_names[0],
            partition,
            self._digest,
            token,
            batch.lines[0] - offsets[0],
            len(offsets),
            array("I", offsets).tobytes(),
            ",".join(batch.ids),
            ",".join(batch.customers),
            array("q", batch.cents).tobytes(),
            array("i", batch.days).tobytes(),
            bytes(batch.flags),
            list(batch.preds.values()),
        )
        open_days: tuple[int, ...] = ()
        if batch.preds:
            preds = batch.preds
            open_days = tuple(
                day
                for offset, day in zip(offsets, batch.days, strict=True)
                if preds.get(offset) == _OPEN_PRED
            )
        sealed = self.seals.seal("batch", _encode(body))
        return BatchOut(partition, len(offsets), sealed, open_days)

    def logged(self, partition: int, entry: Entry) -> LoggedBatch:
        """Open an entry of a partition log and number its attempts.

        Raises:
            SealBroken: it is not what a producer of this ledger wrote.
            WrongPosition: it is, but for another place.
        """
        body = read_body("batch", _decode_batch, self.seals.open("batch", entry.sealed))
        if body.partition != partition or body.digest != self._digest:
            raise WrongPosition("a batch lies in the log of another partition or rule set")
        check_token(entry.id, body.token)
        offsets = _numbers("I", body.offsets)
        cents = _numbers("q", body.cents)
        days = _numbers("i", body.days)
        ids = body.ids.split(",")
        customers = body.customers.split(",")
        sizes = {len(column) for column in (offsets, ids, customers, cents, days, body.flags)}
        if sizes != {body.attempts}:
            raise Misshapen("the columns of a batch are not of one length")
        base = entry.base
        seqs = [base + offset for offset in offsets]
        return LoggedBatch(
            body.run,
            seqs,
            [body.first_line + offset for offset in offsets],
            ids,
            customers,
            cents,
            days,
            body.flags,
            _numbered(body, seqs, entry),
        )

    def answers_out(self, answers: Answers, token: int) -> bytes:
        """Seal answers to one run: a producer's own declined lines, or what a turn decided."""
        if answers.plain:
            ids, customers = ",".join(answers.ids), ",".join(answers.customers)
        else:
            ids, customers = json.dumps(list(answers.ids)), json.dumps(list(answers.customers))
        lines = array("Q", answers.lines).tobytes()
        body = _AnswersBody(answers.run, token, lines, ids, customers, bytes(answers.codes))
        return self.seals.seal("reply" if answers.plain else "declined", _encode(body))

    def answers(self, run: str, reply: Reply) -> Answers:
        """Open an entry of a run's reply channel.

        Raises:
            SealBroken: neither a worker nor the producer of this ledger wrote it.
            WrongPosition: it belongs to another run or another place.
        """
        plain = self.seals.kind_of(reply.sealed) == "reply"
        sealed = self.seals.open("reply" if plain else "declined", reply.sealed)
        body = read_body("reply", _decode_answers, sealed)
        ids, customers = (_names(column, plain=plain) for column in (body.ids, body.customers))
        if body.run != run:
            raise WrongPosition("answers of another run lie on this run's channel")
        check_token(reply.id, body.token)
        lines = _numbers("Q", body.lines)
        if {len(lines), len(ids), len(customers)} != {len(body.codes)}:
            raise Misshapen("the columns of an answer are not of one length")
        if not plain and any(code & ~DROPPED not in PARSE_REASONS for code in body.codes):
            raise Misshapen("a producer may only answer lines that failed to parse")
        return Answers(run, list(lines), ids, customers, body.codes, 0, plain)


def read_body(kind: str, decode: Callable[[bytes], Body], body: bytes) -> Body:
    """Decode what a good seal was around.

    Raises:
        Undecodable, Misshapen: whoever sealed it did not write what is read here.
    """
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise Misshapen(f"a {kind} under a good seal has a shape that none can have") from error
    except msgspec.DecodeError as error:
        raise Undecodable(f"a {kind} under a good seal cannot be decoded") from error


def _numbers(typecode: Literal["I", "Q", "i", "q"], packed: bytes) -> array[int]:
    """Unpack a column of numbers.

    Raises:
        Misshapen: it ends within a number.
    """
    column: array[int] = array(typecode)
    if len(packed) % column.itemsize:
        raise Misshapen("a column of numbers under a good seal ends within a number")
    column.frombytes(packed)
    return column


def _names(text: str, *, plain: bool) -> list[str]:
    """Unpack a column of ids: digits joined by commas, or where they may be anything, JSON.

    Raises:
        Undecodable, Misshapen: it is no list of texts.
    """
    if plain:
        return text.split(",")
    try:
        names: list[str] = json.loads(text)  # not msgspec's reader: an id may hold half a surrogate
    except ValueError as error:
        raise Undecodable("the ids of an answer under a good seal cannot be decoded") from error
    if type(names) is not list or not all(isinstance(name, str) for name in names):
        raise Misshapen("the ids of an answer under a good seal are no list of texts")
    return names


def _numbered(body: _BatchBody, seqs: Sequence[int], entry: Entry) -> dict[int, int]:
    """Return candidate -> predecessor: by the seal inside the chunk, else as the script wrote."""
    if not body.preds:
        return {}
    beside = iter(entry.preds.split(",") if entry.preds else ())
    candidates = compress(seqs, (flag & CANDIDATE for flag in body.flags))
    try:
        preds = {
            seq: int(next(beside)) if pred == _OPEN_PRED else entry.base + pred
            for seq, pred in zip(candidates, body.preds, strict=True)
        }
    except (ValueError, StopIteration, RuntimeError) as error:
        raise WrongPosition("a batch's candidates and their predecessors do not match") from error
    if next(beside, None) is not None:
        raise WrongPosition("a batch's candidates and their predecessors do not match")
    return preds


def check_token(entry_id: str, token: int) -> None:
    """Hold an entry's id to the sealed token: the script puts only its clock behind it.

    Raises:
        WrongPosition: the entry was written by another request.
    """
    written = entry_id.partition("-")[2]
    if written[:-STAMP_DIGITS] != str(token):
        raise WrongPosition("an entry is filed under an id that its seal does not know")


def packed(records: Mapping[str, list[int]]) -> list[tuple[str, bytes]]:
    """Return customer-week records as they are stored."""
    return [(customer, _encode(record)) for customer, record in records.items()]


def unpacked(customers: Sequence[str], stored: Sequence[bytes | None]) -> dict[str, list[int]]:
    """Return the records that exist, by customer.

    Raises:
        SealBroken: a record has a shape that none can have.
    """
    try:
        found = {
            customer: _decode_record(record)
            for customer, record in zip(customers, stored, strict=True)
            if record is not None
        }
    except msgspec.DecodeError as error:
        raise SealBroken("a window record has a shape that none can have") from error
    if any(len(record) != RECORD_LENGTH for record in found.values()):
        raise SealBroken("a window record has a length that none can have")
    return found


def windows_of(
    asked: Mapping[int, Sequence[str]], stored: Mapping[int, Sequence[bytes | None]]
) -> Windows:
    """Return the windows that a load answered, by week and customer."""
    return {week: unpacked(customers, stored[week]) for week, customers in asked.items()}
