"""A post: a command that somebody types again whenever its process has died.

Here: starting, freezing, killing, and judging how a process ended. Not here: when that is done to
whom (`storm.py`).

1. A process may end by what was done to it, by being done, or, where it was started while no server
   answered, by exit code 4: a command says so at once and does not wait. Everything else breaks the
   storm, and so does a traceback, however the process ended.
2. It is started again by the same words, as a user would.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from kernel.errors import EXIT_DONE, EXIT_REDIS, EXIT_SIGTERM
from tests.support.fleet import Member

#: How long it takes to type the command again where no server answered.
PAUSE_S = 0.3
STOPS_S = 20.0
SAID_BYTES_SHOWN = 3_000


class Broken(Exception):
    """A promise was not kept; the text says which."""


class Post:
    """One command and its process of the moment."""

    def __init__(self, name: str, words: Sequence[str], folder: Path) -> None:
        self.name = name
        self.is_done = False
        self.starts = 0
        self._words = words
        self._folder = folder
        self._member: Member | None = None
        self._expected: set[int] = set()
        self._thaw_at = 0.0
        self._again_at = 0.0
        #: What every process of this post said when it had ended.
        self.last_words: list[str] = []

    @property
    def is_up(self) -> bool:
        """Whether a process is there, frozen or not."""
        return self._member is not None

    @property
    def is_frozen(self) -> bool:
        """Whether the process that is there is frozen."""
        return self._thaw_at > 0

    def start(self) -> None:
        """Type the command."""
        self.starts += 1
        said = self._folder / f"{self.name.replace(' ', '-')}.{self.starts}.said"
        self._expected = set()
        self._thaw_at = 0.0
        self._member = Member(
            self._words, said, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, variables={}
        )

    def kill(self) -> None:
        """End it at once."""
        self._tell(signal.SIGKILL, -signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end; before it listens to that, the signal alone ends it."""
        self._tell(signal.SIGTERM, EXIT_SIGTERM, -signal.SIGTERM)

    def freeze(self, seconds: float) -> None:
        """Stop it where it stands for a while."""
        self._tell(signal.SIGSTOP)
        self._thaw_at = time.monotonic() + seconds

    def thaw(self) -> None:
        """Let it go on."""
        if self._thaw_at:
            self._tell(signal.SIGCONT)
            self._thaw_at = 0.0

    def _tell(self, signum: signal.Signals, *codes: int) -> None:
        assert self._member is not None
        self._expected.update(codes)
        self._member.tell(signum)

    def look(self, *, was_away: Callable[[float], bool], counts: Counter[str]) -> None:
        """Thaw it when it is time, bury it when it has ended, start it when it is due.

        Args:
            was_away: Whether the server was away at some time in the last seconds.
            counts: Where starts are counted.

        Raises:
            Broken: it ended in a way that nothing done to it explains.
        """
        now = time.monotonic()
        if self._member is not None:
            if self._thaw_at and now >= self._thaw_at:
                self.thaw()
            self.bury(was_away=was_away, counts=counts)
        elif not self.is_done and now >= self._again_at:
            self.start()
            if self.starts > 1:
                counts[f"{self.name.split()[0]} started again"] += 1

    def bury(self, *, was_away: Callable[[float], bool], counts: Counter[str]) -> None:
        """See whether it has ended, and how.

        Raises:
            Broken: as `look` does.
        """
        assert self._member is not None
        code = self._member.popen.poll()
        if code is None:
            return
        said = self._member.said
        self._member = None
        self.last_words.append(said)
        if "Traceback" in said:
            raise Broken(f"{self.name} met what nobody expects:\n{said[-SAID_BYTES_SHOWN:]}")
        if code in self._expected:
            return
        if code == EXIT_DONE:
            self.is_done = True
        elif code == EXIT_REDIS and was_away(STOPS_S):
            counts["commands that found no server"] += 1
            self._again_at = time.monotonic() + PAUSE_S
        else:
            shown = said[-SAID_BYTES_SHOWN:]
            raise Broken(f"{self.name} ended with exit code {code}, untold:\n{shown}")

    def leave(self) -> str:
        """Let it end in order for good, and return all that its processes said.

        Raises:
            Broken: it did not end, or not as it was asked to.
        """
        self.is_done = True
        if self._member is not None:
            self.thaw()
            self.stop()
            try:
                self._member.ends(STOPS_S)
            except subprocess.TimeoutExpired:
                raise Broken(f"{self.name} does not end within {STOPS_S:g} s of SIGTERM") from None
            self.bury(was_away=lambda _seconds: True, counts=Counter())
        return "\n".join(self.last_words)

    def end(self) -> None:
        """Make sure that nothing of it is left."""
        if self._member is not None:
            self._member.kill()
            self._member = None
