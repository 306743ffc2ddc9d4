"""Each field of what crosses Redis, changed: refused by its own check, and nothing of it decoded.

Two hands change things here. One has no key: whatever field he changes, the seal does not hold. The
other has the key, as a process of ours with a bug would: then the shape and the place must tell.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest

from kernel.adapters.acts import opened_act, sealed_act
from kernel.adapters.codec import Codec
from kernel.domain.batch import CANDIDATE, Batch
from kernel.engine.keyring import FixedKeys
from kernel.engine.sealing import SEALED_BYTES_MAX, SealKind, Seals
from kernel.errors import (
    IntegrityError,
    KeyUnknown,
    KindWrong,
    MacWrong,
    Misshapen,
    SealBroken,
    SizeWrong,
    Undecodable,
    VersionUnknown,
    WrongPosition,
)
from kernel.ledger.halts import Act
from kernel.ledger.payloads import Answers
from kernel.ledger.record import LedgerRecord
from kernel.ledger.units import Entry, Reply

MASTER: Final = bytes(range(32))
RECORD: Final = LedgerRecord("first", 4, "digest", "", "", MASTER.hex())
PARTITION: Final = 3
TOKEN: Final = 77
STAMP: Final = "0000000001"
RUN: Final = "monday"
BODY_AT: Final = 40
BATCH: Final = Batch(
    seqs=[0, 2],
    partitions=[PARTITION, PARTITION],
    runs=[0, 0],
    run_names=(RUN,),
    lines=[11, 13],
    ids=["17", "19"],
    customers=["5", "5"],
    cents=[100, 200],
    days=[730_120, 730_120],
    flags=[CANDIDATE, CANDIDATE],
    preds={0: -1, 2: 0},
)
PLAIN: Final = Answers(RUN, [11, 13], ["17", "19"], ["5", "5"], b"\x00\x01", 100, plain=True)
#: An answer of the producer: a line that it could not parse.
UNPARSED: Final = Answers(RUN, [12], ["x,y"], [""], b"\x01", 0, plain=False)
ACT: Final = Act("skip", PARTITION, 2, 1_000, f"2-{TOKEN}{STAMP}", 5, 1_700, "me@here", "broken")

BATCH_FIELDS: Final = (
    *("run", "partition", "digest", "token", "first_line", "attempts", "offsets", "ids"),
    *("customers", "cents", "days", "flags", "preds"),
)
ANSWERS_FIELDS: Final = ("run", "token", "lines", "ids", "customers", "codes")


def codec(master: bytes = MASTER) -> Codec:
    """Make the codec of a ledger."""
    return Codec("ours", RECORD, FixedKeys(master))


def seals() -> Seals:
    """Make the seals under it, for the hand that has the key."""
    return Seals(FixedKeys(MASTER), ledger="ours", incarnation=RECORD.incarnation)


def sealed_batch(kind: SealKind = "batch", body: bytes | None = None) -> bytes:
    """Return the batch of all cases, or another body under the same key."""
    whole = codec().batch_out(BATCH, TOKEN).sealed
    return whole if body is None else seals().seal(kind, body)


def open_batch(sealed: bytes, *, preds: str = "9", at: str = f"2-{TOKEN}{STAMP}") -> object:
    """Open it as a worker does, in its place."""
    return codec().logged(PARTITION, Entry(at, 1_000, preds, sealed))


def open_answers(sealed: bytes, *, at: str = f"2-{TOKEN}{STAMP}", run: str = RUN) -> object:
    """Open an answer as a collector does, in its place."""
    return codec().answers(run, Reply(at, sealed))


def field_changed(value: Any) -> Any:  # noqa: ANN401 - whatever msgpack holds
    """Return another value of the same type."""
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return [*value[:-1], value[-1] + 1]
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    return chr(ord(value[0]) ^ 1) + value[1:] if value else "1"


def with_field(sealed: bytes, index: int, change: Callable[[Any], Any]) -> bytes:
    """Return the body with one field changed."""
    fields: list[Any] = msgspec.msgpack.decode(sealed[BODY_AT:])
    before = fields[index]
    fields[index] = change(before)
    assert fields[index] != before
    return msgspec.msgpack.encode(fields)


SOURCES: Final[
    dict[str, tuple[Callable[[], bytes], Callable[[bytes], object], tuple[str, ...]]]
] = {
    "batch": (sealed_batch, open_batch, BATCH_FIELDS),
    "reply": (lambda: codec().answers_out(PLAIN, TOKEN), open_answers, ANSWERS_FIELDS),
    "declined": (lambda: codec().answers_out(UNPARSED, TOKEN), open_answers, ANSWERS_FIELDS),
    "control": (
        lambda: base64.b64decode(sealed_act(seals(), ACT)),
        lambda sealed: opened_act(seals(), base64.b64encode(sealed).decode()),
        Act._fields,
    ),
}
#: What stands in front of every body, and the check that notices.
HEADS: Final[tuple[tuple[str, Callable[[bytes], bytes], type[SealBroken]], ...]] = (
    ("cut off", lambda sealed: sealed[: BODY_AT - 1], SizeWrong),
    ("grown past all bounds", lambda sealed: sealed + bytes(SEALED_BYTES_MAX), SizeWrong),
    ("version", lambda sealed: b"FL2" + sealed[3:], VersionUnknown),
    ("kind", lambda sealed: sealed[:3] + b"X" + sealed[4:], KindWrong),
    ("key id", lambda sealed: sealed[:4] + bytes(4) + sealed[8:], KeyUnknown),
    ("mac", lambda sealed: sealed[:8] + bytes(32) + sealed[BODY_AT:], MacWrong),
    ("a byte more", lambda sealed: sealed + b"\0", MacWrong),
    ("a byte less", lambda sealed: sealed[:-1], MacWrong),
)


@pytest.mark.parametrize("name", SOURCES)
def test_what_nobody_touched_is_opened(name: str) -> None:
    """Or none of the refusals below would mean anything."""
    source, opens, fields = SOURCES[name]

    assert opens(source())
    assert len(msgspec.msgpack.decode(source()[BODY_AT:])) == len(fields)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(("change", "error"), [row[1:] for row in HEADS], ids=[r[0] for r in HEADS])
def test_a_head_that_was_changed_is_refused_by_its_own_check(
    name: str, change: Callable[[bytes], bytes], error: type[SealBroken]
) -> None:
    """In the order size, version, kind, key, MAC: the first that does not fit says so."""
    source, opens, _ = SOURCES[name]

    with pytest.raises(error) as refused:
        opens(change(source()))

    assert type(refused.value) is error


@pytest.mark.parametrize(
    ("name", "index"),
    [(name, index) for name, (_, _, fields) in SOURCES.items() for index in range(len(fields))],
    ids=[f"{name} {field}" for name, (_, _, fields) in SOURCES.items() for field in fields],
)
def test_a_field_changed_by_somebody_without_the_key_breaks_the_seal(name: str, index: int) -> None:
    """Each of them is under the MAC, with a good head in front of it."""
    source, opens, _ = SOURCES[name]
    sealed = source()

    with pytest.raises(MacWrong):
        opens(sealed[:BODY_AT] + with_field(sealed, index, field_changed))


#: A field, what becomes of it, and what is said when the seal holds nevertheless.
UNDER_A_GOOD_SEAL: Final[tuple[tuple[str, str, Any, type[IntegrityError]], ...]] = (
    ("batch", "partition", PARTITION + 1, WrongPosition),
    ("batch", "digest", "another", WrongPosition),
    ("batch", "token", TOKEN + 1, WrongPosition),
    ("batch", "run", 5, Misshapen),
    ("batch", "first_line", "11", Misshapen),
    ("batch", "attempts", 3, Misshapen),
    ("batch", "offsets", b"\0\0\0\0", Misshapen),
    ("batch", "offsets", b"\0\0\0\0\2\0\0", Misshapen),
    ("batch", "ids", "17", Misshapen),
    ("batch", "customers", "5,5,5", Misshapen),
    ("batch", "cents", bytes(24), Misshapen),
    ("batch", "cents", bytes(15), Misshapen),
    ("batch", "days", bytes(4), Misshapen),
    ("batch", "flags", bytes([CANDIDATE]), Misshapen),
    ("batch", "flags", bytes(2), WrongPosition),
    ("batch", "preds", [-1], WrongPosition),
    ("batch", "preds", [-1, -1], WrongPosition),
    ("batch", "preds", [0, 0], WrongPosition),
    ("reply", "run", "tuesday", WrongPosition),
    ("reply", "token", TOKEN + 1, WrongPosition),
    ("reply", "lines", bytes(8), Misshapen),
    ("reply", "lines", bytes(15), Misshapen),
    ("reply", "ids", "17", Misshapen),
    ("reply", "customers", "5,5,5", Misshapen),
    ("reply", "codes", b"\0", Misshapen),
    ("reply", "codes", "text", Misshapen),
    ("declined", "run", "tuesday", WrongPosition),
    ("declined", "token", TOKEN + 1, WrongPosition),
    ("declined", "lines", bytes(16), Misshapen),
    ("declined", "ids", "x,y", Undecodable),
    ("declined", "ids", '{"x": 1}', Misshapen),
    ("declined", "customers", "[5]", Misshapen),
    ("declined", "codes", b"\x00", Misshapen),
    ("declined", "codes", b"\x07", Misshapen),
    ("control", "what", "amend", Misshapen),
    ("control", "seq", "1000", Misshapen),
    ("control", "entry", 2, Misshapen),
)


@pytest.mark.parametrize(
    ("name", "field", "value", "error"),
    UNDER_A_GOOD_SEAL,
    ids=[f"{name} {field} {value!r}" for name, field, value, _ in UNDER_A_GOOD_SEAL],
)
def test_a_field_that_cannot_be_is_refused_under_a_good_seal_too(
    name: str, field: str, value: object, error: type[IntegrityError]
) -> None:
    """Decode, then shape, then place; never a crash."""
    source, opens, fields = SOURCES[name]
    kind: Any = name
    body = with_field(source(), fields.index(field), lambda _: value)

    with pytest.raises(error) as refused:
        opens(sealed_batch(kind, body))

    assert type(refused.value) is error


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", Undecodable),
        (b"\xc1", Undecodable),
        (msgspec.msgpack.encode({"run": RUN}), Misshapen),
        (msgspec.msgpack.encode([RUN]), Misshapen),
        (msgspec.msgpack.encode(None), Misshapen),
    ],
    ids=["empty", "no msgpack", "a map", "too few fields", "nothing"],
)
def test_a_body_that_is_none_is_refused_under_a_good_seal_too(
    name: str, body: bytes, error: type[SealBroken]
) -> None:
    """Whatever a process with the key may have sealed."""
    kind: Any = name

    with pytest.raises(error) as refused:
        SOURCES[name][1](sealed_batch(kind, body))

    assert type(refused.value) is error


@pytest.mark.parametrize(
    "opens",
    [
        lambda: open_batch(sealed_batch(), preds=""),
        lambda: open_batch(sealed_batch(), preds="9,9"),
        lambda: open_batch(sealed_batch(), preds="x"),
        lambda: open_batch(sealed_batch(), at=f"2-{TOKEN + 1}{STAMP}"),
        lambda: open_answers(codec().answers_out(PLAIN, TOKEN), at=f"2-{TOKEN + 1}{STAMP}"),
        lambda: open_answers(codec().answers_out(PLAIN, TOKEN), run="tuesday"),
        lambda: codec().logged(0, Entry(f"2-{TOKEN}{STAMP}", 1, "9", sealed_batch())),
    ],
    ids=["no preds", "a pred more", "no number", "batch id", "reply id", "run", "partition"],
)
def test_what_stands_beside_a_seal_has_to_fit_it(opens: Callable[[], object]) -> None:
    """Id, channel, log and predecessors are the script's; it is the seal that tells."""
    with pytest.raises(WrongPosition):
        opens()


def test_numbers_travel_in_the_widths_that_the_cases_above_cut_off() -> None:
    """A case that cuts a whole number off would test another check than it says."""
    assert [array(code).itemsize for code in "IqiQ"] == [4, 8, 4, 8]
