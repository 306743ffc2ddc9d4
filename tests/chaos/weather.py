"""Storm after storm until the time is up, and nothing left behind however it ends.

Here: the round of plans, the clock, what is printed. Everything started bears a mark (a directory
for temporary files of its own), by which what would be left is found and ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from kernel.errors import EXIT_SIGTERM
from tests.chaos.faults import faults
from tests.chaos.plan import PLANS, Plan
from tests.chaos.post import Broken
from tests.chaos.storm import Storm
from tests.chaos.tally import Tally
from tests.support.fleet import PROJECT
from tests.support.marked import Marked, marked

#: Where the files of a run that broke a promise are kept.
KEPT = PROJECT / "build" / "chaos"


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def shelter() -> Iterator[Marked]:
    """Give everything started a mark and a place; both are gone at the end, SIGTERM included."""
    before = os.environ.get("TMPDIR")
    # Ctrl-C too: in a script's background it would be ignored.
    told = {signal.SIGTERM: _leave, signal.SIGINT: signal.default_int_handler}
    listened = {signum: signal.signal(signum, act) for signum, act in told.items()}
    with marked() as mark:
        os.environ["TMPDIR"] = tempfile.tempdir = str(mark.directory)
        try:
            yield mark
        finally:
            tempfile.tempdir = None
            os.environ.pop("TMPDIR")
            if before is not None:
                os.environ["TMPDIR"] = before
            for signum, act in listened.items():
                signal.signal(signum, act)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    sys.exit(EXIT_SIGTERM)


def weather(
    seconds: float, *, seed: int, workers: int, folder: Path, plans: Sequence[Plan] = PLANS
) -> Tally:
    """Play storms for so long; the last one ends in calm.

    Raises:
        Broken: a promise was not kept; the files of that run are kept.
    """
    tally = Tally()
    drawn = faults(seed, workers=workers)
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        plan = plans[number % len(plans)]
        number += 1
        with Storm(plan, number, folder, workers=workers, seed=seed + number) as storm:
            began = time.monotonic()
            before = tally.faults.total()
            try:
                storm.play(drawn, until=until, tally=tally)
            except Broken:
                shutil.rmtree(KEPT, ignore_errors=True)
                storm.keep(KEPT)
                raise
            say(
                f"  run {number:>2} ({plan.name}): {plan.lines:,} lines in "
                f"{time.monotonic() - began:.1f} s through {tally.faults.total() - before} faults, "
                "same bytes"
            )
    return tally


def play_weather(minutes: float, *, seed: int, workers: int) -> int:
    """Play storms for so many minutes, print what happened; 1 when a promise was not kept."""
    say(f"chaos: seed {seed}, {workers} workers, {minutes:g} minutes, a fault a second")
    with shelter() as mark:
        try:
            tally = weather(60 * minutes, seed=seed, workers=workers, folder=mark.directory)
        except Broken as broken:
            say(f"BROKEN (seed {seed}): {broken}\nIts files are in {KEPT.relative_to(PROJECT)}")
            return 1
        say(tally.table())
        say(f"no differing byte, no stall, no unexpected exit code (seed {seed})")
        left = mark.left_over()
    if left:
        say("left behind:\n" + "\n".join(left))
    return int(bool(left))
