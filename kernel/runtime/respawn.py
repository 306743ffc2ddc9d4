"""Whether and when a process that died is started again. Pure: the time is an argument.

1. The pause doubles with each death in a row and begins anew once a process has lived long enough.
2. Too many deaths in a short time are a crash loop: starting it again would only repeat it.
3. A death that is no fault of the process (Redis is away) makes the pause longer, but no loop.
"""

from __future__ import annotations

from collections import deque

PAUSE_S = 0.1
PAUSE_S_MAX = 5.0
LOOP_DEATHS = 5
LOOP_S = 10.0


class Respawn:
    """The deaths of one post."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=LOOP_DEATHS)
        self._pause_s = PAUSE_S

    def after_death(self, now_s: float, *, lived_s: float, counts: bool) -> float | None:
        """Return the pause before the next start, None for a crash loop.

        Args:
            now_s: When it died, or when that was noticed.
            lived_s: How long it had lived.
            counts: False when the death is no fault of its own.
        """
        if lived_s >= LOOP_S:
            self._pause_s = PAUSE_S
        if counts:
            self._deaths.append(now_s)
            if len(self._deaths) == LOOP_DEATHS and now_s - self._deaths[0] <= LOOP_S:
                return None
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, PAUSE_S_MAX)
        return pause_s
