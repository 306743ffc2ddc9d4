"""The program in another version: a copy of the three packages with a change made in its text.

Lives here: making the copy, and what a process needs to be of that version. A process whose
environment names the copy first imports everything from there; the command checks it by itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tests.support.mistakes import PROJECT, Change, copy_of_kernel

#: The same rules under a later engine.
LATER_ENGINE: Final = Change("domain/ruleset.py", 'ENGINE_VERSION = "1"', 'ENGINE_VERSION = "2"')


class OtherVersion:
    """A copy of the program."""

    def __init__(self, folder: Path, change: Change | None = None) -> None:
        self.folder = folder
        copy_of_kernel(folder, change)
        for app in ("producer", "consumers"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / app, folder / app, ignore=ignored)

    @property
    def variables(self) -> dict[str, str]:
        """What makes a process one of this version."""
        return {"PYTHONPATH": str(self.folder)}

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a text that is there exactly once; whoever is started from now on has it."""
        place = self.folder / path
        text = place.read_text("utf-8")
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times, not once"
        place.write_text(text.replace(old, new), "utf-8")
