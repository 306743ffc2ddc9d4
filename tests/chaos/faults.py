"""What goes wrong next: an endless stream of faults, drawn from a seed and from nothing else.

Here: kinds, targets, lengths and how often each comes. Not here: doing it to somebody (`storm.py`).
The same seed draws the same faults; at what moment of a run each one hits is up to the machine, so
a seed is no replay. (`tests.simulation` has those.)
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Literal, NamedTuple, get_args

Kind = Literal[
    "kill -9",
    "frozen",
    "told to stop",
    "server kill -9",
    "server frozen",
    "server lost its tail",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
SERVER = "server"

#: How often each kind comes, in hundredths.
_WEIGHTS: dict[Kind, int] = {
    "kill -9": 44,
    "frozen": 24,
    "told to stop": 10,
    "server kill -9": 10,
    "server frozen": 5,
    "server lost its tail": 7,
}
#: Longest times: a worker's lease is 1 s and a run's is 5 s, so that both run out now and then.
WORKER_FROZEN_S = 3.0
OTHER_FROZEN_S = 6.0
#: Longer than a client waits for an answer (5 s): what it asked for is done after it gave up.
SERVER_FROZEN_S = 6.5
SERVER_AWAY_S = 1.5


class Fault(NamedTuple):
    """One fault: what, to whom, for how long, and how much of the last second is lost."""

    kind: Kind
    target: str
    seconds: float = 0.0
    lost_share: float = 0.0

    def __str__(self) -> str:
        what = self.kind if self.target == SERVER else f"{self.target} {self.kind}"
        return f"{what} for {self.seconds:.1f} s" if self.seconds else what


def names_of(workers: int) -> list[str]:
    """Return the names of a fleet's processes, the server not among them."""
    return [*(f"worker {number}" for number in range(1, workers + 1)), "producer", "collector"]


def faults(seed: int, *, workers: int) -> Iterator[Fault]:
    """Draw faults for a fleet without end."""
    rng = Random(seed)
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    names = names_of(workers)
    while True:
        (kind,) = rng.choices(kinds, weights)
        target = SERVER if kind.startswith(SERVER) else rng.choice(names)
        yield Fault(
            kind,
            target,
            round(rng.uniform(0.0, _longest_s(kind, target)), 3),
            round(rng.random(), 3) if kind == "server lost its tail" else 0.0,
        )


def _longest_s(kind: Kind, target: str) -> float:
    if kind == "frozen":
        return WORKER_FROZEN_S if target.startswith("worker") else OTHER_FROZEN_S
    if kind == "server frozen":
        return SERVER_FROZEN_S
    return SERVER_AWAY_S if target == SERVER else 0.0
