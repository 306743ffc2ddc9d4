"""A process killed in the middle, whichever it is: after its restart the same bytes.

SIGKILL leaves no time for a word of farewell, so whatever a process needs to go on must be in the
ledger or on disk at every moment. The runs here are long enough for that by small turns, and by few
lines in flight where the producer is the one to be met.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.fleet import Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server

LINES = 12_000


@pytest.fixture
def source(fleet: Fleet) -> Path:
    """Put a sample where the fleet finds it."""
    path = fleet.folder / "sample"
    path.write_bytes(sample_bytes(LINES))
    return path


@pytest.mark.row("worker killed -9 anywhere")
@pytest.mark.parametrize("name", ["baseline", "experiment"])
def test_a_worker_killed_with_leases_changes_no_byte(fleet: Fleet, source: Path, name: str) -> None:
    """Two workers share; one dies while both hold partitions, and the other gets them all."""
    output = fleet.folder / "output"
    config = config_file(fleet.folder, name, turn_attempts_max=32, take="share")
    fleet.make_ledger(config)
    workers = fleet.known_workers(2)
    collector = fleet.collect(output)
    producer = fleet.produce(config, source)

    answered = fleet.freeze_holding(workers, holding=2, after_answers=LINES // 5)
    workers[0].kill()
    workers[1].thaw()

    assert answered <= LINES * 4 // 5
    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == memory_bytes(config, source)
    assert fleet.counter("leases_reclaimed") >= 1


@pytest.mark.row("worker killed -9 anywhere")
def test_a_worker_killed_with_all_leases_changes_no_byte(fleet: Fleet, source: Path) -> None:
    """With gates one worker holds everything; the next one goes on where it fell."""
    output = fleet.folder / "output"
    config = config_file(fleet.folder, "experiment", turn_attempts_max=32)
    fleet.make_ledger(config)
    worker = fleet.known_workers(1)
    collector = fleet.collect(output)
    producer = fleet.produce(config, source)

    answered = fleet.freeze_holding(worker, holding=1, after_answers=LINES // 5)
    fleet.worker().wait_for("is ready")
    worker[0].kill()

    assert answered <= LINES * 4 // 5
    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == memory_bytes(config, source)
    assert fleet.counter("leases_reclaimed") >= 1


def slow_config(fleet: Fleet) -> Path:
    """Make a run last: few lines in flight, so that its producer waits for the collector."""
    return config_file(
        fleet.folder,
        "experiment",
        chunk_lines_max=256,
        inflight_lines_max=2_048,
        turn_attempts_max=128,
        run_lease_ms=1_500,
    )


@pytest.mark.row("producer killed")
def test_a_producer_killed_and_started_again_goes_on(fleet: Fleet, source: Path) -> None:
    """The same command again finds out how far the run is, and appends the rest, once."""
    output, config = fleet.folder / "output", slow_config(fleet)
    fleet.worker()
    fleet.worker()
    collector = fleet.collect(output)
    producer = fleet.produce(config, source)
    fleet.wait_for_answers(LINES // 5)

    producer.kill()
    assert producer.ends() == -signal.SIGKILL
    again = fleet.produce(config, source)

    assert (again.ends(), collector.ends()) == (0, 0)
    assert int(again.wait_for(r"of which (\d+) were there before")[1]) >= LINES // 5
    assert output.read_bytes() == memory_bytes(config, source)


@pytest.mark.row("collector killed")
def test_a_collector_killed_and_started_again_goes_on(fleet: Fleet, source: Path) -> None:
    """Rows already safe are not collected again, and none is lost or doubled."""
    output, config = fleet.folder / "output", slow_config(fleet)
    fleet.worker()
    fleet.worker()
    collector = fleet.collect(output)
    producer = fleet.produce(config, source)
    fleet.wait_for_answers(LINES // 3)  # more than may be in flight: some are safe on disk

    collector.kill()
    assert collector.ends() == -signal.SIGKILL
    assert not output.exists()
    again = fleet.collect(output)

    assert (producer.ends(), again.ends()) == (0, 0)
    assert int(again.wait_for(r"behind line (\d+)")[1]) >= LINES // 3 - 2_048
    assert output.read_bytes() == memory_bytes(config, source)


@pytest.mark.row("Redis killed and started again")
def test_a_server_killed_and_started_again_is_waited_for(tmp_path: Path) -> None:
    """Nobody ends, nobody has to be told: everybody goes on when it is back."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        config = slow_config(fleet)
        workers = [fleet.worker(), fleet.worker()]
        collector = fleet.collect(output)
        producer = fleet.produce(config, source)
        answered = fleet.wait_for_answers(LINES // 5)

        server.restart()

        assert answered <= LINES * 4 // 5
        assert (producer.ends(), collector.ends()) == (0, 0)
        assert output.read_bytes() == memory_bytes(config, source)
        fleet.stop_workers(workers)
        for member in fleet.members:
            assert "Traceback" not in member.said
