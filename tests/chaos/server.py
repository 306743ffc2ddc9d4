"""The server in a storm: killed, away for a while, frozen, or back without its last second.

Here: what may happen to it and when it is due again. Not here: the process itself
(`tests.support.server`), and deciding what happens (`storm.py`).

1. Its tail is lost as a crash of the machine loses it: the append-only file is cut at any byte of
   the last second, in the middle of a command or of a script's effects if it comes so.
2. It is never cut back to before the ledger was made: a ledger that is gone is exit 5, by design.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque

from tests.support.server import Server

#: AOF everysec promises to lose no more.
TAIL_S = 1.0
NOTED_S = 0.1


class StormServer(Server):
    """One server; `look` brings it back when it is time."""

    def __init__(self) -> None:
        super().__init__()
        self._sizes: deque[tuple[float, int]] = deque()
        self._floor: int | None = None
        self._up_at = 0.0
        self._thaw_at = 0.0
        self._last_away = float("-inf")

    @property
    def is_well(self) -> bool:
        """Whether it answers, as far as anything done here goes."""
        return not (self._up_at or self._thaw_at)

    @property
    def can_lose_tail(self) -> bool:
        """Whether the ledger is on disk by now."""
        return self._floor is not None

    def was_away(self, seconds: float) -> bool:
        """Tell whether it was away at some time in the last seconds."""
        return not self.is_well or time.monotonic() - self._last_away <= seconds

    def keep_what_is_there(self) -> None:
        """From now on nothing lost reaches back to before this moment."""
        self._floor = self.hold_tail()

    def go_away(self, seconds: float) -> None:
        """Kill it; it is back after a while."""
        self.kill()
        self._thaw_at = 0.0
        self._up_at = time.monotonic() + seconds

    def lose_tail(self, share: float, seconds: float) -> int:
        """Kill it and cut off a share of its last second; return how many bytes that was."""
        assert self._floor is not None
        self.go_away(seconds)
        tail = self._tail()
        size = tail.stat().st_size
        now = time.monotonic()
        oldest = next((known for at, known in self._sizes if at >= now - TAIL_S), size)
        lost = int((size - max(oldest, self._floor)) * share)
        os.truncate(tail, size - lost)
        self._sizes.clear()
        return lost

    def freeze(self, seconds: float) -> None:
        """Stop it where it stands for a while."""
        os.kill(self.pid, signal.SIGSTOP)
        self._thaw_at = time.monotonic() + seconds

    def recover(self) -> None:
        """Bring it back now."""
        if self._up_at:
            self.start()
        if self._thaw_at:
            os.kill(self.pid, signal.SIGCONT)
        if not self.is_well:
            self._last_away = time.monotonic()
        self._up_at = self._thaw_at = 0.0

    def look(self) -> None:
        """Bring it back when it is time; note how much is on disk."""
        now = time.monotonic()
        due = self._up_at or self._thaw_at
        if due and now >= due:
            self.recover()
        elif self.is_well and (not self._sizes or now - self._sizes[-1][0] >= NOTED_S):
            self._sizes.append((now, self._tail().stat().st_size))
            while self._sizes[0][0] < now - 2 * TAIL_S:
                self._sizes.popleft()
