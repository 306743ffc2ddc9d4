"""Settings of a fleet: sizes and times, fixed when its ledger is created.

Here: every figure with its unit, default and range. Not here: the file they come from (adapters),
addresses and secrets (the bundle of a process). They are written into the ledger as text and every
process reads them from there, so that two workers never hold different leases for the same one.

1. No setting changes an answer; they trade speed, memory and how soon a failure is noticed.
2. Values outside their range cannot be built, nor values that contradict one another.
"""

from __future__ import annotations

import json
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Literal, get_args

TakePolicy = Literal["auto", "share", "all", "one"]
#: However long its lease is, a run's owner gives a sign of life at least so often.
RUN_RENEWAL_MS_MAX = 1_000


def _whole(default: int, low: int, high: int) -> int:
    """Declare a whole number with its range, which `range_of` finds again."""
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True)
class FleetSettings:
    """What the processes of one ledger agree on; `configs/README.md` tells how to choose."""

    #: Parts into which customers are divided; each is decided by one worker at a time.
    partitions: int = _whole(16, 1, 256)
    #: Lines appended at once. The server is held for about a millisecond per thousand.
    chunk_lines_max: int = _whole(4_096, 1, 8_192)
    #: Attempts decided and committed at once.
    turn_attempts_max: int = _whole(4_096, 1, 16_384)
    #: Lines of a run appended but not yet written out; bounds log, replies and hold-back alike.
    inflight_lines_max: int = _whole(262_144, 1, 4_194_304)
    #: How long a worker may hold a partition without a sign of life.
    lease_ms: int = _whole(1_000, 1, 600_000)
    #: Length of a shift, after which the worker goes back to its RQ queue; below the job's timeout.
    shift_ms: int = _whole(20_000, 1, 60_000)
    #: How long a shift counts as alive without a sign of life.
    shift_deadline_ms: int = _whole(2_000, 1, 600_000)
    #: How long a ring may be pending before the next one is sent.
    ring_ms: int = _whole(2_000, 1, 600_000)
    #: How long a shift waits for more work before it ends.
    linger_ms: int = _whole(500, 0, 60_000)
    #: How long a run belongs to its producer, and to its collector, without a sign of life. A third
    #: of it and the longest wait for news (0.2 s) have to pass between two of them.
    run_lease_ms: int = _whole(5_000, 600, 600_000)
    #: How long a worker counts as known without a sign of life.
    worker_ttl_ms: int = _whole(2_000, 1, 600_000)
    #: Shortest time between two ticks of a ledger.
    tick_ms: int = _whole(250, 1, 600_000)
    #: How long a throw-away ledger outlives the last sign of its supervisor.
    throwaway_ms: int = _whole(30_000, 1, 3_600_000)
    #: A turn that decided this many attempts keeps its blocked partitions instead of parking them.
    keep_rows_min: int = _whole(64, 1, 16_384)
    #: How much of what is ready a worker takes: everything if there are gates, else its share. The
    #: other policies are for tests.
    take: TakePolicy = "auto"
    #: Take ready partitions in random order; for tests.
    shuffle: bool = False

    def __post_init__(self) -> None:
        """Refuse values outside their range, and pairs that contradict one another."""
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            # `type is int` and not isinstance: True is an int to Python, but never a size.
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name} must be a whole number from {low} to {high}")
        if self.take not in get_args(TakePolicy):
            raise ValueError(f"take must be one of {', '.join(get_args(TakePolicy))}")
        if type(self.shuffle) is not bool:
            raise ValueError("shuffle must be true or false")
        if self.inflight_lines_max < self.chunk_lines_max:
            raise ValueError("inflight_lines_max must be at least chunk_lines_max: no chunk fits")
        if self.linger_ms >= self.shift_deadline_ms:
            raise ValueError("linger_ms must be below shift_deadline_ms: a waiting shift would die")
        if self.tick_ms >= self.worker_ttl_ms:
            raise ValueError("tick_ms must be below worker_ttl_ms: idle workers would be forgotten")

    @property
    def run_renewal_ms(self) -> int:
        """After how long a run's owner gives a sign of life though there is nothing to do."""
        return min(RUN_RENEWAL_MS_MAX, self.run_lease_ms // 3)

    def to_json(self) -> str:
        """Return the settings as text, always the same for equal settings."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> FleetSettings:
        """Read what `to_json` wrote.

        Raises:
            ValueError: not such a text; a missing or an unknown name is never guessed at.
        """
        values = json.loads(text)
        names = {setting.name for setting in fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            raise ValueError(f"not fleet settings: they have exactly the names {sorted(names)}")
        return cls(**values)


def _range_of(setting: Field[Any]) -> tuple[int, int]:
    low, high = setting.metadata["range"]
    return int(low), int(high)


#: Smallest and largest value of every whole number in the settings.
RANGES: dict[str, tuple[int, int]] = {
    setting.name: _range_of(setting) for setting in fields(FleetSettings) if setting.metadata
}
