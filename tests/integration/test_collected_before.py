"""A run that somebody has collected already, and an unfinished output of a ledger that is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kernel.adapters.redis.client import connect
from kernel.adapters.redis.throwaway import drop
from tests.support.fleet import ENDS_S, Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.waiting import wait_until

LINES = 3_000


def collected(fleet: Fleet, *, lines_at_once: int) -> tuple[Path, Path]:
    """Let a run be decided and collected; return the configuration and the input."""
    config = config_file(
        fleet.folder,
        "experiment",
        chunk_lines_max=lines_at_once,
        turn_attempts_max=lines_at_once,
    )
    source = fleet.folder / "sample"
    source.write_bytes(sample_bytes(LINES))
    members = [fleet.produce(config, source), fleet.worker()]
    collector = fleet.collect(fleet.folder / "first")
    assert (members[0].ends(), collector.ends()) == (0, 0)
    return config, source


@pytest.mark.parametrize("place", ["second", "-"])
def test_a_run_whose_answers_are_trimmed_is_not_waited_for(fleet: Fleet, place: str) -> None:
    """The first lines will never come again: refused at once, and nothing is left beside it."""
    config, source = collected(fleet, lines_at_once=64)
    output = place if place == "-" else fleet.folder / place

    again = fleet.collect(output)

    assert again.ends() == 7, again.said
    assert f"run {fleet.run} was collected before up to line {LINES}" in again.said
    assert "Traceback" not in again.said
    assert list(fleet.folder.glob("second*")) == []
    assert (fleet.folder / "first").read_bytes() == memory_bytes(config, source)


def test_an_output_replaced_by_the_same_run_is_refused_and_stays(fleet: Fleet) -> None:
    """The same `run` with --force: it cannot come to an end, so it does not begin to wait."""
    config, source = collected(fleet, lines_at_once=64)
    place = ("--redis-url", fleet.url, "--ledger", fleet.ledger, "--run", fleet.run, "--force")
    first = fleet.folder / "first"
    words = ("--config", str(config), "--input", str(source), "--output", str(first), *place)

    again = fleet.start("run", *words, "--workers", "1")

    assert again.ends() == 7, again.said
    assert "was collected before" in again.said
    assert "goes on with the run" not in again.said
    assert first.read_bytes() == memory_bytes(config, source)


def numbered(path: Path, first: int) -> Path:
    """Write an input whose lines are all accepted, so that answer codes cannot tell two apart."""
    with path.open("w") as file:
        for number in range(first, first + LINES):
            attempt = {
                "id": str(number),
                "customer_id": str(number),
                "load_amount": "1.00",
                "time": "2000-01-03T00:00:00Z",
            }
            file.write(json.dumps(attempt) + "\n")
    return path


def test_an_unfinished_output_of_a_ledger_that_is_gone_is_not_gone_on_with(fleet: Fleet) -> None:
    """Ledger, run and output bear the old names, but the input is another one."""
    config = config_file(
        fleet.folder, "baseline", chunk_lines_max=64, turn_attempts_max=64, inflight_lines_max=256
    )
    old, new = numbered(fleet.folder / "old", 1), numbered(fleet.folder / "new", 100_000)
    output = fleet.folder / "output"
    before = [fleet.worker(), fleet.produce(config, old), fleet.collect(output)]
    wait_until(lambda: fleet.written() >= 200, within_s=ENDS_S, what="a checkpoint")
    for member in before:
        member.kill()
    assert output.with_name("output.checkpoint").exists()
    client = connect(fleet.url)
    drop(client, fleet.ledger)
    client.close()

    fleet.worker()
    fleet.produce(config, new)
    refused = fleet.collect(output)
    assert refused.ends() == 7, refused.said
    assert "belongs to an unfinished run" in refused.said
    replaced = fleet.collect(output, "--force")

    assert replaced.ends() == 0, replaced.said
    assert output.read_bytes() == memory_bytes(config, new)
