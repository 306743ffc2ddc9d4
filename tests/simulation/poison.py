"""Attempts that make a step raise, and the operator who deals with what halts over them.

Lives here: which amounts are poison in a world, the decide step that raises for them, and the life
of the operator. Lives elsewhere: counting failures and halting (`consumers.turn`, the store), and
how a skipped attempt is to be answered (the oracle).

1. Poison raises by chance, as a step does that depends on what the process has met before: so a
   worker may hold a decision that others could not make.
2. Whoever resumes has mended the program first: that amount raises no more. Whoever skips has not.
3. What makes the whole feature step raise can't be skipped, as no step behind it sees the note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Protocol

import pytest

from kernel.adapters.acts import request_of
from kernel.domain import features
from kernel.domain.ruleset import RuleSet
from kernel.ledger import limits_nodes
from kernel.ledger.halts import SkipNote
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.units import TOKEN_BITS
from tests.simulation.lines import POISON_CENTS, POISON_STEP
from tests.simulation.scheduler import Actor
from tests.simulation.store import Link, SimulatedStore
from tests.support.poison import Poison, Poisoned

if TYPE_CHECKING:
    from kernel.adapters.codec import Codec

#: How long an operator who sees nothing halted waits, and how long one thinks who does.
LOOK_US = 10_000_000
THINK_US = 500_000
SKIP_SHARE = 0.5


class Rings(Protocol):
    """All that an operator does to the bell."""

    def ring(self) -> None:
        """Ring."""


class Sickness:
    """The amounts of one world that raise, and how often they do."""

    def __init__(self, rng: Random, odds: float) -> None:
        self._rng = rng
        self._odds = odds
        self._healed: set[int] = set()

    def heal(self, cents: int) -> None:
        """Mend the program for this amount."""
        self._healed.add(cents)

    def strikes(self, cents: int) -> bool:
        """Tell whether an amount raises this time."""
        sick = cents % POISON_STEP == POISON_CENTS and cents not in self._healed
        return sick and self._rng.random() < self._odds

    def effective_cents(
        self, amounts: Sequence[int], days: Sequence[int], rules: RuleSet
    ) -> Sequence[int]:
        """Do what the feature node calls, or raise; or return what raises in the decide node."""
        struck = {cents for cents in amounts if self.strikes(cents)}
        if any(map(fells_all, struck)):
            raise Poisoned("a whole batch")
        effective = features.effective_cents(amounts, days, rules)
        if not struck:
            return effective
        pairs = zip(amounts, effective, strict=True)
        return [Poison(counts) if cents in struck else counts for cents, counts in pairs]

    @contextmanager
    def spread(self) -> Iterator[None]:
        """Let the feature node fall ill for a while."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits_nodes, "effective_cents", self.effective_cents)
            yield


def fells_all(cents: int) -> bool:
    """Tell whether a poisoned amount makes the feature step raise, and so the whole batch."""
    return cents // POISON_STEP % 4 == 0


def operator_life(
    store: SimulatedStore, codec: Codec, link: Link, bell: Rings, sickness: Sickness
) -> Callable[[Actor], None]:
    """Look for halted partitions for ever; resume or skip, sometimes on an old look."""

    def live(actor: Actor) -> None:
        rng = actor.world.rng
        while True:
            actor.wait(LOOK_US, lambda: bool(_halted(store)))
            halted = _halted(store)
            if not halted:
                continue
            partition = rng.choice(halted)
            cursor = store.state.parts[partition].cursor
            seq, entry, cents = _head(store, codec, partition)
            actor.wait(rng.randrange(THINK_US))
            note = None
            if not fells_all(cents) and rng.random() < SKIP_SHARE:
                note = SkipNote(seq, "poison", entry)
            else:
                sickness.heal(cents)
            token = rng.getrandbits(TOKEN_BITS) | 1
            try:
                answer = link.resume(
                    request_of(
                        *(codec.seals, (partition, cursor), token, actor.name, note),
                        actor.world.now_us // 1000,
                    )
                )
            except StoreUnavailable as error:
                actor.world.log(actor.name, f"looks again: {error}")
                continue
            if answer.ring:
                bell.ring()

    return live


def _halted(store: SimulatedStore) -> list[int]:
    return [number for number, part in enumerate(store.state.parts) if part.state == "halted"]


def _head(store: SimulatedStore, codec: Codec, partition: int) -> tuple[int, str, int]:
    """Open a partition's head; return its number, its entry and its amount."""
    part = store.state.parts[partition]
    entry = next(entry for entry in part.log if entry.end > part.cursor)
    batch = codec.logged(partition, entry)
    index = part.cursor - (entry.end - len(batch.seqs))
    return batch.seqs[index], entry.id, batch.cents[index]
