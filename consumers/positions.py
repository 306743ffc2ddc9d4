"""Where batches belong: entries one behind the other, and lines of a run that only go up.

Lives here: what `protocol.md`, section 4 calls the wrong position, as far as it shows beside the
other entries of a log or beside what was decided of it. Lives elsewhere: seals, tokens and whose
partition it is (the codec), and what becomes of a partition that holds such a batch (the turn).

1. A run's lines come to a partition in their order, so the first undecided one lies behind the last
   decided one. A batch that was copied to another place of its log does not, and neither does what
   it was moved behind.
2. What is decided of a run in a partition follows from the log up to the cursor. So whoever holds
   a head that is still there, and a cursor that is still right, cannot mistake a batch for a copy.
3. The work is done for entries, never for attempts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kernel.errors import WrongPosition
from kernel.ledger.merge import LoggedBatch, Slice
from kernel.ledger.units import Held

#: The first undecided line at hand of each run in each partition.
FirstLines = Mapping[tuple[str, int], int]


def entry_at(part: Held, position: int) -> str:
    """Return the id of the entry at hand that holds a position."""
    return next(entry.id for entry in part.entries if entry.end > position)


def slices_of(part: Held, batches: Sequence[LoggedBatch]) -> list[Slice]:
    """Return the undecided part of each entry at hand; `batches` are the entries, opened.

    Raises:
        WrongPosition: they do not follow one another, or bring lines of a run again.
    """
    slices = []
    position = part.cursor
    last: dict[str, int] = {}
    for entry, batch in zip(part.entries, batches, strict=True):
        start = position - (entry.end - len(batch.seqs))
        if not 0 <= start < len(batch.seqs) or (start and position != part.cursor):
            raise WrongPosition("an entry does not begin where the one before it ended")
        if batch.lines[start] <= last.get(batch.run, 0):
            raise again(batch.run, batch.lines[start], last[batch.run])
        slices.append(Slice(part.partition, batch, start))
        position = entry.end
        last[batch.run] = batch.lines[-1]
    return slices


def first_lines(slices: Sequence[Slice]) -> FirstLines:
    """Return where each run begins in each partition; slices come in the order of their log."""
    found: dict[tuple[str, int], int] = {}
    for partition, batch, start in slices:
        found.setdefault((batch.run, partition), batch.lines[start])
    return found


def last_lines(
    held: Sequence[Held],
    reach: Mapping[int, int],
    opened: Mapping[tuple[int, str], LoggedBatch],
) -> dict[str, dict[int, int]]:
    """Return by run and partition the last line of those decided; `reach` counts them."""
    found: dict[str, dict[int, int]] = {}
    for part in held:
        stop = part.cursor + reach.get(part.partition, 0)
        position = part.cursor
        for entry in part.entries:
            if position >= stop:
                break
            batch = opened[part.partition, entry.id]
            index = min(stop, entry.end) - (entry.end - len(batch.seqs)) - 1
            found.setdefault(batch.run, {})[part.partition] = batch.lines[index]
            position = entry.end
    return found


def behind(firsts: FirstLines, decided: Mapping[tuple[str, int], int]) -> dict[int, WrongPosition]:
    """Return the partitions in which a run's first line at hand is no new one."""
    return {
        partition: again(run, line, decided[run, partition])
        for (run, partition), line in firsts.items()
        if line <= decided.get((run, partition), 0)
    }


def again(run: str, line: int, last: int) -> WrongPosition:
    """Make the error for a batch whose lines are not new."""
    return WrongPosition(
        f"line {line} of run {run} comes behind its line {last}; somebody copied or moved a batch"
    )
