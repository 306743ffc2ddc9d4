"""What one seed plays: sizes, rules, settings, and what may go wrong.

Lives here: the draw of a plan from a seed and a style. Lives elsewhere: the play itself. A style
aims: `none` has no faults and leases that never run out, `dense` neither, but gates that bite all
the time. `all` has any faults in any mixture, `zombies` has workers that freeze before they commit,
and commit late; `poison` is that with attempts that raise, and longer sleeps. Two rewind just
before commits, so that entries survive the commits made of them: `lost_commits` where gates bite
all the time, `stale_reads` where everybody reclaims everybody's partitions.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any, Literal, NamedTuple, get_args

from kernel.ledger.settings import FleetSettings, TakePolicy
from tests.simulation.lines import Shape
from tests.support.oracle import CLASSIC, EXPERIMENT

Style = Literal["mixed", "none", "dense", "all", "zombies", "lost_commits", "stale_reads", "poison"]
STYLES: tuple[Style, ...] = get_args(Style)

Fault = Literal[
    "worker killed",
    "producer killed",
    "collector killed",
    "actor frozen",
    "worker stopped",
    "producer doubled",
    "request lost",
    "answer lost",
    "ring lost",
    "ring doubled",
    "ring late",
    "store rewound",
    "store full",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)

LONG_MS = 60_000
#: Share of worlds in which gates bite all the time: primes only, of one or two days, shared takes.
DENSE_SHARE = 0.4


class Plan(NamedTuple):
    """One seed's world."""

    seed: int
    style: Style
    workers: int
    shape: Shape
    config: dict[str, Any]
    settings: FleetSettings
    chunk_lines: int
    can_reopen: bool
    step_us: int
    #: Chance that an actor is slow to make a step.
    delay_share: float
    #: How often a worker is drawn, where a producer is drawn once.
    worker_pace: float
    #: How many faults are dealt, and of which kinds.
    faults: int
    kinds: tuple[Fault, ...]
    #: Chance that a step has a fault, and that it is preceded by a snapshot.
    fault_share: float
    snapshot_share: float
    #: Chance that a commit is preceded by the rewind that would hurt it most, if there is one.
    aimed_share: float
    #: Chance that an attempt which may raise does so.
    poison_odds: float

    def sentence(self) -> str:
        """Say it in one line."""
        shape, settings = self.shape, self.settings
        return (
            f"seed {self.seed} ({self.style}): {shape.lines} lines, {shape.runs} runs, "
            f"P {settings.partitions}, W {self.workers}, quota {self.quota}, "
            f"take {settings.take}, chunk {self.chunk_lines}, turn {settings.turn_attempts_max}, "
            f"keep {settings.keep_rows_min}, lease {settings.lease_ms} ms, "
            f"faults {self.faults} of {', '.join(self.kinds) or 'no kind'}"
        )

    @property
    def quota(self) -> int:
        """Accepted primes a day."""
        gate = self.config["prime_gate"]
        return int(gate["global_per_day"]) if gate["enabled"] else 0


def drawn(seed: int, style: Style = "mixed") -> Plan:
    """Draw the plan of a seed; the same arguments give the same plan."""
    rng = Random(f"{style} {seed}")
    if style == "mixed":
        style = rng.choice(
            (
                *("none", "dense", "all", "all", "all", "all"),
                *("zombies", "lost_commits", "stale_reads", "poison"),
            )
        )
    faulty = style not in ("none", "dense")
    aimed = style in ("lost_commits", "stale_reads")
    grabbing = style == "stale_reads"
    frozen = style in ("zombies", "poison")
    dense = (
        frozen
        or style in ("lost_commits", "dense")
        or (not grabbing and rng.random() < DENSE_SHARE)
    )
    kinds = _kinds(rng, style)
    chunk = rng.choice((1, 2, 3, 5, 8, 16))
    settings = _settings(rng, chunk=chunk, faulty=faulty, dense=dense)
    if grabbing:
        settings = replace(settings, partitions=rng.randrange(1, 4), lease_ms=1, take="all")
    if frozen:
        takes: tuple[TakePolicy, ...] = ("share", "share", "all")
        turn = rng.choice((4, 8, 16))
        take = rng.choice(takes)
        settings = replace(settings, turn_attempts_max=turn, take=take, keep_rows_min=64)
    return Plan(
        seed=seed,
        style=style,
        workers=rng.randrange(2, 5) if dense or grabbing else rng.randrange(1, 9),
        shape=_shape(rng, dense=dense, grabbing=grabbing)._replace(
            poison=_poison(rng, style) if faulty else 0.0
        ),
        config=_config(rng, dense=dense),
        settings=settings,
        chunk_lines=chunk,
        can_reopen=rng.random() < 0.7,
        step_us=1000 if grabbing else rng.choice((30, 100, 300, 1000, 1000)) if faulty else 100,
        delay_share=0.5 if grabbing else rng.choice((0.0, 0.1, 0.3)),
        worker_pace=1 if grabbing else rng.choice((0.1, 0.3, 1, 1)),
        faults=60 if grabbing else rng.choice((2, 5, 10, 20, 30)) if faulty else 0,
        kinds=kinds,
        fault_share=0.3 if frozen else 1 / rng.choice((10, 20, 40)),
        snapshot_share=1.0 if aimed else 0.3 if "store rewound" in kinds else 0.0,
        aimed_share=0.9 if grabbing else 0.7 if aimed else 0.0,
        poison_odds=rng.choice((0.3, 0.5, 0.7, 1.0)),
    )


