"""Why a run with processes of its own ended: errors that bear a process's exit code and last words.

Here: the two errors and their sentences. Not here: who decides that a run has failed
(`supervisor.py`).
"""

from __future__ import annotations

from kernel.errors import EXIT_BUG, EXIT_CODES, FundloadError, Incomplete
from kernel.runtime.spawned import Spawned

SHOWN_LINES = 5


class Failed(FundloadError):
    """A process on which the run depends has failed; the run's exit code is its own."""

    category = "process_failed"

    def __init__(self, sentence: str, *, code: int) -> None:
        """Take over an exit code of ours; one that is none of ours means a bug."""
        super().__init__(sentence)
        self.exit_code = code if code in EXIT_CODES else EXIT_BUG


class NotReady(Failed):
    """The processes did not come up; nothing ran."""

    category = "not_ready"


class CrashLoop(Incomplete):
    """A process ends again and again."""

    category = "crash_loop"


def quoted(sentence: str, spawned: Spawned) -> str:
    """Return a sentence about a process with its last words below it, if it said any."""
    words = spawned.last_words(SHOWN_LINES)
    return f"{sentence}; its last words:\n{words}" if words else f"{sentence}, without a word"


def how_it_ended(code: int) -> str:
    """Return an exit code in words."""
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
