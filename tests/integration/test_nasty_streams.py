"""Twenty nasty streams under the three shipped configurations: memory, fleets of every build.

The second opinion decides: both must write what the oracle writes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from kernel.adapters.config import read_config
from tests.support.crew import Crew
from tests.support.fleet import PROJECT, Fleet, config_file
from tests.support.memory import decide_file
from tests.support.oracle import BASELINE, CLASSIC, EXPERIMENT, decide_stream, output_bytes
from tests.support.server import Server
from tests.support.streams import nasty_stream

pytestmark = pytest.mark.unwatched

CONFIGS = {"baseline": BASELINE, "experiment": EXPERIMENT, "classic": CLASSIC}
SEEDS = range(20)
#: Every number of partitions comes up under every configuration.
PARTITIONS = (16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)


@cache
def judged(seed: int, name: str) -> tuple[bytes, bytes]:
    """Return a stream and what must be written for it."""
    stream = nasty_stream(seed)
    return stream, output_bytes(decide_stream(stream, CONFIGS[name]))


def shipped(name: str) -> Path:
    """Return a configuration as shipped."""
    return PROJECT / "configs" / f"{name}.yaml"


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_memory_profile_writes_what_the_oracle_writes(
    seed: int, name: str, tmp_path: Path
) -> None:
    """From file to file, in chunks of one line to 512."""
    stream, expected = judged(seed, name)
    source, output = tmp_path / "input", tmp_path / "output"
    source.write_bytes(stream)
    sizes = (1, 2, 7, 31, 64, 100, 128, 300, 511, 512)

    decide_file(shipped(name), source, output, chunk_lines_max=sizes[seed % len(sizes)])

    assert output.read_bytes() == expected


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_fleet_of_any_build_writes_what_the_oracle_writes(
    seed: int, name: str, server: Server, ledger_name: str, tmp_path: Path
) -> None:
    """One to sixteen partitions, one to four workers, all sizes and ways to take."""
    stream, expected = judged(seed, name)
    source, output = tmp_path / "input", tmp_path / "output"
    source.write_bytes(stream)
    rng = Random(f"{seed} {name}")
    config = read_config(shipped(name))
    fleet = replace(
        config.fleet,
        partitions=PARTITIONS[seed % len(PARTITIONS)],
        chunk_lines_max=rng.choice((50, 128, 300, 512)),
        turn_attempts_max=rng.choice((40, 64, 200, 1_000)),
        keep_rows_min=rng.choice((1, 64)),
        take=rng.choice(("auto", "share", "all", "one")),
        shuffle=rng.choice((True, False)),
        linger_ms=10,
    )

    crew = Crew(server.url, ledger_name, replace(config, fleet=fleet), rng.randint(1, 4), seed)
    crew.decide(source, output)

    assert output.read_bytes() == expected, f"{crew}"


@pytest.mark.parametrize(("seed", "name"), [(3, "baseline"), (4, "experiment"), (5, "classic")])
def test_processes_write_what_the_oracle_writes(seed: int, name: str, fleet: Fleet) -> None:
    """The same by the commands, two workers, and sizes that cut everywhere."""
    stream, expected = judged(seed, name)
    source, output = fleet.folder / "input", fleet.folder / "output"
    source.write_bytes(stream)
    config = config_file(fleet.folder, name, partitions=5, chunk_lines_max=99, turn_attempts_max=70)

    fleet.worker()
    fleet.worker()
    collector = fleet.collect(output)
    producer = fleet.produce(config, source)

    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == expected
