"""Money: US dollars as whole cents, and the grammar an amount is written in.

Lives here: the reading of an amount text (`rules.md` section 1, row 6). Not here: limits and
multipliers (`ruleset.py`, `features.py`).

1. Money is an integer number of cents from the first moment on; no float is ever made of it.
2. There is no sign in the grammar, so a negative amount cannot be read.
"""

from __future__ import annotations

import re
from typing import Final

_AMOUNT: Final = re.compile(r"(?:USD\$|\$USD|USD|\$)?([0-9]{1,15})\.([0-9]{2})")


def cents_of(text: str) -> int | None:
    """Return the cents an amount text stands for, or None when it is not in the grammar.

    White space may stand anywhere and is dropped first: `str.split` cuts at exactly the characters
    that `str.isspace` is true for.
    """
    found = _AMOUNT.fullmatch("".join(text.split()))
    if found is None:
        return None
    return int(found[1] + found[2])
