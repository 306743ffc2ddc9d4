"""Attempts that make a step raise: found among the others, tried again after a pause.

Here: how the one that raises is told from the rest, and how long its partition is passed over.
Not here: counting and halting; that is the `fail` script's (scheduling.md, rule 17).

1. `decide` itself catches what an attempt raises and says which. Any other node raises for a whole
   batch; then ever shorter beginnings of it are decided, until one can be, or is a single attempt.
2. A partition whose head raised is passed over for a while that grows each time. The others go on.
3. What is no fault of an attempt is not caught: a store that is away, a state that is not what was
   written, a cursor that moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from consumers.state import Unfit
from kernel.domain.batch import Batch
from kernel.domain.decide import Decided
from kernel.errors import FundloadError
from kernel.ledger.payloads import DecidedTurn

#: How long a partition is passed over at first; doubled each time, up to the second figure.
PAUSE_MS = 50
PAUSE_MS_MAX = 400


def decided_up_to_poison(batch: Batch, decide: Callable[[Batch], DecidedTurn]) -> DecidedTurn:
    """Decide a batch, or as much of its beginning as no step raises for.

    Raises:
        Unfit, FundloadError: as `decide` does.
    """
    while True:
        try:
            return decide(batch)
        except (Unfit, FundloadError):
            raise
        except Exception as error:  # noqa: BLE001 - kept: the partition halts over it
            attempts = len(batch.seqs)
            if attempts == 1:
                return _nothing_but(batch, error)
            batch = _beginning(batch, attempts // 2)


def _beginning(batch: Batch, attempts: int) -> Batch:
    return batch._replace(
        seqs=batch.seqs[:attempts],
        partitions=batch.partitions[:attempts],
        runs=batch.runs[:attempts],
        lines=batch.lines[:attempts],
        ids=batch.ids[:attempts],
        customers=batch.customers[:attempts],
        cents=batch.cents[:attempts],
        days=batch.days[:attempts],
        flags=batch.flags[:attempts],
    )


def _nothing_but(batch: Batch, error: Exception) -> DecidedTurn:
    """Say of a batch of one attempt that it raised."""
    partition = batch.partitions[0]
    nothing = Decided(
        batch=batch,
        taken=(),
        codes=bytearray(),
        reach={partition: 0},
        blocked={},
        raised={partition: error},
        windows={},
        settled={},
    )
    return DecidedTurn(nothing, ())


class _Pause(NamedTuple):
    until_ms: int
    length_ms: int


class Pauses:
    """Which partitions a worker passes over, and until when."""

    def __init__(self) -> None:
        self._pauses: dict[int, _Pause] = {}

    def standing(self, now_ms: int) -> frozenset[int]:
        """Return the partitions that are to be passed over now."""
        return frozenset(p for p, pause in self._pauses.items() if now_ms < pause.until_ms)

    def left_ms(self, now_ms: int) -> int:
        """Return how long it is until the next of them may be tried, 0 if there is none."""
        left = [pause.until_ms - now_ms for pause in self._pauses.values()]
        return max(min(left, default=0), 0)

    def after_turn(self, raised: Sequence[int], passed_over: frozenset[int], now_ms: int) -> None:
        """Pass over what raised, longer than last time; what was tried and did not is as new."""
        before = self._pauses
        self._pauses = {p: pause for p, pause in before.items() if p in passed_over}
        for partition in raised:
            last = before.get(partition)
            length_ms = PAUSE_MS if last is None else min(2 * last.length_ms, PAUSE_MS_MAX)
            self._pauses[partition] = _Pause(now_ms + length_ms, length_ms)
