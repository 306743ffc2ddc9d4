"""What a killed process left behind, and what may be done with it: an input changed, a file torn.

Going on is safe only with the same input, so the run keeps a digest of what it was fed; and what a
crash tore off a file is written again.
"""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.fleet import ENDS_S, PROJECT, Fleet, Member, config_file
from tests.support.marked import GONE_S, Marked
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.waiting import wait_until

LINES = 6_000
EXPERIMENT = PROJECT / "configs" / "experiment.yaml"


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
        chunk_lines_max=128,
        inflight_lines_max=1_024,
        turn_attempts_max=128,
        run_lease_ms=800,
    )


def killed_producer(
    fleet: Fleet, config: Path, source: Path | str, stdin: int = subprocess.DEVNULL
) -> Member:
    """Let a producer append what may be in flight, nobody collecting, and kill it."""
    producer = fleet.produce(config, source, stdin=stdin)
    wait_until(
        lambda: (view := fleet.run_view()) and view.position == 1_024,
        within_s=ENDS_S,
        what="as many lines in flight as may be",
    )
    producer.kill()
    return producer


@pytest.mark.row("producer killed")
@pytest.mark.parametrize("edit", ["a byte", "shorter"])
def test_an_input_that_was_edited_is_refused(fleet: Fleet, source: Path, edit: str) -> None:
    """Not a line of it is appended, and the input as it was goes on."""
    config, output, lines = slow_config(fleet), fleet.folder / "output", source.read_bytes()
    killed_producer(fleet, config, source)
    before = fleet.run_view()
    edited = fleet.folder / "edited"
    changed = lines.replace(b'"', b"'", 1) if edit == "a byte" else lines[:5_000]
    edited.write_bytes(changed)

    again = fleet.produce(config, edited)

    assert again.ends() == 7
    assert "is not what this run began with" in again.said
    assert "Traceback" not in again.said
    assert fleet.run_view() == before
    fleet.worker()
    collector = fleet.collect(output)
    assert (fleet.produce(config, source).ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == memory_bytes(config, source)


@pytest.mark.row("producer killed")
def test_a_pipe_fed_again_goes_on(fleet: Fleet, source: Path) -> None:
    """From its start, under the same run: what is there already is read over, not appended."""
    config, output = slow_config(fleet), fleet.folder / "output"
    with source.open("rb") as file:
        killed_producer(fleet, config, "-", stdin=file.fileno())
    fleet.worker()
    collector = fleet.collect(output)
    with subprocess.Popen(["cat", str(source)], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        again = fleet.produce(config, "-", stdin=cat.stdout.fileno())
        assert (again.ends(), collector.ends()) == (0, 0)

    assert int(again.wait_for(r"of which (\d+) were there before")[1]) == 1_024
    assert output.read_bytes() == memory_bytes(config, source)


@pytest.mark.row("collector killed")
@pytest.mark.parametrize("torn", ["behind the checkpoint", "within the checkpoint's last block"])
def test_a_torn_end_of_an_unfinished_output_is_written_again(
    fleet: Fleet, source: Path, torn: str
) -> None:
    """What lies behind what is safe goes; a checkpoint torn in the middle of its write, too."""
    config, output = slow_config(fleet), fleet.folder / "output"
    fleet.worker()
    collector, producer = fleet.collect(output), fleet.produce(config, source)
    wait_until(lambda: fleet.written() >= LINES // 3, within_s=ENDS_S, what="lines that are safe")
    collector.kill()
    if torn == "behind the checkpoint":
        with (fleet.folder / "output.partial").open("ab") as partial:
            partial.write(b'{"id":"1","customer_id":"2","acc' * LINES)  # more than is to come
    else:
        with (fleet.folder / "output.checkpoint").open("ab") as checkpoint:
            checkpoint.write(b"\x00\xff half of a mark")

    again = fleet.collect(output)

    assert (producer.ends(), again.ends()) == (0, 0)
    assert int(again.wait_for(r"behind line (\d+)")[1]) >= LINES // 3 - 1_024
    assert output.read_bytes() == memory_bytes(config, source)


@pytest.mark.row("supervisor killed -9")
@pytest.mark.parametrize("is_named", [True, False], ids=["named", "throw-away"])
def test_a_run_whose_supervisor_was_killed_is_done_by_the_same_command(
    fleet: Fleet, mark: Marked, source: Path, is_named: bool
) -> None:
    """Its processes are gone in seconds; a named ledger goes on, one of its own begins anew."""
    output = fleet.folder / "output"
    config = config_file(
        fleet.folder,
        "experiment",
        chunk_lines_max=64,
        inflight_lines_max=256,
        turn_attempts_max=64,
        run_lease_ms=800,
    )
    place = ("--redis-url", fleet.url, "--ledger", fleet.ledger, "--run", fleet.run)
    words = ("run", "--config", str(config), "--input", str(source), "--output", str(output))
    words += ("--workers", "1", *(place if is_named else ()))
    run = fleet.start(*words)
    partial = fleet.folder / "output.partial"
    wait_until(lambda: partial.exists() and partial.stat().st_size, within_s=ENDS_S, what="rows")

    run.kill()

    assert run.ends() == -signal.SIGKILL
    wait_until(lambda: mark.left_over() == [], within_s=GONE_S, what="nothing to be left")
    assert not output.exists()
    again = fleet.start(*words)
    assert again.ends() == 0, again.said
    assert output.read_bytes() == memory_bytes(config, source)
    said = r"going on with .* behind line \d+" if is_named else r"replaced what an earlier one left"
    assert re.search(said, again.said), again.said
