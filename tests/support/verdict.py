"""A verdict on the kernel that is importable here: does it answer as the oracle does?

Run as `python -m tests.support.verdict <folder> streams` (or `reference`); the folder is the one
that must hold the `kernel` package. Lives here: the comparison as a process of its own, so that a
changed copy of the kernel is judged without touching the one that runs the tests.

The exit code tells what was found: `SAME`, `REASONS_DIFFER` (all rows equal) or `ROWS_DIFFER`. A
kernel that cannot even run ends as Python does, with 1, and so is never taken for a verdict.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import kernel
from tests.support.oracle import BASELINE, CLASSIC, EXPERIMENT, decide_stream, output_bytes
from tests.support.reference import reference_file
from tests.support.serial import decide_serially, rules_of, serial_bytes
from tests.support.streams import nasty_stream

SAME: Final = 0
ROWS_DIFFER: Final = 10
REASONS_DIFFER: Final = 11

#: Limits wide enough for the prime rules and for halves of a cent to decide about rows.
ROOMY: Final[dict[str, Any]] = EXPERIMENT | {
    "limits": {"daily_amount": "20000.00", "weekly_amount": "50000.00", "daily_attempts": 4},
}
HALVES: Final[dict[str, Any]] = BASELINE | {
    "limits": {"daily_amount": "7500.00", "weekly_amount": "20000.00", "daily_attempts": 3},
    "monday_multiplier": {"enabled": True, "multiplier": "1.5"},
}
ONE_KIND_DROPPED: Final[dict[str, Any]] = BASELINE | {
    "idempotency": {"scope": "id", "on_replay": "drop", "on_conflict": "decline"},
}
CONFIGS: Final = (BASELINE, EXPERIMENT, CLASSIC, ROOMY, HALVES, ONE_KIND_DROPPED)
SEEDS: Final = range(3)


def on_streams() -> int:
    """Compare with the oracle on a few nasty streams."""
    cases = [(nasty_stream(seed, 1500), config) for seed in SEEDS for config in CONFIGS]
    code = SAME
    for stream, config in cases:
        decided = decide_serially(stream, rules_of(config), chunk_lines=200)
        expected = decide_stream(stream, config)
        if serial_bytes(decided) != output_bytes(expected):
            return ROWS_DIFFER
        if [line.reason for line in decided] != [answer.reason for answer in expected]:
            code = REASONS_DIFFER
    return code


def on_reference() -> int:
    """Compare with the reference outputs."""
    stream = reference_file("input.txt")
    for name, config in (("output.txt", BASELINE), ("output_exp_mp.txt", EXPERIMENT)):
        decided = decide_serially(stream, rules_of(config), chunk_lines=128)
        if serial_bytes(decided) != reference_file(name):
            return ROWS_DIFFER
    return SAME


if __name__ == "__main__":
    assert Path(kernel.__file__).parent == Path(sys.argv[1]) / "kernel", kernel.__file__
    sys.exit({"streams": on_streams, "reference": on_reference}[sys.argv[2]]())
