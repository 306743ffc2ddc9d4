"""A batch: attempts on their way to a decision, as columns.

Here: the shape and the flag bits. Not here: how a batch is numbered or stored. One object for each
attempt would cost more than deciding it; so an attempt is an index, the same in every column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: Part of a flag that holds the class code of `identity.py`.
CLASS = 3
#: The id is a prime, and the rules ask about primes.
PRIME = 4
#: A canonical prime while the day's quota is above 0: decided only when its gate lets it.
CANDIDATE = 8


class Batch(NamedTuple):
    """Attempts in ascending sequence number, with the run and the line each came from.

    `runs` are indices into `run_names`. `preds` names for each candidate the sequence number of the
    candidate of its UTC day before it, over all partitions; 0 if it is the day's first.
    """

    seqs: Sequence[int]
    partitions: Sequence[int]
    runs: Sequence[int]
    run_names: tuple[str, ...]
    lines: Sequence[int]
    ids: Sequence[str]
    customers: Sequence[str]
    cents: Sequence[int]
    days: Sequence[int]
    flags: Sequence[int]
    preds: dict[int, int]
