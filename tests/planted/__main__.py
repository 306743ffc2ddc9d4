"""Take out every guard in turn, and print which test or seed notices; 1 unless all are noticed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.planted.clients import OTHERS
from tests.planted.commits import COMMITS, HALTS
from tests.planted.judge import control, judged
from tests.planted.processes import NOT_NEEDED, PROCESSES
from tests.planted.protocol import PROTOCOL
from tests.planted.scripts import APPEND, TAKES
from tests.simulation.campaign import catch_all

GUARDS = (*APPEND, *TAKES, *COMMITS, *HALTS, *PROCESSES, *PROTOCOL, *OTHERS)
WIDTH = 84


def main() -> int:
    """Take out what the simulator must miss, then what the named tests must."""
    began = time.monotonic()
    wrong = control(guard.test for guard in GUARDS)
    if wrong:
        say(f"with every guard in place, the tests do not pass:\n{wrong}")
        return 1
    caught, planted = 0, 0
    for line, is_caught in _rows():
        caught, planted = caught + is_caught, planted + 1
        say(line)
    say("-- safety does not rest on")
    for name, why in NOT_NEEDED:
        say(f"  {name:<{WIDTH}} {why}")
    minutes = (time.monotonic() - began) / 60
    share = 100 * caught / planted
    say(f"{caught} of {planted} guards taken out were noticed ({share:.0f} %), {minutes:.1f} min")
    return int(caught != planted)


def _rows() -> Iterator[tuple[str, bool]]:
    say("-- the memory twins, turn and sequencer: noticed by the simulator")
    for name, seed, how, tried in catch_all():
        by = "NOT CAUGHT" if seed is None else f"simulator: {how}"
        yield f"  {name:<{WIDTH}} {by}, {tried} seeds", seed is not None
    say("-- the scripts and the processes: noticed by a test")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, test, is_caught, said in pool.map(judged, GUARDS):
            by = test if is_caught else f"NOT CAUGHT by {test} ({said})"
            yield f"  {name:<{WIDTH}} {by}", is_caught


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
