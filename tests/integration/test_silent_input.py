"""An input that is silent for long: what happens to its run meanwhile does not wait for a line."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.fleet import Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server

LINES = 3_000


def test_a_tail_lost_while_the_input_is_silent_is_fed_again(tmp_path: Path) -> None:
    """The lines that were lost are answered again before the next one comes."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        lines = source.read_bytes().splitlines(keepends=True)
        config = config_file(tmp_path, "experiment", chunk_lines_max=256)
        reading, writing = os.pipe()
        fleet.worker()
        producer, collector = fleet.produce(config, "-", stdin=reading), fleet.collect(output)
        os.close(reading)
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            pipe.write(b"".join(lines[:1_000]))
            fleet.wait_for_answers(1_000)
            size = server.hold_tail()
            pipe.write(b"".join(lines[1_000:2_000]))
            fleet.wait_for_answers(2_000)

            server.cut_tail(size)

            fleet.wait_for_answers(2_000)
            pipe.write(b"".join(lines[2_000:]))

        assert (producer.ends(), collector.ends()) == (0, 0)
        assert output.read_bytes() == memory_bytes(config, source)
