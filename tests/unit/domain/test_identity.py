"""Identity: who owns an id, and what a later line with it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.domain.identity import (
    CANONICAL,
    CONFLICT,
    REPLAY,
    classify,
    fingerprints,
    registry_fields,
)


def test_a_new_chunk_is_canonical_and_registers_everything() -> None:
    """Nothing owned, nothing repeated."""
    classified = classify(["1", "2"], ["a", "a"], [None, None])

    assert list(classified.classes) == [CANONICAL, CANONICAL]
    assert (classified.new_fields, classified.new_prints) == (["1", "2"], ["a", "a"])


def test_the_registry_owns_before_the_chunk_does() -> None:
    """The same fingerprint is a replay, another a conflict; neither registers anything."""
    classified = classify(["1", "1", "2"], ["a", "b", "c"], ["a", "a", None])

    assert list(classified.classes) == [REPLAY, CONFLICT, CANONICAL]
    assert (classified.new_fields, classified.new_prints) == (["2"], ["c"])


def test_the_first_line_of_a_chunk_owns_its_id() -> None:
    """Later ones are measured against the first, never against each other."""
    classified = classify(["1", "1", "1", "1"], ["a", "b", "b", "a"], [None] * 4)

    assert list(classified.classes) == [CANONICAL, CONFLICT, CONFLICT, REPLAY]
    assert (classified.new_fields, classified.new_prints) == (["1"], ["a"])


def test_nothing_is_registered_of_no_attempts() -> None:
    """A chunk of bad lines alone."""
    assert classify([], [], []) == (b"", [], [])


def test_ids_are_compared_as_text() -> None:
    """`007` and `7` differ."""
    assert list(classify(["007", "7"], ["a", "a"], [None, None]).classes) == [0, 0]


def test_the_scope_says_what_owns_an_identity() -> None:
    """Under `id` the list given; under `customer_and_id` both, with the customer first."""
    ids = ["1", "12"]

    assert registry_fields(ids, ["21", "2"], "id") is ids
    assert registry_fields(ids, ["21", "2"], "customer_and_id") == ["21,1", "2,12"]


def test_a_fingerprint_is_the_exact_text_of_the_payload() -> None:
    """Customer, cents and UTC instant; any of them different makes another fingerprint."""
    prints = fingerprints(
        ["6", "6", "6", "7"],
        [100, 101, 100, 100],
        ["20000101000000", "20000101000000", "20000101000000.000001", "20000101000000"],
    )

    assert prints[0] == "6,100,20000101000000"
    assert len(set(prints)) == 4


def test_columns_of_unequal_length_are_refused() -> None:
    """A short answer of the registry never passes for a registry that owns nothing."""
    with pytest.raises(ValueError, match="argument"):
        classify(["1", "2"], ["a", "b"], [None])


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=30),
    st.lists(st.integers(0, 30), max_size=4),
)
def test_any_cut_into_chunks_gives_the_classes_of_one_line_at_a_time(
    lines: Sequence[tuple[int, int]], cuts: list[int]
) -> None:
    """Classes do not depend on where chunks end; the owner never changes."""
    owners: dict[str, str] = {}
    expected: list[int] = []
    for identity, payload in lines:
        is_first = str(identity) not in owners
        owner = owners.setdefault(str(identity), f"p{payload}")
        later = REPLAY if owner == f"p{payload}" else CONFLICT
        expected.append(CANONICAL if is_first else later)
    registry: dict[str, str] = {}
    got: list[int] = []
    edges = sorted({0, len(lines), *[cut for cut in cuts if cut < len(lines)]})

    for start, end in pairwise(edges):
        fields = [str(identity) for identity, _ in lines[start:end]]
        prints = [f"p{payload}" for _, payload in lines[start:end]]
        classified = classify(fields, prints, [registry.get(field) for field in fields])
        registry.update(zip(classified.new_fields, classified.new_prints, strict=True))
        got += classified.classes

    assert got == expected
    assert registry == owners
