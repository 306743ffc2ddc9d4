"""A server without room (`noeviction`): what was appended is still decided; the producer waits.

Only the scripts that make a ledger grow are refused there, so that a full server drains itself. RQ
knows no such flags: it can neither ring nor say that a worker lives.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kernel.adapters.redis.bell import shift_queue
from tests.support.fleet import ENDS_S, Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server
from tests.support.waiting import wait_until

LINES = 9_000
FULL = pytest.mark.row("out of memory in Redis")


def is_drained(fleet: Fleet) -> bool:
    """Say whether every line appended so far is answered, and some are not appended yet."""
    view = fleet.run_view()
    return view is not None and view.answers == view.position


@FULL
def test_a_full_server_is_drained_and_the_producer_waits_for_room(tmp_path: Path) -> None:
    """Filled up in the middle of a run; with room again it goes on by itself."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        config = config_file(
            tmp_path,
            "experiment",
            chunk_lines_max=256,
            inflight_lines_max=2_048,
            turn_attempts_max=128,
        )
        workers = [fleet.worker(), fleet.worker()]
        collector, producer = fleet.collect(output), fleet.produce(config, source)
        fleet.wait_for_answers(LINES // 4)
        client: Any = server.client()

        client.config_set("maxmemory", 1)

        wait_until(lambda: is_drained(fleet), within_s=ENDS_S, what="what is there to be answered")
        stood = fleet.run_view()
        assert stood is not None
        assert LINES // 4 <= stood.position < LINES
        wait_until(
            lambda: fleet.written() == stood.position, within_s=ENDS_S, what="rows to be written"
        )
        members = (producer, collector, *workers)
        assert [member.popen.poll() for member in members] == [None] * 4
        client.config_set("maxmemory", 0)
        client.close()
        assert (producer.ends(), collector.ends()) == (0, 0)
        assert output.read_bytes() == memory_bytes(config, source)
        for member in members:
            assert "Traceback" not in member.said


@FULL
def test_a_full_server_is_drained_also_when_rq_cannot_ring(tmp_path: Path) -> None:
    """Lines wait, RQ has no job for them and takes no new one: an idle worker's tick decides."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(1_000))
        config = config_file(tmp_path, "experiment", ring_ms=500)
        fleet.make_ledger(config)
        (worker,) = fleet.known_workers(1)
        worker.freeze()
        assert fleet.produce(config, source).ends() == 0
        client: Any = server.client()
        shift_queue(client, fleet.ledger).empty()
        client.config_set("maxmemory", 1)

        worker.thaw()

        wait_until(lambda: is_drained(fleet), within_s=ENDS_S, what="the lines to be decided")
        assert worker.popen.poll() is None
        client.config_set("maxmemory", 0)
        client.close()
        assert fleet.collect(output).ends() == 0
        assert output.read_bytes() == memory_bytes(config, source)
        assert "Traceback" not in worker.said
