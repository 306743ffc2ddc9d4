"""How long a dead worker's partitions stand still: measured over many kills.

Two workers on one ledger as shipped, lines without end, and SIGKILL for one that holds leases. The
clock runs from the kill until the cursor of every partition that the dead one held has moved. With
`baseline` the two share the partitions; with `experiment`, which has gates, one holds them all, and
the other is idle. The dead worker is replaced only when it is over: nobody but the other one helps.
"""

from __future__ import annotations

import io
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import redis

from kernel.adapters.redis import keys
from tests.chaos.weather import say, shelter
from tests.support.fleet import COMMAND, ENDS_S, Fleet, config_file, environment
from tests.support.server import Server
from tests.support.waiting import wait_until

MEDIAN_S_MAX = 1.5
SLOWEST_S_MAX = 2.5
#: Enough for hours; the producer reads no more of it than may be in flight.
ENDLESS_LINES = 50_000_000
#: A lease lasts 1 s from its holder's last turn, and turns take milliseconds here.
ALIVE_S = 0.5


class Stand(NamedTuple):
    """Leases and cursors of one moment."""

    at: float
    leases: dict[int, tuple[str, int]]
    cursors: dict[int, int]
    ends: dict[int, int]

    def waiting(self) -> set[int]:
        """Return the partitions that are leased and have something to be decided."""
        return {p for p in self.leases if self.cursors[p] < self.ends[p]}


def stand_of(client: redis.Redis, ledger: str) -> Stand:
    """Read leases and cursors of a ledger in one step."""
    pipe: Any = client.pipeline(transaction=True)
    pipe.hgetall(keys.beside(ledger, "leases"))
    pipe.hgetall(keys.beside(ledger, "parts"))
    leases, parts = pipe.execute()
    places = [name[:-2] for name in parts if name.endswith(b":c")]
    return Stand(
        time.monotonic(),
        {int(p): _lease(text.decode()) for p, text in leases.items()},
        {int(p): int(parts[p + b":c"]) for p in places},
        {int(p): int(parts[p + b":e"]) for p in places},
    )


def _lease(text: str) -> tuple[str, int]:
    deadline, _, shift = text.partition(" ")
    return shift, int(deadline)


def recovery_s(before: Stand, look: Callable[[], Stand]) -> float | None:
    """Watch from a kill on, and return how long the dead worker's partitions stood still.

    Args:
        before: The stand right after the kill.
        look: Returns the stand of the moment.

    Returns:
        Seconds until the last of them moved; None when the dead one held nothing that waited.
    """
    alive: set[str] = set()
    moved: dict[int, float] = {}
    waiting = before.waiting()

    def is_over() -> bool:
        now = look()
        passed_s = now.at - before.at
        for p in waiting:
            shift, deadline = before.leases[p]
            is_renewed = now.leases.get(p, ("", 0))[0] == shift and now.leases[p][1] != deadline
            if now.cursors[p] != before.cursors[p]:
                moved.setdefault(p, passed_s)
            # Before a lease can have run out, nobody but its holder moves anything.
            if is_renewed or moved.get(p, ALIVE_S) < ALIVE_S:
                alive.add(shift)
        dead = {p for p in waiting if before.leases[p][0] not in alive}
        return passed_s >= ALIVE_S and dead <= moved.keys()

    wait_until(is_over, within_s=ENDS_S, what="the dead worker's partitions to move again")
    return max((s for p, s in moved.items() if before.leases[p][0] not in alive), default=None)


class Measured(NamedTuple):
    """The recoveries under one rule set, and how many kills hit a worker that held nothing."""

    rules: str
    seconds: Sequence[float]
    missed: int


def measure(rules: str, kills: int, folder: Path, rng: Random) -> Measured:
    """Kill workers of a fleet of two until so many held leases."""
    config = config_file(folder, rules)
    with Server() as server, Fleet(server.url, "prod", folder) as fleet, _backlog(fleet, config):
        client = server.client()
        workers = fleet.known_workers(2)
        fleet.collect(folder / "rows")
        seconds: list[float] = []
        missed = 0
        while len(seconds) < kills:
            _wait_at_random(fleet, holding=2 if rules == "baseline" else 1, rng=rng)
            victim = workers.pop(0)
            victim.kill()
            recovered = recovery_s(
                stand_of(client, fleet.ledger), lambda: stand_of(client, fleet.ledger)
            )
            if recovered is None:
                missed += 1
            else:
                seconds.append(recovered)
            workers.append(fleet.worker())
            workers[-1].wait_for("is ready")
        client.close()
    return Measured(rules, seconds, missed)


@contextmanager
def _backlog(fleet: Fleet, config: Path) -> Iterator[None]:
    """Feed more lines than anybody can decide: a producer at the end of an endless pipe."""
    fleet.make_ledger(config)
    words = [str(COMMAND), "sample", "--lines", str(ENDLESS_LINES), "--output", "-"]
    sample = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
    )
    try:
        assert sample.stdout is not None
        fleet.produce(config, "-", stdin=sample.stdout.fileno())
        sample.stdout.close()
        yield
    finally:
        sample.kill()
        sample.wait()


def _wait_at_random(fleet: Fleet, *, holding: int, rng: Random) -> None:
    """Wait for so many workers at work, and then for any moment of a tick."""
    wait_until(lambda: len(fleet.holders()) == holding, within_s=ENDS_S, what="holders")
    moment = time.monotonic() + rng.uniform(0.5, 1.5)
    wait_until(lambda: time.monotonic() >= moment, within_s=ENDS_S, what="a moment")


def play_recovery(kills: int, *, seed: int) -> int:
    """Measure with both rule sets and print it; 1 when a figure misses its bound."""
    is_slow = False
    with shelter() as mark:
        for rules in ("baseline", "experiment"):
            folder = mark.directory / rules
            folder.mkdir()
            with redirect_stdout(io.StringIO()):  # what the fleet has said is of no interest here
                measured = measure(rules, kills, folder, Random(seed))
            median, slowest = statistics.median(measured.seconds), max(measured.seconds)
            is_slow = is_slow or median > MEDIAN_S_MAX or slowest > SLOWEST_S_MAX
            say(
                f"recovery after kill -9 of a worker that holds leases ({rules}, {kills} kills): "
                f"median {median:.2f} s, slowest {slowest:.2f} s"
            )
            say("  " + " ".join(f"{seconds:.2f}" for seconds in sorted(measured.seconds)))
            say(f"  and {measured.missed} kills of one that held nothing just then")
    kept = "MISSED" if is_slow else "kept"
    say(f"bounds (median {MEDIAN_S_MAX} s, slowest {SLOWEST_S_MAX} s): {kept}")
    return int(is_slow)
