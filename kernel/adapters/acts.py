"""What operators do, as it crosses Redis: one sealed text an act, for notes and the audit.

Who may write to Redis could else give any attempt up, and in anybody's name. Lives here: the text
and back. Not here: what an act may say (`kernel.ledger.halts`), that it counts once and not for
ever (the script `resume`), and what becomes of an attempt that is skipped (the turn).
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from kernel.adapters.codec import read_body
from kernel.engine.sealing import Seals
from kernel.errors import Undecodable
from kernel.ledger.halts import Act, ResumeRequest, SkipNote

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Act).decode


def request_of(
    seals: Seals,
    place: tuple[int, int],
    token: int,
    who: str,
    note: SkipNote | None,
    asked_ms: int,
) -> ResumeRequest:
    """Return an operator's request with its seal.

    Args:
        seals: Of the ledger.
        place: Partition and cursor.
        token: Not used by any other request.
        who: Acts, for the audit.
        note: About the head, if it is to be skipped.
        asked_ms: The store's time.
    """
    seq, reason, entry = note or SkipNote(0, "", "")
    act = Act("skip" if note else "resume", *place, seq, entry, token, asked_ms, who, reason)
    return ResumeRequest(*place, token, who, note, asked_ms, sealed_act(seals, act))


def sealed_act(seals: Seals, act: Act) -> str:
    """Return an act as a text that only who has the ledger's keys can write."""
    return base64.b64encode(seals.seal("control", _encode(act))).decode("ascii")


def opened_act(seals: Seals, text: str) -> Act:
    """Return what a sealed act says.

    Raises:
        SealBroken: nobody with the ledger's keys wrote it.
    """
    try:
        sealed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Undecodable("an operator's act is not the text of a sealed one") from error
    return read_body("control", _decode, seals.open("control", sealed))
