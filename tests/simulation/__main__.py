"""Play one seed with its log, many with their table, or the guards taken out one at a time."""

from __future__ import annotations

import argparse
import sys

from tests.simulation.campaign import catch_all, play_all, table
from tests.simulation.plan import STYLES, drawn
from tests.simulation.play import played


def main(arguments: list[str]) -> int:
    """Do what the command line says; 1 when a seed failed or a guard was not missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--seed", type=int, help="play one seed and print its log")
    what.add_argument("--seeds", type=int, help="play so many seeds and print a table")
    what.add_argument("--planted", action="store_true", help="take out each guard in turn")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--faults", choices=STYLES, default="mixed", help="what may go wrong")
    parser.add_argument("--processes", type=int, help="how many play (default: one a core)")
    chosen = parser.parse_args(arguments)
    if chosen.seed is not None:
        plan = drawn(chosen.seed, chosen.faults)
        say(plan.sentence())
        outcome = played(plan, listener=say)
        say(f"seed {chosen.seed}: {outcome.verdict} {outcome.why}".rstrip())
        return int(outcome.verdict != "fine")
    if chosen.planted:
        found = catch_all(processes=chosen.processes)
        for name, seed, how, tried in found:
            say(f"  {name:<62} {'NOT CAUGHT' if seed is None else how:<10} {tried:>4} seeds")
        return int(any(caught.seed is None for caught in found))
    tally = play_all(chosen.first, chosen.seeds, chosen.faults, processes=chosen.processes)
    say(table(tally, chosen.faults))
    return int(bool(tally.failed))


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
