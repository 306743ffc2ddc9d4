"""Seals: whoever has the key opens what was sealed, and nobody opens anything else."""

from __future__ import annotations

import pytest

from kernel.engine.keyring import KEY_BYTES, FixedKeys, derived_key, key_id
from kernel.engine.sealing import SealKind, Seals
from kernel.errors import SealBroken

MASTER = bytes(range(KEY_BYTES))
BODY = b"one batch, or what becomes of it"


def seals(*, ledger: str = "ours", incarnation: str = "first", master: bytes = MASTER) -> Seals:
    """Make the seals of a ledger."""
    return Seals(FixedKeys(master), ledger=ledger, incarnation=incarnation)


@pytest.mark.parametrize("kind", ["batch", "reply", "declined", "control"])
def test_what_was_sealed_opens_and_says_its_kind(kind: SealKind) -> None:
    """Also in another process, which has only the key and the ledger's record."""
    sealed = seals().seal(kind, BODY)

    assert seals().open(kind, sealed) == BODY
    assert seals().kind_of(sealed) == kind


def test_a_bit_changed_anywhere_breaks_the_seal() -> None:
    """In the head, in the MAC or in the body: nothing is decoded of it."""
    sealed = seals().seal("batch", BODY)

    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(SealBroken):
            seals().open("batch", bytes(changed))


def test_a_body_cut_or_grown_breaks_the_seal() -> None:
    """A torn write is no shorter batch."""
    sealed = seals().seal("batch", BODY)

    for size in range(len(sealed)):
        with pytest.raises(SealBroken):
            seals().open("batch", sealed[:size])
    with pytest.raises(SealBroken):
        seals().open("batch", sealed + b"\0")


@pytest.mark.parametrize(
    "other",
    [
        seals(ledger="theirs"),
        seals(incarnation="second"),
        seals(master=bytes(KEY_BYTES)),
    ],
    ids=["another ledger", "another incarnation", "another key"],
)
def test_what_another_ledger_sealed_is_refused(other: Seals) -> None:
    """Also under the same key: name and incarnation are in what is derived from it."""
    with pytest.raises(SealBroken):
        seals().open("batch", other.seal("batch", BODY))


def test_an_answer_is_no_batch() -> None:
    """Each kind has a key of its own."""
    with pytest.raises(SealBroken):
        seals().open("batch", seals().seal("reply", BODY))


@pytest.mark.parametrize("sealed", [b"", b"FL1X" + bytes(40), b"FL2B" + bytes(40)])
def test_what_is_no_seal_at_all_is_refused(sealed: bytes) -> None:
    """Too short, of no known kind, of another version."""
    with pytest.raises(SealBroken):
        seals().open("batch", sealed)


def test_keys_are_derived_as_rfc_5869_says() -> None:
    """Its third test case: no salt, no context."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"

    assert derived_key(b"\x0b" * 22, "").hex() == expected


def test_no_two_kinds_and_no_two_ledgers_share_a_key() -> None:
    """Nor does the id, which everybody reads, say anything about one."""
    contexts = ["batch ours 1", "reply ours 1", "declined ours 1", "control ours 1", "batch ours 2"]
    keys = {derived_key(MASTER, f"fundload {context}") for context in contexts}

    assert len(keys) == len(contexts)
    assert not any(key.startswith(key_id(MASTER)) for key in keys)


def test_a_key_of_the_wrong_length_is_refused_and_not_shown() -> None:
    """A truncated key file is an error at the start, not weaker seals."""
    with pytest.raises(SealBroken) as refused:
        seals(master=b"secret")

    assert "secret" not in str(refused.value)
