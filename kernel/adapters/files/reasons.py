"""The rows of the reasons file: why each line was answered as it was.

Lives here: one JSON object a line, `{"line":1,"id":"15887","answer":"declined","reason":"…"}`. Not
here: the reasons themselves (`kernel.domain.decision`) and the file that they go to (`output.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache

from kernel.domain.decision import answer_of, reason_of

_encode_text = json.JSONEncoder(ensure_ascii=False).encode


def reason_rows(lines: Iterable[int], ids: Iterable[str], codes: Iterable[int]) -> list[str]:
    """Return one row for each line, dropped ones too: here nothing is lost from sight."""
    return [
        f'{{"line":{line},"id":"{name}"{tail(code)}'
        if name.isalnum()
        else f'{{"line":{line},"id":{_encode_text(name)}{tail(code)}'
        for line, name, code in zip(lines, ids, codes, strict=True)
    ]


@cache
def tail(code: int) -> str:
    """Return what follows the id; there are as many of these as there are answer codes."""
    return f',"answer":"{answer_of(code)}","reason":"{reason_of(code).name}"}}\n'
