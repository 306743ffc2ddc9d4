"""Identity of attempts: canonical, replay or conflict (`rules.md`, section 3).

Here: what is registered for an attempt and how a chunk is classified against the registry. Not
here: the registry itself, which is state and belongs to the ledger; nor what a duplicate costs,
which `decide.py` says.

1. The first well-formed attempt of a ledger with a field owns it for ever, even if declined.
2. Within a chunk the earlier line is first; the registry is older than the whole chunk.
3. A fingerprint is exact text, never a hash: two payloads are the same or they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kernel.domain.ruleset import DuplicateScope

CANONICAL = 0
REPLAY = 1
CONFLICT = 2


class Classified(NamedTuple):
    """A class for each attempt of a chunk, and what the chunk registers, in line order."""

    classes: bytes | bytearray
    new_fields: list[str]
    new_prints: list[str]


def registry_fields(ids: list[str], customers: list[str], scope: DuplicateScope) -> list[str]:
    """Return the registry field of each attempt; for the scope `id` that is the list given."""
    if scope == "id":
        return ids
    # Ids and customers hold digits only, so a comma between them is no part of either.
    return list(map(",".join, zip(customers, ids, strict=True)))


def fingerprints(customers: list[str], cents: list[int], instants: list[str]) -> list[str]:
    """Return what makes two attempts with one id the same attempt: customer, cents, UTC instant."""
    columns = zip(customers, cents, instants, strict=True)
    return [f"{customer},{amount},{instant}" for customer, amount, instant in columns]


def classify(fields: list[str], prints: list[str], owners: Sequence[str | None]) -> Classified:
    """Classify a chunk.

    Args:
        fields: the registry field of each attempt.
        prints: the fingerprint of each attempt.
        owners: per attempt the fingerprint registered for its field before this chunk, or None.

    Returns:
        The classes, and the fields and fingerprints to register. When the whole chunk is new these
        are the lists given, not copies.
    """
    count = len(fields)
    if owners.count(None) == count and len(set(fields)) == count:
        return Classified(bytes(count), fields, prints)
    classes = bytearray(count)
    claimed: dict[str, str] = {}
    for index, (field, fingerprint, owner) in enumerate(zip(fields, prints, owners, strict=True)):
        first = claimed.get(field) if owner is None else owner
        if first is None:
            claimed[field] = fingerprint
        else:
            classes[index] = REPLAY if first == fingerprint else CONFLICT
    return Classified(classes, list(claimed), list(claimed.values()))
