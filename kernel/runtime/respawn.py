"""Whether and when a process that died is started again. Pure: how long it lived is an argument.

1. The pause doubles with each death in a row and begins anew once a process has lived long enough.
2. Too many short lives in a row are a crash loop: starting it again would only repeat it. Lives are
   looked at, not deaths in a time, so that a slow host, on which each start takes long, ends too.
3. A death that is no fault of the process (Redis is away) makes the pause longer, but no loop.
"""

from __future__ import annotations

PAUSE_S = 0.1
PAUSE_S_MAX = 5.0
LOOP_DEATHS = 5
#: A life of this length is no part of a loop.
LONG_S = 10.0


class Respawn:
    """The deaths of one post."""

    def __init__(self) -> None:
        self._deaths = 0
        self._pause_s = PAUSE_S

    def after_death(self, *, lived_s: float, counts: bool) -> float | None:
        """Return the pause before the next start, None for a crash loop.

        Args:
            lived_s: How long it had lived.
            counts: False when the death is no fault of its own.
        """
        if lived_s >= LONG_S:
            self._deaths, self._pause_s = 0, PAUSE_S
        self._deaths += counts
        if self._deaths >= LOOP_DEATHS:
            return None
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, PAUSE_S_MAX)
        return pause_s
