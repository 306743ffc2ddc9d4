"""What is made of the figures: CPU per attempt, ratios, tables, targets. Arithmetic and text only.

An attempt is an input line here: malformed ones cost their parse and their answer as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.meter import Usage

PRODUCER: Final = "producer"
REDIS: Final = "Redis"
WORKERS: Final = "workers"
COLLECTOR: Final = "collector"
#: The one process of a form that has only one.
ALONE: Final = "alone"
ROLES: Final = (PRODUCER, REDIS, WORKERS, COLLECTOR, ALONE)
COUNTS: Final = ("appends", "turns", "parks", "commits")
#: Counted by the server's socket writes: a round trip is at least one, a long answer may be more.
TRIPS: Final = "round_trips_max"

#: Most CPU of an attempt over all processes, and least advantage over one RQ job each.
FLEET_US_MAX: Final = 8.0
MEMORY_US_MAX: Final = 3.0
#: Form -> how many times the CPU of a fleet an attempt costs there, at least.
TIMES_MIN: Final = {"RQ, one job each": 400.0, "Streams, pipelined by 500": 5.0}
PEAK_MB_MAX: Final = 200.0
NONE: Final = "–"


@dataclass(frozen=True)
class Measured:
    """One form on one input: who used what, and whether the answers are those of the others."""

    form: str
    lines: int
    seconds: float
    #: Role -> the processes that have it.
    roles: Mapping[str, tuple[Usage, ...]]
    counts: Mapping[str, int]
    is_equal: bool

    @property
    def per_second(self) -> float:
        """Attempts decided in a second, from the last ready to the last row."""
        return self.lines / self.seconds

    def us(self, role: str) -> float:
        """CPU microseconds of an attempt in one role, start-up apart."""
        return sum(usage.cpu_s for usage in self.roles.get(role, ())) * 1e6 / self.lines

    @property
    def us_all(self) -> float:
        """CPU microseconds of an attempt over all processes, start-up apart."""
        return sum(self.us(role) for role in self.roles)

    def startup_ms(self, role: str) -> float:
        """Start-up CPU milliseconds of all processes of a role."""
        return sum(usage.startup_s for usage in self.roles.get(role, ())) * 1e3

    def peak_mb(self, role: str) -> float:
        """Peak memory of the largest process of a role, in millions of bytes."""
        return max((usage.peak_bytes for usage in self.roles.get(role, ())), default=0) / 1e6


def least(several: Sequence[Measured]) -> Measured:
    """Return the repetition that used least CPU: the others were disturbed more."""
    return min(several, key=lambda measured: measured.us_all)


def ratio(dearer: Measured, cheaper: Measured) -> float:
    """Say how many times the CPU of the cheaper form an attempt costs in the dearer one."""
    return dearer.us_all / cheaper.us_all


def percentile(ascending: Sequence[float], share: float) -> float:
    """Return the least of the values that at least this share of them do not exceed."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


def yes_or_no(is_equal: bool) -> str:
    """Show whether answers are those of the memory profile; what is wrong stands out."""
    return "yes" if is_equal else "NO"


def different(several: Sequence[Measured]) -> list[str]:
    """Return a sentence for each form whose answers are not those of the memory profile."""
    return [f"{one.form}: other answers" for one in several if not one.is_equal]


def tables(several: Sequence[Measured]) -> str:
    """Return all tables in Markdown, aligned so that they are read as they stand too."""
    return "\n\n".join((_cpu(several), _startup(several), _peaks(several)))


def _cpu(several: Sequence[Measured]) -> str:
    trips = "round trips an attempt, at most"
    rows = [["CPU µs an attempt", "all", *ROLES, "attempts/s", *COUNTS, trips, "same answers"]]
    for one in several:
        shares = _cells(one, [f"{one.us(role):,.2f}" for role in ROLES])
        counts = [f"{one.counts[name]:,}" if name in one.counts else NONE for name in COUNTS]
        made = f"{one.counts[TRIPS] / one.lines:,.3g}" if TRIPS in one.counts else NONE
        figures = [*shares, f"{one.per_second:,.0f}", *counts, made]
        rows.append([one.form, f"{one.us_all:,.2f}", *figures, yes_or_no(one.is_equal)])
    return table(rows)


def _startup(several: Sequence[Measured]) -> str:
    rows = [["start-up CPU ms", "all", *ROLES]]
    for one in several:
        each = [one.startup_ms(role) for role in ROLES]
        rows.append([one.form, f"{sum(each):,.0f}", *_cells(one, [f"{ms:,.0f}" for ms in each])])
    return table(rows)


def _peaks(several: Sequence[Measured]) -> str:
    head = ["peak MB of one process", *ROLES]
    return table(
        [
            head,
            *(
                [one.form, *_cells(one, [f"{one.peak_mb(role):,.0f}" for role in ROLES])]
                for one in several
            ),
        ]
    )


def _cells(one: Measured, texts: Sequence[str]) -> list[str]:
    """Leave out the roles that a form has not."""
    return [text if role in one.roles else NONE for role, text in zip(ROLES, texts, strict=True)]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows, the first of them the head; the first column left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for row in (rows[0], rule, *rows[1:]):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def verdicts(fleets: Sequence[Measured], memory: Measured, others: Sequence[Measured]) -> list[str]:
    """Say in sentences how far the targets are met."""
    said = [_held("memory profile", memory.us_all, MEMORY_US_MAX)]
    for fleet in fleets:
        said.append(_held(fleet.form, fleet.us_all, FLEET_US_MAX))
        said.append(f"{fleet.form}: {ratio(fleet, memory):.1f} times the memory profile.")
        for other in others:
            times = ratio(other, fleet)
            said.append(
                f"{other.form}: {times:,.1f} times the CPU of {fleet.form}{_wanted(other, times)}."
            )
    return said


def _held(form: str, us: float, us_max: float) -> str:
    met = "met" if us <= us_max else "MISSED"
    return f"{form}: {us:.2f} µs of CPU an attempt; target at most {us_max:g}: {met}."


def _wanted(other: Measured, times: float) -> str:
    least = TIMES_MIN.get(other.form)
    if least is None:
        return ""
    return f"; target at least {least:g}: {'met' if times >= least else 'MISSED'}"


def too_large(fleet: Measured) -> list[str]:
    """Return a sentence for each role whose memory is to be bounded, and is not."""
    return [
        f"{role}: {fleet.peak_mb(role):,.0f} MB at {fleet.lines:,} lines; at most {PEAK_MB_MAX:g}"
        for role in (PRODUCER, COLLECTOR)
        if fleet.peak_mb(role) >= PEAK_MB_MAX
    ]


def as_mapping(one: Measured) -> dict[str, Any]:
    """Return the figures of a form for JSON, unrounded where that says more."""
    return {
        "form": one.form,
        "lines": one.lines,
        "seconds": one.seconds,
        "attempts_per_second": one.per_second,
        "cpu_us_per_attempt": one.us_all,
        "same_answers": one.is_equal,
        **one.counts,
        "roles": {
            role: {
                "processes": len(one.roles[role]),
                "cpu_us_per_attempt": one.us(role),
                "startup_cpu_ms": one.startup_ms(role),
                "peak_mb": one.peak_mb(role),
            }
            for role in ROLES
            if role in one.roles
        },
    }
