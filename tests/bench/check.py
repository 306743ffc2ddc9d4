"""`python -m tests.bench.check`: has anything become dearer? Ratios, held to those that are stored.

Here: the ratios, and what is said of those that moved. Not here: the fleet and the memory profile.

1. A ratio of CPU times moves less with the machine than the times do: the memory profile is held to
   a fixed loop of plain Python, the fleet and its server to the memory profile.
2. `--store` keeps today's ratios in `ratios.json`, in this folder: that is a change to be committed
   with its reason, as any other.
3. Cheaper by as much is told as well: a stored ratio that is too high hides the next regression.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import click

from producer.sample import PER_DAY
from tests.bench import fleet, in_memory, report
from tests.bench.meter import ROOT, BenchFailed, check_platform
from tests.bench.plan import Plan, make_sample
from tests.bench.report import REDIS, Measured

LINES: Final = 200_000
REPEAT: Final = 3
STORED: Final = Path(__file__).with_name("ratios.json")
MOVED: Final = 0.20
LOOPS: Final = 2_000_000
FLEET_TO_MEMORY: Final = "fleet / memory profile"
MEMORY_TO_LOOP: Final = "memory profile / fixed loop"
REDIS_TO_MEMORY: Final = "Redis of the fleet / memory profile"
Found = TypeVar("Found")


class Moved(NamedTuple):
    """A ratio that is not what was stored."""

    name: str
    stored: float
    found: float

    @property
    def sentence(self) -> str:
        """Say by how much."""
        change = self.found / self.stored - 1
        word = "dearer" if change > 0 else "cheaper"
        return (
            f"{self.name}: {self.found:.2f}, stored {self.stored:.2f}: "
            f"{abs(change):.0%} {word}, at most {MOVED:.0%} is still the same"
        )


def fixed_loop() -> int:
    """Do what never changes: whole numbers, a list, a dict, text; nothing of ours."""
    columns: list[list[str]] = [[] for _ in range(16)]
    seen: dict[str, int] = {}
    total = 0
    for number in range(LOOPS // 16):
        total = (total * 31 + number) & 0xFFFF_FFFF
        text = str(total)
        seen[text] = seen.get(text, 0) + 1
        columns[total & 15].append(text)
    return total + sum(len(",".join(column)) for column in columns) + len(seen)


def loop_us(repeat: int) -> float:
    """Return the least CPU time of the fixed loop, in µs for each of its rounds."""
    spent = []
    for _ in range(repeat):
        before_s = time.process_time()
        fixed_loop()
        spent.append(time.process_time() - before_s)
    return min(spent) * 1e6 / (LOOPS // 16)


def ratios_of(fleet_run: Measured, memory: Measured, loop: float) -> dict[str, float]:
    """Return the ratios by name."""
    return {
        FLEET_TO_MEMORY: report.ratio(fleet_run, memory),
        MEMORY_TO_LOOP: memory.us_all / loop,
        REDIS_TO_MEMORY: fleet_run.us(REDIS) / memory.us_all,
    }


def moved(stored: Mapping[str, float], found: Mapping[str, float]) -> list[Moved]:
    """Return the ratios that moved by more than is noise, either way."""
    return [
        Moved(name, stored[name], ratio)
        for name, ratio in found.items()
        if abs(ratio / stored[name] - 1) > MOVED
    ]


def measure(plan: Plan, folder: Path) -> dict[str, float]:
    """Take the ratios.

    Raises:
        BenchFailed: a process failed, or the fleet gave other answers.
    """
    sample, expected = make_sample(plan, folder), folder / "memory.txt"
    case = fleet.FleetCase(plan.config, sample, expected, plan.lines, 1, folder)
    memory = report.least(
        _times(plan, lambda: in_memory.measure(plan.config, sample, plan.lines, expected))
    )
    runs = _times(plan, lambda: fleet.measure(case).measured)
    if report.different(runs):
        raise BenchFailed("; ".join(report.different(runs)))
    return ratios_of(report.least(runs), memory, loop_us(plan.repeat))


def _times(plan: Plan, act: Callable[[], Found]) -> list[Found]:
    return [act() for _ in range(plan.repeat)]


def read_stored(path: Path, found: Mapping[str, float]) -> dict[str, float]:
    """Return the stored ratios.

    Raises:
        BenchFailed: there are none, or not these.
    """
    stored = json.loads(path.read_text("utf-8"))["ratios"] if path.exists() else {}
    if stored.keys() != found.keys():
        raise BenchFailed(f"{path.name} has other ratios than these: store them with --store")
    return dict(stored)


def write_stored(path: Path, found: Mapping[str, float], lines: int) -> None:
    """Keep today's ratios, and on what they were taken."""
    on = f"{lines:,} sample lines, Python {platform.python_version()}, {platform.machine()}"
    told = {"on": on, "ratios": {name: round(ratio, 3) for name, ratio in found.items()}}
    path.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


@click.command(epilog="Example: python -m tests.bench.check --store")
@click.option("--store", is_flag=True, help="Keep today's ratios as those to be held to.")
@click.option("--lines", type=click.IntRange(min=1), default=LINES, show_default=True)
@click.option("--repeat", type=click.IntRange(min=1), default=REPEAT, show_default=True)
@click.option("--file", "path", type=click.Path(path_type=Path), default=STORED, hidden=True)
def main(*, store: bool, lines: int, repeat: int, path: Path) -> None:
    """Hold the ratios of CPU times to those that are stored; exit code 1 when one has moved."""
    plan = Plan(lines, PER_DAY, (1,), ROOT / "configs" / "experiment.yaml", repeat)
    try:
        check_platform()
        with tempfile.TemporaryDirectory(prefix="fl-") as folder:
            found = measure(plan, Path(folder))
        stored = found if store else read_stored(path, found)
    except BenchFailed as failure:
        sys.exit(f"bench: {failure}")
    rows = [["CPU ratio", "stored", "now"]]
    rows += [[name, f"{stored[name]:.2f}", f"{ratio:.2f}"] for name, ratio in found.items()]
    print(report.table(rows))
    if store:
        write_stored(path, found, lines)
    if changed := moved(stored, found):
        sys.exit("bench: " + "; ".join(one.sentence for one in changed))


if __name__ == "__main__":
    main()
