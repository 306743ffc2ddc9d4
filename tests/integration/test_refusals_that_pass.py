"""A server that refuses every write for a while, as one does in a fail-over: waited for."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.support.fleet import Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server
from tests.support.waiting import wait_until

LINES = 6_000
REFUSES_S = 2.0


def test_a_primary_without_its_replicas_is_waited_for(tmp_path: Path) -> None:
    """Refused in the middle of a run, by `min-replicas-to-write`, each process goes on."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        config = config_file(
            tmp_path,
            "experiment",
            chunk_lines_max=64,
            turn_attempts_max=64,
            inflight_lines_max=1_024,
        )
        workers = [fleet.worker(), fleet.worker()]
        producer, collector = fleet.produce(config, source), fleet.collect(output)
        fleet.wait_for_answers(LINES // 10)
        client = server.client()

        client.config_set("min-replicas-to-write", 1)
        ends_at = time.monotonic() + REFUSES_S
        wait_until(lambda: time.monotonic() >= ends_at, within_s=10, what="refusals to be met")
        assert fleet.written() < LINES
        client.config_set("min-replicas-to-write", 0)
        client.close()

        assert (producer.ends(), collector.ends()) == (0, 0)
        assert output.read_bytes() == memory_bytes(config, source)
        assert "Traceback" not in producer.said + collector.said
        for worker in workers:
            worker.tell(signal.SIGTERM)
        assert [worker.ends() for worker in workers] == [143, 143]
