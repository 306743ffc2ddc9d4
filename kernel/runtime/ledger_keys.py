"""Whose keys a process seals with: a key file's, its supervisor's, or those in the ledger's record.

1. A ledger is made either with a key file (then its record names the first key, and holds no
   secret) or without (then its record holds the key). Which of the two is never changed, and a
   process that was told otherwise is refused: who can write Redis could else put a key of his own
   into the record.
2. A throw-away ledger's key is in no file and no record: the run that made it hands it out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kernel.adapters.files.keyfile import KeyFile
from kernel.engine.keyring import FixedKeys, Keys
from kernel.errors import KeysDiffer, Refused, SealBroken
from kernel.ledger.record import LedgerRecord
from kernel.runtime.bundle import Bundle


def given_keys(path: str | None, say: Callable[[str], None]) -> KeyFile | None:
    """Return the keys of `--keys`; None where it was not given.

    Raises:
        KeyFileUnusable: it cannot be used.
    """
    return None if path is None else KeyFile(Path(path), say)


def bundled_keys(bundle: Bundle, say: Callable[[str], None]) -> Keys:
    """Return the keys that a supervisor hands out: the secret itself, or the name of a file.

    Raises:
        KeyFileUnusable: it cannot be used.
    """
    if bundle.keys_file:
        return KeyFile(Path(bundle.keys_file), say)
    return FixedKeys(bytes.fromhex(bundle.master_key))


def keys_of(name: str, record: LedgerRecord, given: Keys | None) -> Keys:
    """Return the keys to work on a ledger with, once it is seen that they are its own.

    Raises:
        KeysDiffer: the ledger was made with another key file, with one, or with none.
        Refused: the ledger is a throw-away one, whose key is nowhere to be had.
        SealBroken: the key in the record is none.
    """
    if isinstance(given, KeyFile):
        _check_made_with(name, record, given)
    if given is not None:
        return given
    if record.key_id:
        raise KeysDiffer(
            f"ledger {name} was made with a key file (key {record.key_id}), and nothing secret is "
            "in Redis: give that file with --keys, or in FUNDLOAD_KEYS"
        )
    if record.is_throwaway:
        raise Refused(
            f"ledger {name} is a throw-away one: its key is only with the run that made it; use a "
            "named --ledger to work on one from several shells"
        )
    try:
        return FixedKeys(bytes.fromhex(record.master_key))
    except ValueError:
        raise SealBroken(f"the key in the record of ledger {name} is none") from None


def _check_made_with(name: str, record: LedgerRecord, given: KeyFile) -> None:
    if not record.key_id:
        raise KeysDiffer(
            f"ledger {name} was made without a key file, and that never changes: leave --keys out "
            "(and FUNDLOAD_KEYS), or use another --ledger"
        )
    if record.key_id not in given.ids:
        raise KeysDiffer(
            f"ledger {name} was made with key {record.key_id}, which is not one of '{given.path}': "
            "give the file that it was made with"
        )
