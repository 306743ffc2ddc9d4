"""`fundload run` on the public reference files: bytes, figures, progress."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tests.support.fleet import PROJECT, Fleet
from tests.support.reference import reference_file

OUTPUTS: Final = {"baseline": "output.txt", "experiment": "output_exp_mp.txt"}
PROFILES: Final = {
    "memory": ("--profile", "memory"),
    "one worker": ("--workers", "1"),
    "two workers": ("--workers", "2"),
    "four workers": ("--workers", "4"),
}


def words(fleet: Fleet, name: str, source: Path | str) -> tuple[str, ...]:
    """Return a run of a shipped configuration into `output`."""
    config, output = PROJECT / "configs" / f"{name}.yaml", fleet.folder / "output"
    return ("run", "--config", str(config), "--input", str(source), "--output", str(output))


def figures(stream: bytes, output: bytes) -> list[str]:
    """Count what the summary must say, from the reference files alone."""
    rows = [json.loads(row)["accepted"] for row in output.splitlines()]
    amounts = [
        Decimal(json.loads(line)["load_amount"].lstrip("USD$")) for line in stream.splitlines()
    ]
    accepted = sum((a for a, row in zip(amounts, rows, strict=True) if row), Decimal(0))
    return [
        f"lines {len(amounts):,}",
        f"rows {len(rows):,}",
        f"accepted {rows.count(True):,} sum {accepted:,.2f} USD",
        f"declined {rows.count(False):,}",
        "dropped 0",
    ]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", OUTPUTS)
def test_a_run_writes_the_reference_output_and_its_figures(
    fleet: Fleet, name: str, profile: str
) -> None:
    """Either configuration, in memory and by one, two and four workers: eight times the same."""
    stream, expected = reference_file("input.txt"), reference_file(OUTPUTS[name])
    source = fleet.folder / "input.txt"
    source.write_bytes(stream)

    run = fleet.start(*words(fleet, name, source), *PROFILES[profile])

    assert run.ends() == 0, run.said
    assert (fleet.folder / "output").read_bytes() == expected
    told = [" ".join(line.split()) for line in run.said.splitlines()]
    for figure in figures(stream, expected):
        assert figure in told
    assert told[-1].startswith(f"The rows are in '{fleet.folder / 'output'}'. To check them: ")


def test_a_run_says_how_far_it_is(fleet: Fleet) -> None:
    """Where nobody watches a terminal, a plain line now and then, while its input still comes."""
    stream = reference_file("input.txt")
    reading, writing = os.pipe()
    run = fleet.start(*words(fleet, "experiment", "-"), "--workers", "1", stdin=reading)
    os.close(reading)

    with os.fdopen(writing, "wb", buffering=0) as pipe:
        pipe.write(stream[:40_000])
        lines = stream[:40_000].count(b"\n")
        run.wait_for(rf"(?m)^{lines} (of about [0-9,]+ )?lines decided, [0-9,]+ lines/s")
        pipe.write(stream[40_000:])

    assert run.ends() == 0, run.said
    assert (fleet.folder / "output").read_bytes() == reference_file(OUTPUTS["experiment"])
