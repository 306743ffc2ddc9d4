"""Measuring processes of ours: CPU time and peak memory, split at the moment each was ready.

Here: the clocks, a process with the ready handshake, and waiting for its end. Not here: which
processes there are (`fleet.py`) and what is made of the figures (`report.py`). Linux only.

1. CPU time is the kernel's own clock of a process: user and system, all threads, in nanoseconds.
   `/proc/<pid>/stat` counts the same in steps of 10 ms, which is a tenth of what we look for.
2. Start-up is what a process has used when the last of its fleet is ready; the rest is its work.
   What a process uses to end is counted as work where it ends by itself, and not where it is told.
3. Peak memory is `ru_maxrss` of `wait4`. It is never below the size of whoever started the process,
   so whatever starts one here stays small.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kernel.runtime.bundle import Bundle
from kernel.runtime.child import BUNDLE_FD, LIFELINE_FD, READY_FD

#: `fundload` by another name: `-P` keeps the current directory from being taken for a package.
COMMAND = (sys.executable, "-P", "-m", "kernel.runtime.cli")
START_S = 30.0
#: No run that anybody would wait for takes longer.
END_S = 1_800.0
ROOT = Path(__file__).resolve().parents[2]


class BenchFailed(Exception):
    """Something that was measured did not work, so there is nothing to report."""


@dataclass(frozen=True)
class Usage:
    """What one process used: CPU until all were ready, CPU from then on, and its peak memory."""

    startup_s: float
    cpu_s: float
    peak_bytes: int


def check_platform() -> None:
    """Refuse a system that has no such clocks.

    Raises:
        BenchFailed: as it says.
    """
    if not sys.platform.startswith("linux"):
        raise BenchFailed("the benchmark reads Linux's clock of a process; run it on Linux")


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a living process has used so far."""
    return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of that process


def peak_of(pid: int) -> int:
    """Return the peak memory of a living process that we do not wait for, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise BenchFailed(f"process {pid} shows no peak memory")


class Started:
    """A process of the fleet, started like a supervised one: so it says when it is ready."""

    def __init__(
        self,
        *argv: str,
        bundle: Bundle,
        folder: Path,
        profile: Path | None = None,
    ) -> None:
        """Start `fundload` with these words and hand it its bundle.

        Args:
            argv: the verb and its options, as a user would type them.
            bundle: who it is and where the ledger is.
            folder: where its words on stderr are kept.
            profile: where to leave a profile (pstats), which makes it several times as slow.
        """
        self.name = bundle.worker
        self._words = folder / f"{bundle.worker}.stderr"
        bundle_end, bundle_fd = os.pipe()
        lifeline_end, self._lifeline_fd = os.pipe()
        self._ready_fd, ready_end = os.pipe()
        ends = (bundle_end, lifeline_end, ready_end)
        variables = dict(zip((BUNDLE_FD, LIFELINE_FD, READY_FD), map(str, ends), strict=True))
        command: tuple[str, ...] = COMMAND
        if profile is not None:
            command = (*COMMAND[:2], "-m", "cProfile", "-o", str(profile), *COMMAND[2:])
        with self._words.open("wb") as words:
            self._running = subprocess.Popen(
                [*command, *argv],
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                env={**os.environ, **variables},
                pass_fds=ends,
                start_new_session=True,
            )
        for end in ends:
            os.close(end)
        os.write(bundle_fd, bundle.to_json().encode())
        os.close(bundle_fd)
        self._startup_s = 0.0
        self._usage: Usage | None = None

    def wait_ready(self) -> None:
        """Wait until it says that it is ready.

        Raises:
            BenchFailed: it ended before, or took too long.
        """
        readable, _, _ = select.select([self._ready_fd], [], [], START_S)
        if not readable or not os.read(self._ready_fd, 4096):
            raise BenchFailed(f"{self.name} was not ready within {START_S:g} s: {self.words()}")

    def mark_ready(self) -> None:
        """All are ready: what was used so far was start-up."""
        self._startup_s = cpu_of(self._running.pid)

    def wait_end(self) -> None:
        """Wait until it has ended by itself; all it used since the mark was work.

        Raises:
            BenchFailed: it failed, or takes too long.
        """
        ended = os.pidfd_open(self._running.pid)
        try:
            if not select.select([ended], [], [], END_S)[0]:
                raise BenchFailed(f"{self.name} did not end within {END_S:g} s: {self.words()}")
        finally:
            os.close(ended)
        used_s = self._reap()
        if self._running.returncode != 0:
            raise BenchFailed(f"{self.name} ended with {self._running.returncode}: {self.words()}")
        self._keep(used_s - self._startup_s)

    def stop(self, cpu_s: float) -> None:
        """Tell it to end; `cpu_s` is what it had used when its work was over."""
        self._running.terminate()
        self._reap()
        self._keep(cpu_s - self._startup_s)

    @property
    def has_ended(self) -> bool:
        """Tell whether it has ended by itself; it is still to be waited for."""
        ended = os.pidfd_open(self._running.pid)
        try:
            return bool(select.select([ended], [], [], 0)[0])
        finally:
            os.close(ended)

    def used_s(self) -> float:
        """Return the CPU seconds used so far."""
        return cpu_of(self._running.pid)

    def _reap(self) -> float:
        _, status, used = os.wait4(self._running.pid, 0)
        self._running.returncode = os.waitstatus_to_exitcode(status)
        self._peak_bytes = used.ru_maxrss * 1024
        return used.ru_utime + used.ru_stime

    def _keep(self, cpu_s: float) -> None:
        self._usage = Usage(self._startup_s, cpu_s, self._peak_bytes)

    def usage(self) -> Usage:
        """Return what it used; to be asked after its end."""
        assert self._usage is not None, f"{self.name} has not ended"
        return self._usage

    def words(self) -> str:
        """Return what it said."""
        return self._words.read_text("utf-8", "replace").strip()

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(self, *reason: object) -> None:
        """Leave no process behind, whatever happened."""
        if self._running.returncode is None:
            self._running.kill()
            self._running.wait()
        os.close(self._lifeline_fd)
        os.close(self._ready_fd)


@dataclass(frozen=True)
class Ended:
    """A process that ran to its end: what it wrote on stdout, and what it used."""

    said: str
    seconds: float
    cpu_s: float
    peak_bytes: int


def run_to_end(*argv: str) -> Ended:
    """Run a command to its end.

    Raises:
        BenchFailed: it failed.
    """
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as words,
        subprocess.Popen(
            argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=words, text=True
        ) as running,
    ):
        assert running.stdout is not None
        said = running.stdout.read()
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        if running.returncode != 0:
            words.seek(0)
            wrong = words.read()[-2000:]
            raise BenchFailed(f"{' '.join(argv)} ended with {running.returncode}: {wrong}")
    return Ended(said, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def run_verb(*argv: str) -> Ended:
    """Run a verb of `fundload` to its end.

    Raises:
        BenchFailed: it failed.
    """
    return run_to_end(*COMMAND, *argv)
