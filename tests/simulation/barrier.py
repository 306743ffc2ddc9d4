"""The barrier of a simulated store: nothing is durable there, so nobody may ask for it."""

from __future__ import annotations

from kernel.ledger.ports import Settled


class Barrier:
    """Stands for `ReplyPort.settle` in a world whose tails get lost by design."""

    def settle(self, *, run: str, owner: str, replicas: int) -> Settled:
        """See the ports: never settled, so a collector that waited for it would stall."""
        del run, owner, replicas
        return "LATE"
