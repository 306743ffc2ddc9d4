"""Seals: what crosses a process boundary is signed, once a batch, over the exact bytes.

    sealed = "FL1" | kind (1) | key id (4) | HMAC-SHA256 (32) | body

The MAC covers everything but itself. Each kind has a key of its own, derived from a master key by
HKDF (RFC 5869) with the ledger's name and incarnation in the context: a batch cannot be passed off
as an answer, nor anything of one ledger as another's. Order of the checks, each with an error of
its own: size, version, kind, key id, MAC in constant time; only then is the body looked into.

Every key of the ring opens, the newest one seals. A message under an unknown id makes the ring be
read again, once, so keys may be changed while a fleet runs: whoever opens finds the key in the file
from which the one who sealed has it.
"""

from __future__ import annotations

import hmac
from typing import Final, Literal

from kernel.engine.keyring import KEY_ID_BYTES, Keys, Ring, derived_key, key_id
from kernel.errors import KeyUnknown, KindWrong, MacWrong, SizeWrong, VersionUnknown

SealKind = Literal["batch", "reply", "declined", "control"]

VERSION: Final = b"FL1"
#: More than any chunk gives; a larger one is refused before it is read.
SEALED_BYTES_MAX: Final = 16 * 1024 * 1024
_KIND_CODES: Final[dict[SealKind, bytes]] = {
    "batch": b"B",
    "reply": b"R",
    "declined": b"D",
    "control": b"C",
}
_ID_AT: Final = len(VERSION) + 1
_MAC_AT: Final = _ID_AT + KEY_ID_BYTES
_BODY_AT: Final = _MAC_AT + 32


class Seals:
    """Seals and opens the messages of one ledger."""

    def __init__(self, keys: Keys, *, ledger: str, incarnation: str) -> None:
        """Derive the keys of the ring.

        Args:
            keys: Who hands out the ring.
            ledger: The ledger's name.
            incarnation: The ledger's random id; a ledger made anew under the name is another one.
        """
        self._source = keys
        self._ledger, self._incarnation = ledger, incarnation
        self._adopt(keys.ring())

    def _adopt(self, ring: Ring) -> None:
        ledger, incarnation = self._ledger, self._incarnation
        self._ring = ring
        self._by_head = {
            VERSION + code + key_id(master): derived_key(
                master, f"fundload {kind} {ledger} {incarnation}"
            )
            for master in ring
            for kind, code in _KIND_CODES.items()
        }
        newest = key_id(ring[-1])
        self._heads = {kind: VERSION + code + newest for kind, code in _KIND_CODES.items()}

    def _look(self) -> None:
        """Adopt the ring if it has changed."""
        ring = self._source.ring()
        if ring is not self._ring:
            self._adopt(ring)

    def seal(self, kind: SealKind, body: bytes) -> bytes:
        """Return the body with its seal in front, under the newest key."""
        self._look()
        head = self._heads[kind]
        return head + hmac.digest(self._by_head[head], head + body, "sha256") + body

    def open(self, kind: SealKind, sealed: bytes) -> bytes:
        """Return the body of a message of this kind.

        Raises:
            SizeWrong, VersionUnknown, KindWrong, KeyUnknown, MacWrong: the check that failed;
                never says what was inside.
        """
        self._look()
        if not _BODY_AT <= len(sealed) <= SEALED_BYTES_MAX:
            raise SizeWrong(f"a sealed {kind} has an impossible size ({len(sealed)} bytes)")
        if not sealed.startswith(VERSION):
            raise VersionUnknown(f"a sealed {kind} is of another version than {VERSION.decode()}")
        if sealed[len(VERSION) : _ID_AT] != _KIND_CODES[kind]:
            raise KindWrong(f"a message that lies in the place of a {kind} is none")
        head, body = sealed[:_MAC_AT], sealed[_BODY_AT:]
        mac = hmac.digest(self._key_of(kind, head), head + body, "sha256")
        if not hmac.compare_digest(mac, sealed[_MAC_AT:_BODY_AT]):
            raise MacWrong(f"the seal of a {kind} does not fit its contents")
        return body

    def _key_of(self, kind: SealKind, head: bytes) -> bytes:
        key = self._by_head.get(head)
        if key is None:
            self._adopt(self._source.read_again())
            key = self._by_head.get(head)
        if key is None:
            raise KeyUnknown(
                f"a sealed {kind} bears the key id {head[_ID_AT:].hex()}, which is none of this "
                "ledger's; if that key is one of yours, bring its key file here"
            )
        return key

    def kind_of(self, sealed: bytes) -> SealKind:
        """Return what a message says it is; only `open` tells whether that is true.

        Raises:
            KindWrong: it is none of the kinds.
        """
        for kind, code in _KIND_CODES.items():
            if sealed[len(VERSION) : _ID_AT] == code:
                return kind
        raise KindWrong("a message is of no known kind")
