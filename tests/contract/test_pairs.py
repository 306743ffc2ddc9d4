"""Fields and values packed as one argument of a script: Lua reads what was given."""

from __future__ import annotations

from typing import Any

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.adapters.redis.client import command
from kernel.adapters.redis.pairs import packed_pairs, packed_texts

FIELDS = st.from_regex(r"[0-9a-z]{1,40}", fullmatch=True)
PAIRS = st.lists(st.tuples(FIELDS, st.binary(max_size=255)), max_size=40)


def read_by_lua(client: redis.Redis, packed: bytes) -> list[bytes]:
    """Return the array as a script finds it."""
    found: Any = command(client, "EVAL", "return cmsgpack.unpack(ARGV[1])", 0, packed)
    return list(found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pairs=PAIRS)
def test_lua_reads_the_fields_and_values_that_were_packed(
    pairs: list[tuple[str, bytes]], client: redis.Redis
) -> None:
    """Each field with its value behind it, whatever bytes the value has and however long it is."""
    expected = [part for field, value in pairs for part in (field.encode(), value)]

    assert read_by_lua(client, packed_pairs(pairs)) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(st.tuples(FIELDS, st.text(max_size=40)), max_size=40))
def test_lua_reads_the_texts_that_were_packed(
    texts: list[tuple[str, str]], client: redis.Redis
) -> None:
    """The same for values that are texts, which the encoder packs itself."""
    expected = [part.encode() for pair in texts for part in pair]

    packed = packed_texts([field for field, _ in texts], [value for _, value in texts])

    assert read_by_lua(client, packed) == expected


def test_as_many_pairs_as_a_turn_has_are_one_argument(client: redis.Redis) -> None:
    """More than a count of two bytes holds."""
    pairs = [(str(n), b"\xff" * (n % 256)) for n in range(40_000)]

    found = read_by_lua(client, packed_pairs(pairs))

    assert len(found) == 80_000
    assert found[-2:] == [b"39999", b"\xff" * (39_999 % 256)]
