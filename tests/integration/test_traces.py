"""`--trace`: one line is followed from its chunk to its row, over three processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "kernel.runtime.cli")
LINES = 3_000


def traced(tmp_path: Path, *options: str) -> list[dict[str, Any]]:
    """Decide a sample with a trace, and return the records."""
    source, output, trace = (tmp_path / name for name in ("in", "out", "trace"))
    sample = ("sample", "--lines", str(LINES), "--output", str(source))
    subprocess.run([*COMMAND, *sample], check=True)
    subprocess.run(
        [
            *COMMAND,
            "run",
            *(
                "--config",
                "configs/experiment.yaml",
                "--input",
                str(source),
                "--output",
                str(output),
            ),
            *("--trace", str(trace), *options),
        ],
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    return [json.loads(line) for line in trace.read_text().splitlines()]


def nodes_of(records: list[dict[str, Any]], line: int) -> dict[str, int]:
    """Return the nodes that saw a line, with the boundaries that were crossed before each."""
    return {
        record["node"]: record["hop"]
        for record in records
        if any(first <= line <= last for first, last in record["spans"].values())
    }


def test_a_line_is_followed_over_three_processes(tmp_path: Path) -> None:
    """Each process names its group and how many boundaries were crossed before it."""
    records = traced(tmp_path, "--workers", "2")

    expected = {"parse": 0, "classify": 0, "partition": 0, "features": 1, "decide": 1, "format": 2}
    assert nodes_of(records, LINES // 2) == expected
    assert {record["status"] for record in records} == {"ok"}


def test_the_memory_profile_calls_the_same_nodes(tmp_path: Path) -> None:
    """Where groups are placed is all that differs."""
    records = traced(tmp_path, "--profile", "memory")

    assert set(nodes_of(records, LINES // 2)) == {
        "parse",
        "classify",
        "partition",
        "features",
        "decide",
        "format",
    }
