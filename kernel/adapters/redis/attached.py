"""What all wrappers of one ledger share: client, scripts, record, the first arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel.adapters.redis import keys
from kernel.adapters.redis.durable import Barrier
from kernel.adapters.redis.scripts import Scripts
from kernel.ledger.settings import FleetSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis

    from kernel.adapters.redis.client import Argument
    from kernel.ledger.record import LedgerRecord


class Attached:
    """What the wrappers share: client, scripts, record, and the first arguments of every script."""

    def __init__(
        self,
        client: redis.Redis,
        name: str,
        record: LedgerRecord,
        clock_us: Callable[[], int] | None = None,
    ) -> None:
        self.client = client
        self.name = name
        self.record = record
        self.record_key = keys.record(name)
        self.settings = FleetSettings.from_json(record.settings)
        self._scripts = Scripts(client)
        self._clock_us = clock_us
        #: On which of the client's connections replies were read last; 0 before any.
        self.reads_on = 0
        self._barriers: dict[int, Barrier] = {}

    def barrier(self, replicas: int) -> Barrier:
        """Return the barrier that so many replicas are asked for."""
        return self._barriers.setdefault(replicas, Barrier(self.client, replicas))

    def key(self, name: str) -> str:
        """Key of another part of this ledger."""
        return keys.beside(self.name, name)

    def step(self, script: str, *arguments: Argument) -> list[Any]:
        """Run a script of this ledger. Time is the server's, but for tests that bring a clock."""
        return self._scripts.run(script, [self.record_key], self._opened_by(arguments))

    def step_with(
        self, script: str, arguments: Sequence[Argument], reads: Sequence[Sequence[Argument]]
    ) -> list[Any]:
        """Run a script and plain reads in one atomic step; return its answer, then theirs."""
        opened_by = self._opened_by(arguments)
        return self._scripts.run_with(script, [self.record_key], opened_by, reads)

    def _opened_by(self, arguments: Sequence[Argument]) -> list[Argument]:
        now = "" if self._clock_us is None else self._clock_us()
        return [self.record.incarnation, now, *arguments]