def _kinds(rng: Random, style: Style) -> tuple[Fault, ...]:
    if style in ("none", "dense"):
        return ()
    if style in ("lost_commits", "stale_reads"):
        return ("store rewound",)
    if style in ("zombies", "poison"):
        return ("actor frozen",)
    if rng.random() < 0.3:
        return FAULTS
    return tuple(kind for kind in FAULTS if rng.random() < 0.35) or ("worker killed",)


def _poison(rng: Random, style: Style) -> float:
    """Return the share of attempts that may raise."""
    if style == "poison":
        return rng.choice((0.05, 0.2, 0.4))
    return rng.choice((0.0, 0.0, 0.0, 0.05)) if style in ("all", "lost_commits") else 0.0


def _shape(rng: Random, *, dense: bool, grabbing: bool) -> Shape:
    return Shape(
        lines=rng.randrange(40, 100) if dense else rng.randrange(40, 151),
        runs=rng.choice((1, 1, 2, 2, 3)),
        customers=rng.randrange(2, 4) if grabbing else rng.randrange(2, 8),
        days=rng.choice((1, 2, 8)) if dense else rng.randrange(1, 5),
        primes=1.0 if dense else rng.choice((0.1, 0.4, 0.7, 1.0, 1.0)),
        again=rng.choice((0.0, 0.1, 0.4)),
        bad=rng.choice((0.0, 0.03, 0.1)),
        over=rng.choice((0.2, 0.5, 0.8, 0.9)) if dense else rng.choice((0.0, 0.0, 0.5)),
    )


def _config(rng: Random, *, dense: bool) -> dict[str, Any]:
    config = dict(rng.choice((EXPERIMENT, EXPERIMENT, CLASSIC)))
    quota = rng.choice((1, 2, 3)) if dense else rng.choice((0, 1, 1, 2, 3))
    config["prime_gate"] = {
        "enabled": quota > 0 or rng.random() < 0.5,
        "global_per_day": quota,
        "amount_cap": "9999.00",
    }
    config["limits"] = dict(config["limits"]) | {"daily_attempts": rng.choice((3, 6, 50))}
    return config


def _settings(rng: Random, *, chunk: int, faulty: bool, dense: bool) -> FleetSettings:
    policies: tuple[TakePolicy, ...] = (
        ("share", "one") if dense else ("auto", "share", "all", "one")
    )
    return FleetSettings(
        partitions=rng.choice((2, 3, 4)) if dense else rng.randrange(1, 17),
        chunk_lines_max=chunk,
        turn_attempts_max=rng.choice((1, 2, 4, 8) if dense else (4, 4, 8, 16, 32)),
        inflight_lines_max=max(chunk, rng.choice((4, 16, 40, 1000, 1000, 1000))),
        lease_ms=rng.choice((1, 1, 3, 3, 10, 30, 1000)) if faulty else LONG_MS,
        shift_ms=rng.choice((5, 50, 20_000)),
        shift_deadline_ms=rng.choice((510, 2_000)) if faulty else LONG_MS,
        ring_ms=rng.choice((50, 2_000)) if faulty else LONG_MS,
        linger_ms=rng.choice((0, 2, 50, 500)),
        run_lease_ms=rng.choice((600, 1_000)) if faulty else LONG_MS,
        worker_ttl_ms=5_000,
        tick_ms=rng.choice((20, 100, 1_000)),
        keep_rows_min=rng.choice((1, 4, 8, 64, 64)),
        take=rng.choice(policies),
        shuffle=rng.random() < 0.3,
    )
