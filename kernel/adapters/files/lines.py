"""Where to cut bytes into lines: the n-th line end, the first line that is too long.

Lives here: two searches over a block of bytes, fast because they look only where they must. Not
here: reading, hashing, waiting (`source.py`).
"""

from __future__ import annotations

from typing import Final

from kernel.domain.attempt import LINE_BYTES_MAX

#: What is handed on of a too long line: one byte more than the longest good line with its "\r".
KEPT_BYTES: Final = LINE_BYTES_MAX + 2
#: Every too long line covers at least one whole window of this size, aligned to its own size.
WINDOW_BYTES: Final = LINE_BYTES_MAX // 2


def end_of_line(text: bytearray, count: int, total: int) -> int:
    """Return the position behind the `count`-th of the `total` line ends in a text, not the last.

    Goes back from the end in growing strides, then halves the stride that holds the place: mostly a
    few kilobytes are looked at, because about as much was read as the chunk needs.
    """
    surplus = total - count  # line ends behind the place, so far below `high`
    high, stride = len(text), 4096
    while (above := text.count(b"\n", max(0, high - stride), high)) <= surplus:
        surplus -= above
        high -= stride
        stride *= 2
    low = max(0, high - stride)
    while surplus > 8:  # noqa: PLR2004 - stepping over a few is as fast as halving once more
        middle = (low + high) // 2
        above = text.count(b"\n", middle, high)
        if above <= surplus:
            surplus -= above
            high = middle
        else:
            low = middle
    for _ in range(surplus + 1):
        high = text.rfind(b"\n", 0, high)
    return high + 1


def start_of_long_line(text: bytearray, end: int) -> int:
    """Return where the first line longer than KEPT_BYTES starts before `end`, or -1.

    Looks for one line end in each window, which is found after some hundred bytes; only a window
    without any is looked at closely.
    """
    for at in range(0, end, WINDOW_BYTES):
        if text.find(b"\n", at, at + WINDOW_BYTES) < 0:
            start = text.rfind(b"\n", 0, at) + 1
            stop = text.find(b"\n", at)
            if (stop if stop >= 0 else len(text)) - start > KEPT_BYTES:
                return start
    return -1
