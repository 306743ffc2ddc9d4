"""The gate of one UTC day: the order in which its candidates are decided.

The prime quota is the one rule that ties customers together, and customers live in different
partitions. So the day's candidates form a chain in sequence order: each knows the one before it,
and the gate knows how far the chain has got. Here: the state of a chain and the two questions asked
of it. Not here: who waits for it, and where it is kept.

1. A candidate may be decided when the quota is used up, or when the one before it was the last to
   settle.
2. Decided while the quota is not used up it settles, whatever its answer: it becomes the front,
   and it uses one of the quota only if it was accepted.
3. Decided after the quota is used up it changes nothing: nobody will ever wait again that day.
"""

from __future__ import annotations

from typing import NamedTuple


class Gate(NamedTuple):
    """How far a day has got: the last candidate settled (0 = none) and the quota used."""

    front: int = 0
    used: int = 0


class Settlement(NamedTuple):
    """A gate moved in one turn: valid only on the front it was decided on."""

    day: int
    front_before: int
    front: int
    used: int


def may_decide(gate: Gate, pred: int, quota: int) -> bool:
    """Say whether the candidate behind `pred` may be decided now (rule 1)."""
    return gate.used >= quota or gate.front == pred


def opens(wait_pred: int, gate: Gate, quota: int) -> bool:
    """Say whether who waits for `wait_pred` may go on.

    At or below the front, not only at it: a waiter may have missed the moment, because somebody
    else decided its attempt meanwhile. It must not wait for a moment that is past.
    """
    return gate.used >= quota or wait_pred <= gate.front
