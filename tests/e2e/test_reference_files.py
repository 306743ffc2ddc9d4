"""The public reference files, through the processes that users start by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleet import PROJECT, Fleet, config_file
from tests.support.history import deeds
from tests.support.reference import reference_file
from tests.support.server import Server

OUTPUTS = {"baseline": "output.txt", "experiment": "output_exp_mp.txt"}


def reference_input(fleet: Fleet) -> Path:
    """Put the reference input where the fleet finds it."""
    source = fleet.folder / "input.txt"
    source.write_bytes(reference_file("input.txt"))
    return source


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("name", OUTPUTS)
def test_any_number_of_workers_writes_the_reference_output(
    fleet: Fleet, name: str, workers: int
) -> None:
    """The same bytes by one, two and four workers, with the configurations as shipped."""
    expected, output = reference_file(OUTPUTS[name]), fleet.folder / "output.txt"

    for _ in range(workers):
        fleet.worker()
    collector = fleet.collect(output)
    producer = fleet.produce(PROJECT / "configs" / f"{name}.yaml", reference_input(fleet))

    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == expected


@pytest.mark.parametrize("workers", [2, 4])
def test_small_turns_and_shared_partitions_change_no_byte(
    fleet: Fleet, server: Server, workers: int
) -> None:
    """Gates that make partitions wait, turns that end in mid-entry: the same bytes, no repair."""
    expected, output = reference_file(OUTPUTS["experiment"]), fleet.folder / "output.txt"
    since = server.hold_tail()
    config = config_file(
        fleet.folder,
        "experiment",
        chunk_lines_max=32,
        turn_attempts_max=64,
        take="share",
        shuffle=True,
        lease_ms=60_000,
        shift_deadline_ms=60_000,
        ring_ms=60_000,
        worker_ttl_ms=60_000,
    )
    fleet.make_ledger(config)
    fleet.known_workers(workers)  # so that each takes its share, and no more, from the first line

    collector = fleet.collect(output)
    producer = fleet.produce(config, reference_input(fleet))

    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == expected
    done, counters = deeds(server, fleet.ledger, since=since), fleet.view().counters
    assert done.appends >= 30
    assert counters["parks"] >= 1
    assert done.moves_into_an_entry >= 1
    assert counters.get("tick_repairs", 0) == 0
    assert counters.get("leases_reclaimed", 0) == 0
