"""Told to stop while the server is away: everybody ends at once, by the signal's code, quietly.

The worker is the hard one: RQ builds a worker, listens to signals through it, and forgets both when
its connection breaks.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.fleet import Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server

LINES = 8_000


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_worker_told_to_stop_while_the_server_is_away_stops(
    tmp_path: Path, *, comes_back: bool
) -> None:
    """In the middle of a shift, whether or not the server ever comes back; another one goes on."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        config = config_file(tmp_path, "experiment", turn_attempts_max=32, chunk_lines_max=256)
        worker = fleet.worker()
        collector = fleet.collect(output)
        producer = fleet.produce(config, source)
        fleet.wait_for_answers(LINES // 5)

        server.kill()
        worker.tell(signal.SIGTERM)
        if comes_back:
            server.start()

        assert worker.ends() == 128 + signal.SIGTERM
        assert "Traceback" not in worker.said
        if not comes_back:
            server.start()
        fleet.worker()
        assert (producer.ends(), collector.ends()) == (0, 0)
        assert output.read_bytes() == memory_bytes(config, source)


def test_an_idle_worker_told_to_stop_while_the_server_is_away_stops(tmp_path: Path) -> None:
    """It waits in RQ's own loop for the server, and still hears the word."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        config = config_file(tmp_path, "experiment")
        fleet.make_ledger(config)
        (worker,) = fleet.known_workers(1)

        server.kill()
        worker.wait_for("could not connect|is away")
        worker.tell(signal.SIGTERM)

        assert worker.ends() == 128 + signal.SIGTERM
        assert "Traceback" not in worker.said


def test_a_collector_told_to_stop_while_the_server_is_away_keeps_what_it_has(
    tmp_path: Path,
) -> None:
    """Its checkpoint is on disk before the acknowledgement that it can no longer give."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        config = config_file(tmp_path, "experiment", turn_attempts_max=32, chunk_lines_max=256)
        fleet.worker()
        collector = fleet.collect(output)
        producer = fleet.produce(config, source)
        fleet.wait_for_answers(LINES // 5)

        server.kill()
        collector.tell(signal.SIGTERM)

        assert collector.ends() == 128 + signal.SIGTERM, collector.said
        server.start()
        assert (producer.ends(), fleet.collect(output).ends()) == (0, 0)
        assert output.read_bytes() == memory_bytes(config, source)
