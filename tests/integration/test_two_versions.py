"""Processes of two versions of the engine on one ledger: only one of them decides it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from kernel.adapters.config import read_config
from kernel.adapters.redis import keys
from kernel.adapters.redis.client import connect
from kernel.domain.ruleset import digest_of
from kernel.errors import EXIT_REFUSED
from tests.support.fleet import ENDS_S, PROJECT, Fleet
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.versions import LATER_ENGINE, OtherVersion
from tests.support.waiting import wait_until

CONFIG = PROJECT / "configs" / "experiment.yaml"
LINES = 600
SAYS = "is decided by version 2 of the engine, and this is version 1: use version 2 on it"


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> OtherVersion:
    """Make a copy of the program with a later engine."""
    return OtherVersion(tmp_path_factory.mktemp("later"), LATER_ENGINE)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Put a sample where the fleet finds it."""
    path = tmp_path / "source"
    path.write_bytes(sample_bytes(LINES))
    return path


@pytest.mark.row("processes of two engine versions")
def test_a_ledger_of_a_later_engine_is_refused_by_everybody_else(
    fleet: Fleet, later: OtherVersion, source: Path, tmp_path: Path
) -> None:
    """Exit 7 and a sentence that names both versions; the later program itself completes it."""
    output = tmp_path / "output"
    fleet.variables = later.variables
    fleet.make_ledger(CONFIG)
    fleet.variables = {}

    refused = [
        *(fleet.worker(), fleet.supervise(1)),
        *(fleet.produce(CONFIG, source), fleet.collect(output)),
    ]

    for member in refused:
        assert member.ends() == EXIT_REFUSED, member.said
        assert SAYS in member.said
    fleet.variables = later.variables
    fleet.worker()
    members = (fleet.produce(CONFIG, source), fleet.collect(output))
    assert [member.ends() for member in members] == [0, 0]
    assert output.read_bytes() == memory_bytes(CONFIG, source)


@pytest.mark.row("processes of two engine versions")
def test_who_is_left_behind_by_the_ledger_ends_and_halts_nothing(
    fleet: Fleet, later: OtherVersion, source: Path, tmp_path: Path
) -> None:
    """Worker and producer were at work before; their commit and append are refused by name.

    Batches of the later engine look broken to that worker. They are not, and no partition may halt
    for it: the later one goes on.
    """
    output, record = tmp_path / "output", keys.record(fleet.ledger)
    fleet.make_ledger(CONFIG)
    worker = fleet.worker()
    worker.wait_for("is ready")
    fleet.run = "tuesday"
    feeder = fleet.produce(CONFIG, "-", stdin=subprocess.PIPE)
    wait_until(fleet.run_view, within_s=ENDS_S, what="the run to be opened")
    fleet.run = "monday"
    client: Any = connect(fleet.url)
    digest = digest_of("2", read_config(CONFIG).rules.to_json())
    client.hset(record, "digest", digest)
    client.close()
    fleet.variables = later.variables
    producer = fleet.produce(CONFIG, source)

    assert feeder.popen.stdin is not None
    feeder.popen.stdin.write(source.read_bytes())
    feeder.popen.stdin.close()
    for left_behind in (worker, feeder):
        assert left_behind.ends() == EXIT_REFUSED, left_behind.said
        assert SAYS in left_behind.said
    fleet.worker()
    collector = fleet.collect(output)
    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == memory_bytes(CONFIG, source)
    assert "halted" not in {part.state for part in fleet.view().partitions}
