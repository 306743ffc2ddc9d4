"""What `fundload run` was asked for: checked before anything is started, and said as a command.

Here: the combinations of options that make no sense, the names of input and output, the command
that goes on with a run and the one that checks it. Not here: doing any of it (`fleet.py`).
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from kernel.adapters.files.output import check_names
from kernel.adapters.files.partial import beside, check_place
from kernel.adapters.files.source import STANDARD, open_input
from kernel.errors import InputUnreadable, OutputUnwritable, UsageError
from kernel.runtime.verbs import Durability, check_durability

WORKERS_DEFAULT_MAX = 4
WORKERS_MAX = 256
SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class Wanted:
    """The options of one `fundload run`; None where an option was not given."""

    config: str
    input: str
    output: str
    profile: Literal["redis", "memory"]
    workers: int | None
    redis_url: str | None
    ledger: str | None
    run: str | None
    reasons: str | None
    force: bool
    trace: str | None = None
    durability: Durability = "fast"
    replicas: int = 0
    keys_path: str | None = None

    @property
    def fleet_size(self) -> int:
        """Return how many workers are to be started."""
        return self.workers or workers_default()

    def check_options(self) -> None:
        """Refuse options that contradict one another.

        Raises:
            UsageError: says what to give instead.
        """
        if self.workers is not None and not 1 <= self.workers <= WORKERS_MAX:
            raise UsageError(
                f"--workers {self.workers}: a fleet has 1 to {WORKERS_MAX} workers; to decide in "
                "this process alone, use --profile memory"
            )
        if self.profile == "memory":
            given = {
                "--workers": self.workers,
                "--redis-url": self.redis_url,
                "--ledger": self.ledger,
                "--durability strict": None if self.durability == "fast" else True,
                "--keys": self.keys_path,
            }
            for option, value in given.items():
                if value is not None:
                    raise UsageError(
                        f"--profile memory decides in one process without Redis and keeps nothing, "
                        f"so {option} has no meaning there; leave one of the two out"
                    )
        check_durability(self.durability, self.replicas)
        if self.replicas and self.redis_url is None:
            raise UsageError(
                f"--replicas {self.replicas} needs --redis-url: a server of the run's own has none"
            )
        if self.keys_path is not None and self.ledger is None:
            raise UsageError(
                f"--keys {self.keys_path} needs --ledger: a run's own ledger has a key of its own, "
                "which is written nowhere"
            )
        if self.ledger is not None and self.redis_url is None:
            raise UsageError(
                f"--ledger {self.ledger} needs --redis-url: without it the run starts a server of "
                "its own, which ends with the run and takes its ledgers with it"
            )

    def check_files(self) -> None:
        """Refuse names that cannot be read from or written to; changes nothing.

        Raises:
            InputUnreadable, OutputExists, OutputUnwritable, UsageError: say what is wrong.
        """
        check_input(self.input)
        reasons = None if self.reasons is None else Path(self.reasons)
        check_names(self.output, reasons)
        output = None if self.output == STANDARD else Path(self.output)
        for path in filter(None, (output, reasons)):
            # A named run goes on with what it left, and then its own names may be taken already.
            goes_on = self.ledger is not None and output is not None
            if not (goes_on and output and beside(output, "checkpoint").exists()):
                check_place(path, force=self.force)
            self._check_apart(path)

    def _check_apart(self, path: Path) -> None:
        if path.exists() and self.input != STANDARD and path.samefile(self.input):
            raise UsageError(f"'{path}' is the input: give another name to write to")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise OutputUnwritable(
                f"Cannot write in the directory '{path.parent}': give a path elsewhere."
            )

    def command(self, *, redis_url: str | None = None) -> str:
        """Return the command that asks for the same again.

        Args:
            redis_url: The address as it may be shown.
        """
        options = {
            "--config": self.config,
            "--input": self.input,
            "--output": self.output,
            "--profile": "memory" if self.profile == "memory" else None,
            "--workers": None if self.workers is None else str(self.workers),
            "--redis-url": redis_url,
            "--ledger": self.ledger,
            "--run": self.run,
            "--reasons": self.reasons,
            "--trace": self.trace,
            "--durability": None if self.durability == "fast" else self.durability,
            "--replicas": str(self.replicas) if self.replicas else None,
            "--keys": self.keys_path,
        }
        words = [word for name, value in options.items() if value for word in (name, value)]
        return shlex.join(["fundload", "run", *words, *(["--force"] if self.force else [])])

    def check_command(self) -> str:
        """Return the commands that decide the same input in the other way, and compare."""
        output = "decisions.txt" if self.output == STANDARD else self.output
        other = f"{output}.check"
        again = replace(
            self,
            output=other,
            profile="redis" if self.profile == "memory" else "memory",
            workers=None,
            redis_url=None,
            ledger=None,
            run=None,
            reasons=None,
            trace=None,
            durability="fast",
            replicas=0,
            keys_path=None,
            force=False,
        )
        return f"{again.command()} && {shlex.join(['cmp', output, other])}"


def workers_default() -> int:
    """Return how many workers a host gets when nobody says: one for each core, but not many."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(WORKERS_DEFAULT_MAX, cores or 1)


def check_input(path: str) -> None:
    """Refuse an input that cannot be opened, without taking anything out of a pipe.

    Raises:
        InputUnreadable: with what is wrong and what may be given instead.
    """
    name = "standard input" if path == STANDARD else f"input '{path}'"
    # Opening a named pipe and closing it again would end whoever writes to it.
    if is_pipe(path):
        if not os.access(path, os.R_OK):
            raise InputUnreadable(f"Cannot open the {name}: Permission denied.")
        return
    descriptor, _ = open_input(path, name)
    if descriptor:
        os.close(descriptor)


def is_pipe(path: str) -> bool:
    """Say whether the input is a pipe with a name: it cannot be read twice."""
    return path != STANDARD and Path(path).is_fifo()


def descriptor_of(path: str) -> int | None:
    """Return the descriptor of ours that an input names, as a shell's `<(…)` does; None for others.

    Such a name means another file, or none, in another process: it is passed on to whoever reads.
    """
    if path in (STANDARD, "/dev/stdin"):
        return 0
    named = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", path)
    return None if named is None else int(named[1])


def estimated_lines(path: str) -> int | None:
    """Return about how many lines a regular file has, None for anything else."""
    if path == STANDARD or not Path(path).is_file():
        return None
    with Path(path).open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    size = Path(path).stat().st_size
    if len(sample) == size:
        return sample.count(b"\n") + (not sample.endswith(b"\n") and bool(sample))
    return max(1, round(size * max(1, sample.count(b"\n")) / len(sample)))
