"""Notes of operators, as a turn finds them: believed only when they were sealed for this attempt.

Lives here: opening a note and holding it to the attempt it lies at. Lives elsewhere: how a note
comes into the store (`halted.py`, the script `resume`), and how a skipped attempt is answered
(`kernel.domain.decide`).

Who can write to Redis can put a note anywhere, a copied one too: so position, number and entry are
under the seal. A note that is not for the attempt there halts the partition, and is removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from consumers.positions import entry_at
from kernel.adapters.acts import opened_act
from kernel.domain.batch import Batch
from kernel.engine.sealing import Seals
from kernel.errors import IntegrityError, WrongPosition
from kernel.ledger.units import Held


class Notes(NamedTuple):
    """The sequence numbers to be skipped; and by partition what is wrong, with its position."""

    skipped: frozenset[int]
    broken: Mapping[int, tuple[IntegrityError, int]]


NO_NOTES = Notes(frozenset(), {})


def notes_on(
    batch: Batch, held: Sequence[Held], notes: Mapping[tuple[int, int], str], seals: Seals
) -> Notes:
    """Open the notes that lie at attempts of a batch; others are not looked at."""
    if not notes:
        return NO_NOTES
    parts = {part.partition: part for part in held}
    position = {part.partition: part.cursor for part in held}
    skipped: set[int] = set()
    broken: dict[int, tuple[IntegrityError, int]] = {}
    for seq, partition in zip(batch.seqs, batch.partitions, strict=True):
        at = position[partition]
        position[partition] += 1
        note = notes.get((partition, at))
        if note is None:
            continue
        try:
            _check(note, (partition, at, seq, entry_at(parts[partition], at)), seals)
        except IntegrityError as error:
            broken[partition] = error, at
        else:
            skipped.add(seq)
    return Notes(frozenset(skipped), broken)


def _check(note: str, place: tuple[int, int, int, str], seals: Seals) -> None:
    act = opened_act(seals, note)
    if act.what != "skip" or (act.partition, act.position, act.seq, act.entry) != place:
        raise WrongPosition("an operator's note lies at another attempt than it was sealed for")
