"""A stage for every test: the memory twin and the server, and a test runs on both."""

from __future__ import annotations

from typing import Protocol

import pytest

from kernel.ledger.settings import FleetSettings
from tests.support.fixtures import client, ledger_name, server
from tests.support.stages import Stage, memory_stage, server_stage

__all__ = ["client", "ledger_name", "server"]


class StageMaker(Protocol):
    """Makes a stage of the kind that a test runs on."""

    def __call__(self, *, quota: int = 1, settings: FleetSettings | None = None) -> Stage:
        """Make a ledger of two partitions, unless the settings say otherwise."""


@pytest.fixture(params=["memory", "server"])
def new_stage(request: pytest.FixtureRequest) -> StageMaker:
    """Make a stage with the quota and the settings that a test wants."""
    if request.param == "memory":
        return memory_stage
    connection = request.getfixturevalue("client")
    name = request.getfixturevalue("ledger_name")

    def make(*, quota: int = 1, settings: FleetSettings | None = None) -> Stage:
        return server_stage(connection, name, quota=quota, settings=settings)

    return make


@pytest.fixture
def stage(new_stage: StageMaker) -> Stage:
    """A ledger of two partitions and a quota of one prime a day."""
    return new_stage()
