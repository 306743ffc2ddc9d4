"""A server that is killed, that is slow to come back, that only reads, that was replaced.

Nobody has to be told: every process asks again until the server is itself again, for a minute.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.fleet import ENDS_S, Fleet, Member, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.proxy import Proxy
from tests.support.server import Server, free_port
from tests.support.waiting import wait_until

NOT_READY = pytest.mark.row("Redis down at the start; LOADING; READONLY")


def slow_config(folder: Path) -> Path:
    """Make a run last: few lines in flight, so that its producer waits for the collector."""
    return config_file(
        folder, "experiment", chunk_lines_max=256, inflight_lines_max=2_048, turn_attempts_max=128
    )


def started(fleet: Fleet, config: Path, source: Path) -> list[Member]:
    """Start a producer, a collector and two workers."""
    producer, collector = fleet.produce(config, source), fleet.collect(fleet.folder / "output")
    return [producer, collector, fleet.worker(), fleet.worker()]


def assert_complete(fleet: Fleet, members: list[Member], config: Path, source: Path) -> None:
    """Hold a run to its end, and its processes to having come through."""
    producer, collector, *workers = members
    assert (producer.ends(), collector.ends()) == (0, 0)
    assert (fleet.folder / "output").read_bytes() == memory_bytes(config, source)
    assert [worker.popen.poll() for worker in workers] == [None] * len(workers)
    for member in members:
        assert "Traceback" not in member.said


@pytest.mark.row("Redis killed and started again")
@pytest.mark.parametrize(
    "lines",
    [12_000, pytest.param(300_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
)
def test_a_run_outlives_three_kills_of_the_server(tmp_path: Path, lines: int) -> None:
    """In one command with its supervisor: nobody is started again, and no byte differs."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(lines))
        config = slow_config(tmp_path) if lines < 100_000 else config_file(tmp_path, "experiment")
        words = ("--config", str(config), "--input", str(source), "--output", str(output))
        there = ("--redis-url", fleet.url, "--ledger", fleet.ledger, "--run", fleet.run)
        run = fleet.start("run", *words, *there, "--workers", "2")

        for share in (0.2, 0.4, 0.6):
            fleet.wait_for_answers(int(share * lines))
            server.restart()

        assert run.ends(500) == 0, run.said
        assert output.read_bytes() == memory_bytes(config, source)
        for word in ("starting it again", "Traceback", "crash"):
            assert word not in run.said


@NOT_READY
def test_a_server_that_is_loading_is_waited_for(tmp_path: Path) -> None:
    """By those who are at work when it comes back, and by those who are started meanwhile."""
    lines = 8_000
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source = tmp_path / "sample"
        source.write_bytes(sample_bytes(lines))
        config = slow_config(tmp_path)
        client = server.client()
        with client.pipeline(transaction=False) as many:
            for number in range(20_000):
                many.set("padding", number)  # so that there is something to read back
            many.execute()
        client.close()
        producer, collector = fleet.produce(config, source), fleet.collect(tmp_path / "output")
        workers = [fleet.worker()]
        fleet.wait_for_answers(lines // 4)
        server.kill()

        server.start(slow_s=3)

        workers.append(fleet.worker())
        assert server.is_loading(), "loaded too soon to show anything"
        members = [producer, collector, *workers]
        assert [member.popen.poll() for member in members] == [None] * 4
        assert_complete(fleet, members, config, source)


@NOT_READY
def test_a_server_that_only_reads_is_waited_for(tmp_path: Path) -> None:
    """A primary that became a replica refuses every write; when it is one again, all go on."""
    lines = 8_000
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source = tmp_path / "sample"
        source.write_bytes(sample_bytes(lines))
        config = slow_config(tmp_path)
        members = started(fleet, config, source)
        fleet.wait_for_answers(lines // 4)
        client: Any = server.client()

        client.replicaof("127.0.0.1", "1")
        stood = fleet.run_view()
        until = time.monotonic() + 1
        wait_until(lambda: time.monotonic() > until, within_s=5, what="a second to pass")

        assert stood is not None
        assert fleet.run_view() == stood
        late = fleet.worker()
        wait_until(lambda: errors(client, "READONLY") >= 20, within_s=ENDS_S, what="refusals")
        assert [member.popen.poll() for member in (*members, late)] == [None] * 5
        client.replicaof("NO", "ONE")
        client.close()
        assert_complete(fleet, [*members, late], config, source)


@NOT_READY
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("state", ["READONLY", "away"])
def test_a_server_that_is_not_itself_for_over_a_minute_ends_everybody_with_4(
    tmp_path: Path, state: str
) -> None:
    """One sentence that says what is wrong, and what was decided is kept for later."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source = tmp_path / "sample"
        source.write_bytes(sample_bytes(40_000))
        members = started(fleet, slow_config(tmp_path), source)
        fleet.wait_for_answers(4_000)
        if state == "away":
            server.kill()
        else:
            client: Any = server.client()
            client.replicaof("127.0.0.1", "1")
            client.close()

        for member in members:
            assert member.ends(150) == 4, member.said
            assert "Redis" in member.said
            assert "Traceback" not in member.said
        assert not (tmp_path / "output").exists()


@pytest.mark.row("Redis loses its tail")
def test_a_fail_over_to_a_replica_that_lags_changes_no_byte(tmp_path: Path) -> None:
    """The replica was cut off for a third of the run; then it is made the primary."""
    lines = 9_000
    with Server(port=free_port()) as first, Server() as second, Proxy(first.socket) as proxy:
        one: Any = first.client()
        two: Any = second.client()
        one.config_set("repl-diskless-sync-delay", 0)
        two.replicaof("127.0.0.1", first.port)
        wait_until(lambda: is_linked(two), within_s=ENDS_S, what="the replica to be in step")
        with Fleet(proxy.url, "prod", tmp_path) as fleet:
            source = tmp_path / "sample"
            source.write_bytes(sample_bytes(lines))
            config = slow_config(tmp_path)
            members = started(fleet, config, source)
            answered = fleet.wait_for_answers(lines // 4)
            assert is_linked(two)
            two.replicaof("127.0.0.1", "1")  # cut off: where nobody is
            lost = fleet.wait_for_answers(answered + lines // 3)

            first.kill()
            proxy.lead_to(second.socket)
            two.replicaof("NO", "ONE")

            assert lost < lines
            assert_complete(fleet, members, config, source)
            assert int(members[0].wait_for(r"(\d+) rewinds")[1]) >= 1
        one.close()
        two.close()


def errors(client: Any, name: str) -> int:  # noqa: ANN401 - a client's replies have no types
    """Return how many commands the server has refused with an error of this name."""
    seen = client.info("errorstats").get(f"errorstat_{name}", {})
    return int(seen.get("count", 0))


def is_linked(client: Any) -> bool:  # noqa: ANN401 - a client's replies have no types
    """Say whether a replica is in step with its primary."""
    return bool(client.info("replication")["master_link_status"] == "up")
