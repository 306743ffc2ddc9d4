"""A run that somebody has collected already: what is left of it in Redis, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleet import Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes

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
    assert first.read_bytes() == memory_bytes(config, source)
