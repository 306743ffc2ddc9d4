"""A server that comes back without its last seconds: everybody goes back with it, untold.

The append-only file is cut to what it was a while ago, as a crash between two syncs would leave it.
What was appended, decided, even written out since then happens again, and must be the same.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleet import Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server

LINES = 12_000


@pytest.mark.parametrize("name", ["baseline", "experiment"])
def test_a_lost_tail_changes_no_byte(tmp_path: Path, name: str) -> None:
    """Lost in the middle of a run, and again near its end: the same bytes."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        config = config_file(
            tmp_path,
            name,
            chunk_lines_max=256,
            inflight_lines_max=2_048,
            turn_attempts_max=128,
        )
        workers = [fleet.worker(), fleet.worker()]
        collector = fleet.collect(output)
        producer = fleet.produce(config, source)

        for share in (0.2, 0.6):
            fleet.wait_for_answers(int(share * LINES))
            size = server.hold_tail()
            fleet.wait_for_answers(int((share + 0.2) * LINES))
            server.cut_tail(size)

        assert (producer.ends(), collector.ends()) == (0, 0)
        assert int(producer.wait_for(r"(\d+) rewinds")[1]) >= 1
        assert output.read_bytes() == memory_bytes(config, source)
        fleet.stop_workers(workers)
        for member in fleet.members:
            assert "Traceback" not in member.said
