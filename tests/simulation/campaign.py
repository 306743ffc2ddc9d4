"""Many seeds on all cores, and their table.

Lives here: dealing seeds to processes, adding up what they counted, and the table of it. A seed
that failed is named with the command that plays it again.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.simulation.guards import PLANTED
from tests.simulation.plan import FAULTS, Style, drawn
from tests.simulation.planted import Planted, taken_out
from tests.simulation.play import Outcome, played

#: Seeds that a process plays before it hands in what it found.
SEEDS_A_HAND = 20


class Caught(NamedTuple):
    """Whether a guard taken out was noticed: by which seed and how, or in how many not."""

    name: str
    seed: int | None
    how: str
    played: int


class Tally(NamedTuple):
    """What many seeds came to."""

    seeds: int
    failed: list[Outcome]
    counts: Counter[str]
    seconds: float

    def verdicts(self, verdict: str) -> int:
        """Count the seeds that came to this."""
        return sum(outcome.verdict == verdict for outcome in self.failed)


def play_all(first: int, seeds: int, style: Style, *, processes: int | None = None) -> Tally:
    """Play consecutive seeds of a style."""
    began = time.monotonic()
    hands = [
        (style, range(start, min(start + SEEDS_A_HAND, first + seeds)))
        for start in range(first, first + seeds, SEEDS_A_HAND)
    ]
    counts: Counter[str] = Counter()
    failed: list[Outcome] = []
    with multiprocessing.get_context("spawn").Pool(processes or os.cpu_count()) as pool:
        for outcomes in pool.imap(_play_hand, hands):
            for outcome in outcomes:
                counts.update(outcome.counts)
                if outcome.verdict != "fine":
                    failed.append(outcome)
    return Tally(seeds, failed, counts, time.monotonic() - began)


def catch_all(*, processes: int | None = None) -> list[Caught]:
    """Take each guard out in turn and play until a seed notices."""
    with multiprocessing.get_context("spawn").Pool(processes or os.cpu_count()) as pool:
        return list(pool.imap(catch, range(len(PLANTED)), chunksize=1))


def catch(number: int) -> Caught:
    """Play without one guard until a seed notices, within the bound of the list."""
    planted: Planted = PLANTED[number]
    with taken_out(planted):
        for seed in range(planted.seeds):
            outcome = played(drawn(seed, planted.style))
            if outcome.verdict != "fine":
                return Caught(planted.name, seed, outcome.verdict, seed + 1)
    return Caught(planted.name, None, "", planted.seeds)


def _play_hand(hand: tuple[Style, range]) -> list[Outcome]:
    style, seeds = hand
    return [played(drawn(seed, style)) for seed in seeds]


def table(tally: Tally, style: Style) -> str:
    """Write what was played, what was done to it, and what came of it."""
    return "\n".join(_rows(tally, style))


def _rows(tally: Tally, style: Style) -> Iterator[str]:
    counts = tally.counts
    yield _row("seeds", tally.seeds)
    yield _row("seeds a second", round(tally.seeds / tally.seconds))
    sections: Sequence[tuple[str, Sequence[str]]] = (
        ("played", ("lines", "steps", "turns", "rings")),
        ("faults", tuple(f"fault: {fault}" for fault in FAULTS)),
        ("append", tuple(sorted(name for name in counts if name.startswith("append ")))),
        ("commit", tuple(sorted(name for name in counts if name.startswith("commit ")))),
        ("raised", tuple(sorted(n for n in counts if n.startswith(("fail ", "operator "))))),
        ("steps of partitions", tuple(sorted(n for n in counts if n.startswith("step ")))),
        ("rest", ("turns refused STALE", "leases reclaimed", "tick repairs")),
    )
    for title, names in sections:
        yield f"-- {title}"
        for name in names:
            yield _row(name.removeprefix("fault: "), counts[name])
    yield "-- found"
    for verdict in ("divergence", "stall", "broken"):
        yield _row(verdict, tally.verdicts(verdict))
    for outcome in tally.failed:
        yield f"seed {outcome.seed}: {outcome.verdict}: {outcome.why}"
        yield f"    python -m tests.simulation --seed {outcome.seed} --faults {style}"


def _row(name: str, value: int) -> str:
    return f"  {name:<24} {value:>10,}"
