"""Names in Redis. All of a ledger begins with `fl:{<ledger>}:`; the braces keep it in one slot."""

from __future__ import annotations

import re

from kernel.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

#: Sorted set of throw-away ledgers and the time until which their run says that it lives.
THROWAWAY = "fl:throwaway"


def check_name(name: str, what: str) -> str:
    """Return the name of a ledger or a run, or say what is allowed."""
    if _NAME.fullmatch(name) is None:
        msg = f"{what} {name!r}: use 1 to 64 of the characters A-Z a-z 0-9 . _ -"
        raise UsageError(msg)
    return name


def record(ledger: str) -> str:
    """Key of a ledger's record; the scripts derive all its other keys from it."""
    return f"fl:{{{ledger}}}:record"


def beside(ledger: str, name: str) -> str:
    """Key of another part of a ledger; the names are listed in `lua/shared.lua`."""
    return f"fl:{{{ledger}}}:{name}"


def rq_name(ledger: str) -> str:
    """Name of the RQ queue on which a ledger's shifts are asked for."""
    return f"fl-{ledger}"
