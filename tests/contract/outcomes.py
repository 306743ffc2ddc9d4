"""Waits of a ledger on the server, as a test wants them: few outcomes, for a short time."""

from __future__ import annotations

from kernel.adapters.redis.outcomes import RedisOutcomes
from tests.support.stages import ServerStage

KEEP_MS, OUTCOMES_MAX = 1_000, 3


def outcomes_of(stage: ServerStage) -> RedisOutcomes:
    """Return the outcomes of a ledger, as one more process has them."""
    return RedisOutcomes(stage.ledger.attached, keep_ms=KEEP_MS, outcomes_max=OUTCOMES_MAX)
