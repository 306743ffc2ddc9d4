"""Chaos for so many minutes, or one of the two measurements."""

from __future__ import annotations

import argparse
import sys

from kernel.errors import EXIT_SIGINT
from tests.chaos.recovery import play_recovery
from tests.chaos.restarts import play_restarts
from tests.chaos.weather import play_weather, say


def main(arguments: list[str]) -> int:
    """Do what the command line says; 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--minutes", type=float, help="a fault a second for so many minutes")
    what.add_argument("--recovery", type=int, help="kill so many workers, and measure")
    what.add_argument("--restarts", type=int, help="kill the server so often in one long run")
    parser.add_argument("--lines", type=int, default=300_000, help="lines of that long run")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other faults")
    parser.add_argument("--workers", type=int, default=3, help="workers of the fleet (default 3)")
    chosen = parser.parse_args(arguments)
    try:
        return play(chosen)
    except KeyboardInterrupt:
        say("stopped from the keyboard; nothing of it is left")
        return EXIT_SIGINT


def play(chosen: argparse.Namespace) -> int:
    """Do what was chosen."""
    if chosen.recovery is not None:
        return play_recovery(chosen.recovery, seed=chosen.seed)
    if chosen.restarts is not None:
        return play_restarts(chosen.restarts, lines=chosen.lines, workers=chosen.workers)
    return play_weather(chosen.minutes, seed=chosen.seed, workers=chosen.workers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
