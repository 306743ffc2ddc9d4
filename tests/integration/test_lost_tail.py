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


def test_a_tail_lost_after_the_last_append_is_fed_again(tmp_path: Path) -> None:
    """The producer of `run` was done and gone: it is started again, and the run comes to its end.

    The first second of a run is cut away whole: the run itself is not known to the server any more.
    """
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        config = config_file(tmp_path, "experiment", chunk_lines_max=1_024, turn_attempts_max=64)
        fleet.make_ledger(config)
        size = server.hold_tail()
        place = ("--redis-url", server.url, "--ledger", fleet.ledger, "--run", fleet.run)
        words = ("--config", str(config), "--input", str(source), "--output", str(output))

        run = fleet.start("run", *words, *place, "--workers", "2")
        run.wait_for(f"{LINES} lines are on ledger")
        fleet.wait_for_answers(LINES // 5)
        server.cut_tail(size)

        assert run.ends() == 0, run.said
        assert "Redis has lost the end of the run; starting producer again" in run.said
        assert output.read_bytes() == memory_bytes(config, source)
        assert "Traceback" not in run.said
