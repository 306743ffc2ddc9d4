"""Fixtures of the tests that need a server: one server a session, one fresh ledger name a test.

Import them in a folder's `conftest.py`. A test that stops or kills its server starts one of its own
(`tests.support.server.Server`); the one here is shared by all.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import redis

from tests.support.server import Server

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Start the session's server; without a binary the tests that want it fail."""
    with Server() as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    """Connect to the session's server, empty and with its limits lifted."""
    connection = server.client()
    connection.config_set("maxmemory", 0)
    connection.flushall()
    yield connection
    connection.config_set("maxmemory", 0)
    connection.flushall()
    connection.close()


@pytest.fixture
def ledger_name() -> str:
    """Name a ledger that no other test has used."""
    return f"t{next(_NUMBERS)}"
