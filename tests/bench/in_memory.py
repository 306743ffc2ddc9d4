"""The memory profile: the same graph in one process, no Redis, nobody to wait for.

Measured by the command that users type. A process that is alone tells nobody when it is ready, so
its start-up is what the same command uses on an input without lines.
"""

from __future__ import annotations

from pathlib import Path

from tests.bench.meter import Ended, Usage, run_verb
from tests.bench.report import ALONE, Measured


def measure(config: Path, sample: Path, lines: int, output: Path) -> Measured:
    """Decide a file in one process; the output is what all other forms are compared with."""
    empty = output.with_name("empty.txt")
    empty.write_bytes(b"")
    startup = _decide(config, empty, output.with_name("nothing.txt"))
    whole = _decide(config, sample, output)
    usage = Usage(startup.cpu_s, whole.cpu_s - startup.cpu_s, whole.peak_bytes)
    return Measured(
        form="memory profile",
        lines=lines,
        seconds=whole.seconds - startup.seconds,
        roles={ALONE: (usage,)},
        counts={},
        is_equal=True,
    )


def _decide(config: Path, source: Path, output: Path) -> Ended:
    files = ("--config", str(config), "--input", str(source), "--output", str(output))
    return run_verb("run", *files, "--profile", "memory", "--force")
