"""What was asked for and what is told: the words that the command line and all tables share.

Here: the options as one value, a table's result as one value, and the files that several tables
make. Not here: which tables there are (`__main__.py`) and how a figure is taken.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from producer.sample import default_customers
from tests.bench.meter import BenchFailed, run_verb

LINES: Final = 200_000
Found = TypeVar("Found")


@dataclass(frozen=True)
class Plan:
    """What was asked for; a table takes of it what it knows."""

    lines: int
    per_day: int
    workers: tuple[int, ...]
    config: Path
    repeat: int
    rq_lines: int = 0
    profiled: str | None = None
    #: Show the server's dearest commands as well.
    is_commanded: bool = False
    #: Only the rows whose name contains this.
    only: str = ""
    takes: tuple[str, ...] = ("share", "all")
    rates: tuple[int, ...] = (100, 1_000, 5_000)
    seconds: float = 5.0
    #: Also the input that takes minutes.
    is_largest: bool = False
    plot: Path | None = None

    @property
    def machine(self) -> str:
        """Name rules and machine: figures of others are not to be compared."""
        return (
            f"{self.config.name}; Python {platform.python_version()}, {platform.machine()}; "
            f"least CPU of {self.repeat} run(s)"
        )

    @property
    def heading(self) -> str:
        """Name the sample as well."""
        customers = default_customers(self.lines, self.per_day)
        return (
            f"{self.lines:,} sample lines, {self.per_day:,} attempts a day, {customers:,} "
            f"customers; AOF everysec; {self.machine}"
        )

    def wants(self, name: str) -> bool:
        """Tell whether a row is asked for."""
        return self.only in name


@dataclass(frozen=True)
class Told:
    """What a table has to tell; `wrong` is why the command fails, when it does."""

    heading: str
    tables: Sequence[str]
    figures: Mapping[str, Any]
    said: Sequence[str] = ()
    wrong: Sequence[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What is printed."""
        return "\n\n".join(
            (self.heading, *self.tables, *(["\n".join(self.said)] * bool(self.said)))
        )

    @property
    def markdown(self) -> str:
        """What is written: each sentence is an item of a list there."""
        items = "\n".join(f"- {sentence}" for sentence in self.said)
        return "\n\n".join((self.heading, *self.tables, *([items] * bool(items)))) + "\n"


def make_sample(plan: Plan, folder: Path) -> Path:
    """Write the sample that all forms decide."""
    sample = folder / "sample.txt"
    size = ("--lines", str(plan.lines), "--per-day", str(plan.per_day))
    run_verb("sample", *size, "--output", str(sample), "--force")
    return sample


def config_with(config: Path, folder: Path, **fleet: str | int) -> Path:
    """Write a configuration with other settings of the fleet.

    Raises:
        BenchFailed: it has some already, and a second section would be none.
    """
    text = config.read_text("utf-8")
    if "\nfleet:" in text:
        raise BenchFailed(f"{config} has a section `fleet:`; give one without, it is varied here")
    name = "-".join(f"{key}-{value}" for key, value in fleet.items())
    path = folder / f"{config.stem}-{name}.yaml"
    section = "".join(f"  {key}: {value}\n" for key, value in fleet.items())
    path.write_text(f"{text}\nfleet:\n{section}", "utf-8")
    return path


def at_least_one(rows: Sequence[Found], only: str) -> Sequence[Found]:
    """Return the rows that are asked for.

    Raises:
        BenchFailed: there are none, so there would be nothing to see.
    """
    if not rows:
        raise BenchFailed(f"no row's name contains {only!r}")
    return rows
