"""The memory profile as a process of its own: the same graph, no Redis, nobody to wait for.

`python -m tests.bench.in_memory CONFIG INPUT OUTPUT` decides a file and prints what it used. It
splits off its own start-up: everything until the parts are built and the input is open.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from kernel.adapters.config import read_config
from kernel.adapters.files.output import OutputFile
from kernel.adapters.files.source import LineSource
from kernel.runtime.inprocess import decide_in_memory
from tests.bench.meter import Usage, run_module
from tests.bench.report import ALONE, Measured


def measure(config: Path, sample: Path, output: Path) -> Measured:
    """Decide a file in one process; the output is what all other forms are compared with."""
    said, peak_bytes = run_module("in_memory", str(config), str(sample), str(output))
    told = json.loads(said)
    return Measured(
        form="memory profile",
        lines=told["lines"],
        seconds=told["seconds"],
        roles={ALONE: (Usage(told["startup_s"], told["cpu_s"], peak_bytes),)},
        counts={},
        is_equal=True,
    )


def main(config_path: str, input_path: str, output_path: str) -> None:
    """Decide a file in this process and print the figures as JSON."""
    config = read_config(config_path)
    output = OutputFile(output_path, fresh=True, force=True)
    with LineSource(input_path, chunk_lines_max=config.fleet.chunk_lines_max) as source:
        startup_s, began = time.process_time(), time.perf_counter()
        summary = decide_in_memory(config.rules, source, output)
        cpu_s, seconds = time.process_time() - startup_s, time.perf_counter() - began
    told = {
        "lines": summary.lines,
        "seconds": seconds,
        "startup_s": startup_s,
        "cpu_s": cpu_s,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
