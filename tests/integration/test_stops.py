"""Told to stop, and gone on with: producer and collector, following, and several runs."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.fleet import ENDS_S, PROJECT, Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.waiting import wait_until

LINES = 8_000
#: A lease that nobody waits for: who goes on got it from the one that was told to stop.
RUN_LEASE_MS = 600_000
EXPERIMENT = PROJECT / "configs" / "experiment.yaml"
SIGNALS = pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


@pytest.fixture
def source(fleet: Fleet) -> Path:
    """Put a sample where the fleet finds it."""
    path = fleet.folder / "sample"
    path.write_bytes(sample_bytes(LINES))
    return path


def slow_config(fleet: Fleet) -> Path:
    """Make a run last: few lines in flight, so that its producer waits for the collector."""
    return config_file(
        fleet.folder,
        "experiment",
        chunk_lines_max=256,
        inflight_lines_max=2_048,
        turn_attempts_max=128,
        run_lease_ms=RUN_LEASE_MS,
    )


@SIGNALS
def test_a_producer_told_to_stop_says_what_goes_on(
    fleet: Fleet, source: Path, signum: signal.Signals, code: int
) -> None:
    """The code of the signal, a sentence, and the same command again appends the rest at once."""
    output, config = fleet.folder / "output", slow_config(fleet)
    fleet.worker()
    collector = fleet.collect(output)
    producer = fleet.produce(config, source)
    fleet.wait_for_answers(LINES // 5)

    producer.tell(signum)

    assert producer.ends() == code
    assert "the same command goes on" in producer.said
    assert "Traceback" not in producer.said
    assert fleet.produce(config, source).ends() == 0
    assert collector.ends() == 0
    assert output.read_bytes() == memory_bytes(config, source)


@SIGNALS
def test_a_collector_told_to_stop_keeps_its_rows(
    fleet: Fleet, source: Path, signum: signal.Signals, code: int
) -> None:
    """Nothing under the output's name, all of it beside; the same command goes on at once."""
    output, config = fleet.folder / "output", slow_config(fleet)
    fleet.worker()
    collector = fleet.collect(output)
    producer = fleet.produce(config, source)
    fleet.wait_for_answers(LINES // 3)

    collector.tell(signum)

    assert collector.ends() == code
    stopped = int(collector.wait_for(r"stopped behind line (\d+); the same command goes on")[1])
    assert stopped > 0
    assert "Traceback" not in collector.said
    assert not output.exists()
    expected, kept = memory_bytes(config, source), (fleet.folder / "output.partial").read_bytes()
    assert expected.startswith(kept)
    again = fleet.collect(output)
    assert (producer.ends(), again.ends()) == (0, 0)
    assert int(again.wait_for(r"behind line (\d+)")[1]) == stopped
    assert output.read_bytes() == expected
    assert list(fleet.folder.glob("output.*")) == []


def test_a_collector_that_follows_shows_rows_as_they_come(fleet: Fleet, source: Path) -> None:
    """They lie in the partial file until it is stopped; without --follow the run is completed."""
    output, lines = fleet.folder / "output", source.read_bytes().splitlines(keepends=True)
    partial = fleet.folder / "output.partial"
    config = config_file(fleet.folder, "experiment", run_lease_ms=RUN_LEASE_MS)
    expected = memory_bytes(config, source)
    reading, writing = os.pipe()
    fleet.worker()
    following = fleet.collect(output, "--follow")
    producer = fleet.produce(config, "-", stdin=reading)
    os.close(reading)

    with os.fdopen(writing, "wb", buffering=0) as pipe:
        pipe.write(b"".join(lines[:100]))
        wait_until(lambda: fleet.written() == 100, within_s=ENDS_S, what="a hundred lines written")
        assert partial.read_bytes() == b"".join(expected.splitlines(keepends=True)[:100])
        pipe.write(b"".join(lines[100:]))
    assert producer.ends() == 0
    wait_until(lambda: fleet.written() == LINES, within_s=ENDS_S, what="all lines written")

    assert following.popen.poll() is None
    following.tell(signal.SIGTERM)
    assert following.ends() == 143
    assert (partial.read_bytes(), output.exists()) == (expected, False)
    assert fleet.collect(output).ends() == 0
    assert (output.read_bytes(), partial.exists()) == (expected, False)


def test_a_second_run_goes_on_where_the_first_has_left_the_ledger(
    fleet: Fleet, source: Path
) -> None:
    """Ids, sums and gates are the ledger's: two runs answer as one input of both would be."""
    lines = source.read_bytes().splitlines(keepends=True)
    fleet.worker()
    fleet.worker()

    written = b""
    for run, part in {"one": lines[:5_000], "two": lines[5_000:]}.items():
        fleet.run = run
        half, output = fleet.folder / f"{run}.in", fleet.folder / run
        half.write_bytes(b"".join(part))
        assert fleet.produce(EXPERIMENT, half).ends() == 0
        assert fleet.collect(output).ends() == 0
        written += output.read_bytes()

    assert written == memory_bytes(EXPERIMENT, source)


@pytest.mark.row("several producers with several runs on one ledger")
def test_two_runs_at_once_are_answered_apart(fleet: Fleet, source: Path) -> None:
    """Each run gets every line of its own answered once, whoever's turn decided it."""
    lines = source.read_bytes().splitlines(keepends=True)
    config = config_file(fleet.folder, "experiment", chunk_lines_max=100, turn_attempts_max=300)
    fleet.make_ledger(config)
    fleet.known_workers(2)
    started = []
    for run, part in {"odd": lines[::2], "even": lines[1::2]}.items():
        fleet.run = run
        half, output = fleet.folder / f"{run}.in", fleet.folder / run
        half.write_bytes(b"".join(part))
        started.append((fleet.produce(config, half), fleet.collect(output), output, half))

    for producer, collector, output, half in started:
        assert (producer.ends(), collector.ends()) == (0, 0)
        assert named(output.read_bytes()) == named(memory_bytes(config, half))
    runs = fleet.view().runs
    assert [runs[name].answers for name in ("odd", "even")] == [LINES // 2, LINES // 2]


def named(rows: bytes) -> list[bytes]:
    """Return whose rows these are: all but the decision, which depends on the other run."""
    return [row.partition(b',"accepted"')[0] for row in rows.splitlines()]


@SIGNALS
def test_a_run_in_memory_keeps_nothing_when_it_is_broken_off(
    fleet: Fleet, signum: signal.Signals, code: int
) -> None:
    """It says how to start anew; what a killed one had written is replaced by the next."""
    output = fleet.folder / "output"
    output.with_name("output.partial").write_bytes(b"half of a r")
    files = ("--config", str(EXPERIMENT), "--input", "-", "--output", str(output))
    run = fleet.start("run", *files, "--profile", "memory", stdin=subprocess.PIPE)
    run.wait_for("replaced what an earlier run left unfinished")

    run.tell(signum)

    assert run.ends() == code
    assert "nothing is kept of a run in memory; it starts anew with: fundload run" in run.said
    assert list(fleet.folder.glob("output*")) == []
