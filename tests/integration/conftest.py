"""A fleet for every test: on the session's server, under a ledger of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fixtures import ledger_name, server
from tests.support.fleet import Fleet
from tests.support.marked import Marked, marked
from tests.support.server import Server
from tests.support.stand_ins import Stage

__all__ = ["ledger_name", "server"]


@pytest.fixture
def fleet(server: Server, ledger_name: str, tmp_path: Path) -> Iterator[Fleet]:
    """Make a fleet without members; whatever a test starts is killed at its end."""
    with Fleet(server.url, ledger_name, tmp_path) as made:
        yield made


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Set a stage for stand-ins; whoever is on it is stopped at the end."""
    made = Stage(tmp_path)
    yield made
    if made.supervisor is not None:
        made.supervisor.stop()
        assert all(not seen.is_alive for seen in made.supervisor.snapshot())


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Marked]:
    """Let whatever the test starts bear a mark, and have temporary files of its own."""
    with marked() as made:
        monkeypatch.setenv("TMPDIR", str(made.directory))
        yield made
