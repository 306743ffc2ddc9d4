"""Seals: what crosses a process boundary is signed, once a batch, over the exact bytes.

    sealed = "FL1" | kind (1) | key id (4) | HMAC-SHA256 (32) | body

The MAC covers everything but itself. Each kind has a key of its own, derived from the ledger's
master key by HKDF (RFC 5869) with the ledger's name and incarnation in the context: a batch cannot
be passed off as an answer, nor anything of one ledger as another's. Order of the checks: size,
version, kind and key id, MAC in constant time; only then does anyone look into the body.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, Literal

from kernel.errors import SealBroken

SealKind = Literal["batch", "reply", "declined"]

VERSION: Final = b"FL1"
KEY_BYTES: Final = 32
#: More than any chunk gives; a larger one is refused before it is read.
SEALED_BYTES_MAX: Final = 16 * 1024 * 1024
_KIND_CODES: Final[dict[SealKind, bytes]] = {"batch": b"B", "reply": b"R", "declined": b"D"}
_ID_BYTES: Final = 4
_MAC_AT: Final = len(VERSION) + 1 + _ID_BYTES
_BODY_AT: Final = _MAC_AT + 32


def derived_key(master: bytes, context: str) -> bytes:
    """Return 32 bytes for one purpose: HKDF-SHA256 without salt, one block of output."""
    extracted = hmac.digest(bytes(KEY_BYTES), master, "sha256")
    return hmac.digest(extracted, context.encode() + b"\x01", "sha256")


class Seals:
    """Seals and opens the messages of one ledger."""

    def __init__(self, master: bytes, *, ledger: str, incarnation: str) -> None:
        """Derive the keys.

        Args:
            master: 32 secret bytes.
            ledger: The ledger's name.
            incarnation: The ledger's random id; a ledger made anew under the name is another one.

        Raises:
            SealBroken: the master key has the wrong length (it is not shown).
        """
        if len(master) != KEY_BYTES:
            raise SealBroken(f"a master key has {KEY_BYTES} bytes, this one does not")
        self._keys = {
            kind: derived_key(master, f"fundload {kind} {ledger} {incarnation}")
            for kind in _KIND_CODES
        }
        self._heads = {
            kind: VERSION + code + hashlib.sha256(self._keys[kind]).digest()[:_ID_BYTES]
            for kind, code in _KIND_CODES.items()
        }

    def seal(self, kind: SealKind, body: bytes) -> bytes:
        """Return the body with its seal in front."""
        head = self._heads[kind]
        return head + hmac.digest(self._keys[kind], head + body, "sha256") + body

    def open(self, kind: SealKind, sealed: bytes) -> bytes:
        """Return the body of a message of this kind.

        Raises:
            SealBroken: says which check failed, never what was inside.
        """
        if not _BODY_AT <= len(sealed) <= SEALED_BYTES_MAX:
            raise SealBroken(f"a sealed {kind} has an impossible size ({len(sealed)} bytes)")
        if not sealed.startswith(VERSION):
            raise SealBroken(f"a sealed {kind} is of another version than {VERSION.decode()}")
        head = self._heads[kind]
        if sealed[:_MAC_AT] != head:
            raise SealBroken(f"a message is no {kind} under this ledger's key")
        body = sealed[_BODY_AT:]
        mac = hmac.digest(self._keys[kind], head + body, "sha256")
        if not hmac.compare_digest(mac, sealed[_MAC_AT:_BODY_AT]):
            raise SealBroken(f"the seal of a {kind} does not fit its contents")
        return body

    def kind_of(self, sealed: bytes) -> SealKind:
        """Return what a message says it is; only `open` tells whether that is true.

        Raises:
            SealBroken: it is none of the kinds.
        """
        for kind, code in _KIND_CODES.items():
            if sealed[len(VERSION) : len(VERSION) + 1] == code:
                return kind
        raise SealBroken("a message is of no known kind")
