"""Finding every process and file that a command has left, however deep it was started.

A command is run with a `TMPDIR` of its own. All that it starts inherits the variable, and its
server, which overwrites its environment, has the directory in its command line; the socket lies in
it. So "nothing is left" can be asked of the system and not of the command.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

#: What is promised within five seconds is waited for longer: the machine may be busy.
GONE_S = 20.0


class Marked:
    """A mark in the shape of a directory for temporary files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def environment(self) -> dict[str, str]:
        """The environment to start a command with."""
        return {**os.environ, "TMPDIR": str(self.directory)}

    def processes(self) -> list[psutil.Process]:
        """Return the processes that bear the mark."""
        return [process for process in psutil.process_iter() if self._bears_mark(process)]

    def left_over(self) -> list[str]:
        """Return all that is left: processes by their command line, and files."""
        lines = [" ".join(line_of(process)) for process in self.processes()]
        return lines + sorted(path.name for path in self.directory.iterdir())

    def _bears_mark(self, process: psutil.Process) -> bool:
        mark = str(self.directory)
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return any(mark in word for word in line_of(process)) or (
                process.environ().get("TMPDIR") == mark
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


def line_of(process: psutil.Process) -> list[str]:
    """Return the command line of a process, nothing when it is gone."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


@contextmanager
def marked() -> Iterator[Marked]:
    """Make a mark; whatever bears it at the end is killed, so that no test leaves anything."""
    mark = Marked(Path(tempfile.mkdtemp(prefix="m-")))
    try:
        yield mark
    finally:
        for process in mark.processes():
            process.kill()
        shutil.rmtree(mark.directory)
