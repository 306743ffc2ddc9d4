"""A server that comes back without its last seconds: everybody goes back with it, untold.

The append-only file is cut to what it was a while ago, as a crash between two syncs would leave it.
What was appended, decided, even written out since then happens again, and must be the same.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleet import Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.proxy import Proxy
from tests.support.server import Server

LINES = 12_000
ROW = pytest.mark.row("Redis loses its tail")


@ROW
@pytest.mark.parametrize("name", ["baseline", "experiment"])
def test_a_lost_tail_changes_no_byte(tmp_path: Path, name: str) -> None:
    """Lost early in a run, and again in its second half: the same bytes."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        config = config_file(
            tmp_path,
            name,
            chunk_lines_max=256,
            inflight_lines_max=1_024,
            turn_attempts_max=128,
        )
        workers = [fleet.worker(), fleet.worker()]
        collector = fleet.collect(output)
        producer = fleet.produce(config, source)

        for share in (0.2, 0.5):  # its producer is still at work when the second tail is lost
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


@ROW
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


@ROW
def test_everybody_goes_back_who_holds_what_the_server_lost(tmp_path: Path) -> None:
    """Producer and collector are frozen ahead of what is left: lines sent, rows safe on disk."""
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
        fleet.wait_for_answers(LINES // 5)
        size = server.hold_tail()
        held = fleet.run_view()
        assert held is not None
        fleet.wait_for_answers(held.answers + 2 * 2_048)  # so some of the lost are on disk
        for member in fleet.members:
            member.freeze()
        rows = (tmp_path / "output.partial").read_bytes().count(b"\n")
        before = fleet.run_view()

        server.cut_tail(size)

        after = fleet.run_view()
        assert before is not None
        assert after is not None
        assert after.position < before.position
        assert after.answers < min(rows, before.written)
        for member in fleet.members:
            member.thaw()
        assert (producer.ends(), collector.ends()) == (0, 0)
        assert int(producer.wait_for(r"(\d+) rewinds")[1]) >= 1
        assert output.read_bytes() == memory_bytes(config, source)
        assert [worker.popen.poll() for worker in workers] == [None, None]


@ROW
@pytest.mark.parametrize("is_sent_again", [False, True], ids=["gone", "sent again"])
def test_a_commit_of_what_the_server_lost_is_rewound(tmp_path: Path, is_sent_again: bool) -> None:
    """It is on its way while the lines go, also when the very same lines are back before it."""
    with (
        Server() as server,
        Proxy(server.socket) as proxy,
        Fleet(server.url, "prod", tmp_path) as fleet,
    ):
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(2_000))
        config = config_file(tmp_path, "experiment", run_lease_ms=600)
        fleet.make_ledger(config)
        size = server.hold_tail()
        proxy.hold_up("commit")
        worker = fleet.start("worker", "--redis-url", proxy.url, "--ledger", "prod")
        assert fleet.produce(config, source).ends() == 0
        proxy.wait_until_held()
        worker.freeze()

        server.cut_tail(size)

        assert fleet.run_view() is None
        if is_sent_again:
            assert fleet.produce(config, source).ends() == 0
        assert b"REWOUND" in proxy.let_go("commit")
        worker.thaw()
        assert fleet.produce(config, source).ends() == 0
        assert fleet.collect(output).ends() == 0
        assert output.read_bytes() == memory_bytes(config, source)
