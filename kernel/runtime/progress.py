"""What is shown while a run goes on: how far it is, how fast, how much longer; all on stderr.

Here: the figures, the two screens (one live line on a terminal, now and then a plain line anywhere
else), and the words of other processes, each with the name of who said it. Not here: where the
figures come from.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kernel.runtime.verbs import say

if TYPE_CHECKING:
    from rich.progress import Progress

#: The rate is that of the last seconds.
WINDOW_S = 5.0
PLAIN_S = 2.0
LIVE_S = 0.25
MINUTE_S = 60
HOUR_S = 3600


class Figures(NamedTuple):
    """How far a run is; `total` and `left_s` are None while nobody knows."""

    done: int
    total: int | None
    is_exact: bool
    rate: float
    left_s: float | None

    def sentence(self) -> str:
        """Say it in one line."""
        total = ""
        if self.total is not None:
            total = f" of {'' if self.is_exact else 'about '}{self.total:,}"
        left = "" if self.left_s is None else f", {duration(self.left_s)} left"
        return f"{self.done:,}{total} lines decided, {self.rate:,.0f} lines/s{left}"


class Meter:
    """Turns counts into rates."""

    def __init__(self, estimate: int | None) -> None:
        """Take about how many lines there are, None when nobody knows."""
        self._estimate = estimate
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, now_s: float, done: int, total: int | None = None) -> Figures:
        """Return the figures at a time; `total` when it is known for certain."""
        self._seen.append((now_s, done))
        while now_s - self._seen[0][0] > WINDOW_S and self._seen[0] is not self._seen[-1]:
            self._seen.popleft()
        began_s, before = self._seen[0]
        rate = (done - before) / (now_s - began_s) if now_s > began_s else 0.0
        about = total if total is not None else self._estimate
        if about is not None and total is None:
            about = max(about, done)
        left_s = (about - done) / rate if about is not None and rate > 0 else None
        return Figures(done, about, total is not None, rate, left_s)


def duration(seconds: float) -> str:
    """Return a time in words, no finer than anybody needs."""
    whole = round(seconds)
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min {whole % MINUTE_S} s"
    return f"{whole // HOUR_S} h {whole % HOUR_S // MINUTE_S} min"


class Screen(Protocol):
    """Where a run shows itself. `every_s`: how often it wants figures."""

    every_s: float

    def line(self, text: str, who: str = "") -> None:
        """Show a line for good, with the name of the process that wrote it."""

    def show(self, figures: Figures) -> None:
        """Show how far the run is."""

    def close(self) -> None:
        """Leave only what was shown for good. Safe to repeat."""


class PlainScreen:
    """Lines only: for a file, a pipe, a log."""

    every_s = PLAIN_S

    def line(self, text: str, who: str = "") -> None:
        """Write a line."""
        say(tidied(text, who))

    def show(self, figures: Figures) -> None:
        """Write the figures as a line."""
        say(figures.sentence())

    def close(self) -> None:
        """Nothing is left over."""


class LiveScreen:
    """One line at the bottom that is written anew, and the others above it."""

    every_s = LIVE_S

    def __init__(self) -> None:
        self._progress = live_progress()
        self._row = self._progress.add_task("starting", total=None)
        self._progress.start()

    def line(self, text: str, who: str = "") -> None:
        """Write a line above the live one."""
        self._progress.console.print(tidied(text, who), markup=False, highlight=False)

    def show(self, figures: Figures) -> None:
        """Write the live line anew."""
        self._progress.update(
            self._row,
            description=figures.sentence(),
            total=figures.total,
            completed=figures.done,
            refresh=True,
        )

    def close(self) -> None:
        """Take the live line away."""
        self._progress.stop()


def live_progress() -> Progress:
    """Make the live line; rich is imported for a terminal only, because it costs a start."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        BarColumn(bar_width=20),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
        transient=True,
    )


def screen() -> Screen:
    """Return the screen that fits what stderr is."""
    return LiveScreen() if sys.stderr.isatty() else PlainScreen()


def tidied(text: str, who: str) -> str:
    """Return a line as it may be shown: nothing in it moves the cursor or rings a bell."""
    shown = "".join(c if c.isprintable() or c == "\t" else "?" for c in text)
    return f"{who} | {shown}" if who else shown


class Every:
    """Says now and then that it is time again."""

    def __init__(self, period_s: float, *, at_once: bool = False) -> None:
        """Begin a period; `at_once` when it is time already."""
        self._period_s = period_s
        self._next_s = time.monotonic() + (0 if at_once else period_s)

    def is_due(self) -> bool:
        """Say whether the period has passed, and begin a new one if so."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._period_s
        return True
