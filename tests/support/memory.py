"""What a fleet's output is compared with: the memory profile on real files, and whole inputs.

Lives here: deciding a file without Redis, and making inputs of many lines. Not here: the second
opinion (`oracle.py`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kernel.adapters.config import read_config
from kernel.adapters.files.output import OutputFile
from kernel.adapters.files.source import LineSource
from kernel.runtime.inprocess import decide_in_memory
from kernel.runtime.summary import Summary
from producer.sample import BAD_SHARE, default_customers, sample_chunks


@cache
def sample_bytes(lines: int, *, per_day: int = 400, seed: int = 1) -> bytes:
    """Return an input as `fundload sample` writes it."""
    customers = default_customers(lines, per_day)
    chunks = sample_chunks(lines, customers=customers, per_day=per_day, bad=BAD_SHARE, seed=seed)
    return b"".join(chunks)


def decide_file(
    config: Path | str, source: Path, output: Path, *, chunk_lines_max: int = 4_096
) -> Summary:
    """Decide a file in this process, into another file."""
    file = OutputFile(output, fresh=True)
    with LineSource(source, chunk_lines_max=chunk_lines_max) as lines:
        return decide_in_memory(read_config(config).rules, lines, file)


def memory_bytes(config: Path | str, source: Path) -> bytes:
    """Return what the memory profile writes for a file."""
    output = source.with_name(f"{source.name}.memory")
    decide_file(config, source, output)
    return output.read_bytes()
