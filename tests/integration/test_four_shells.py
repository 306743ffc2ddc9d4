"""Producer, workers and collector started by hand, in any order, at any moment: the same bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.support.fleet import ENDS_S, PROJECT, Fleet, Member, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.waiting import wait_until

EXPERIMENT = PROJECT / "configs" / "experiment.yaml"
ORDERS: Final = {
    "workers first": ("worker", "worker", "collect", "produce"),
    "collector first": ("collect", "produce", "worker", "worker"),
    "producer first": ("produce", "worker", "collect", "worker"),
    "workers last": ("produce", "collect", "worker", "worker"),
}


def sampled(fleet: Fleet, lines: int) -> Path:
    """Put a sample where the fleet finds it."""
    source = fleet.folder / "sample"
    source.write_bytes(sample_bytes(lines))
    return source


def begun(fleet: Fleet, start: Callable[[], Member]) -> Member:
    """Start a member and wait until it asks the server for something."""
    before = fleet.connections()
    member = start()

    def has_called() -> bool:
        return fleet.connections() > before or member.popen.poll() is not None

    wait_until(has_called, within_s=ENDS_S, what=f"{member.name} to call the server")
    return member


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_the_shells_changes_no_byte(fleet: Fleet, order: str) -> None:
    """Whoever comes first waits: for a ledger, for a run, for work, for answers."""
    source, output = sampled(fleet, 3_000), fleet.folder / "output"
    starts: dict[str, Callable[[], Member]] = {
        "worker": fleet.worker,
        "collect": lambda: fleet.collect(output),
        "produce": lambda: fleet.produce(EXPERIMENT, source),
    }

    started: dict[str, Member] = {}
    for verb in ORDERS[order]:
        started[verb] = begun(fleet, starts[verb])
        if verb == "produce":
            assert started[verb].ends() == 0

    assert started["collect"].ends() == 0
    assert output.read_bytes() == memory_bytes(EXPERIMENT, source)
    assert list(fleet.folder.glob("output.*")) == []


def test_a_worker_that_joins_in_the_middle_gets_work(fleet: Fleet) -> None:
    """Started when three tenths are answered, it decides attempts of the rest."""
    source, output = sampled(fleet, 20_000), fleet.folder / "output"
    config = config_file(fleet.folder, "baseline", turn_attempts_max=128, chunk_lines_max=512)
    lines = source.read_bytes().splitlines(keepends=True)
    reading, writing = os.pipe()
    first = [fleet.worker(), fleet.worker()]
    collector = fleet.collect(output)
    producer = fleet.produce(config, "-", stdin=reading)
    os.close(reading)

    with os.fdopen(writing, "wb") as pipe:
        pipe.writelines(lines[:6_000])
        pipe.flush()
        fleet.wait_for_answers(6_000)
        third = fleet.worker()
        third.wait_for("is ready")
        wait_until(lambda: fleet.view().workers == 3, within_s=ENDS_S, what="a third worker")
        pipe.writelines(lines[6_000:])

    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == memory_bytes(config, source)
    decided = fleet.stop_workers([third, *first])
    assert decided[0] > 0, decided
    assert sum(decided) == 20_000 - fleet.malformed()
