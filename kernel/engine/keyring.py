"""Master keys: what is derived from them, how they are named, and who hands them out.

Here: the derivation (RFC 5869), the id that every message bears, keys that never change. Not here:
key files (`kernel.adapters.files.keyfile`), and what is sealed with a derived key (`sealing.py`).

A ring is a tuple of masters, oldest first: all of them verify, the last one signs.
"""

from __future__ import annotations

import hmac
from typing import Final, Protocol

from kernel.errors import SealBroken

KEY_BYTES: Final = 32
#: Part of every message. Ids are told apart by a person too, so they are short.
KEY_ID_BYTES: Final = 4

Ring = tuple[bytes, ...]


class Keys(Protocol):
    """Hands out the ring, which may change while a process runs."""

    def ring(self) -> Ring:
        """Return what is known now: the same object for as long as nothing has changed."""

    def read_again(self) -> Ring:
        """Return the ring after a look at where it comes from: a message bears an unknown id."""


class FixedKeys:
    """One master for a whole life: a throw-away ledger's, or one that lies in a record."""

    def __init__(self, master: bytes) -> None:
        """Take the master.

        Raises:
            SealBroken: it has the wrong length (it is not shown).
        """
        if len(master) != KEY_BYTES:
            raise SealBroken(f"a master key has {KEY_BYTES} bytes, this one does not")
        self._ring: Ring = (master,)

    def ring(self) -> Ring:
        """Return the one."""
        return self._ring

    def read_again(self) -> Ring:
        """Return the one: there is nowhere to look."""
        return self._ring


def derived_key(master: bytes, context: str) -> bytes:
    """Return 32 bytes for one purpose: HKDF-SHA256 without salt, one block of output."""
    extracted = hmac.digest(bytes(KEY_BYTES), master, "sha256")
    return hmac.digest(extracted, context.encode() + b"\x01", "sha256")


def key_id(master: bytes) -> bytes:
    """Return what a master is called in messages and lists; tells nothing about its bytes."""
    return derived_key(master, "fundload key id")[:KEY_ID_BYTES]
