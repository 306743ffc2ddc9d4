"""The arithmetic of the benchmark's report, on numbers small enough to check by head."""

from __future__ import annotations

import pytest

from tests.bench import report
from tests.bench.meter import Usage
from tests.bench.report import ALONE, COLLECTOR, PRODUCER, REDIS, TRIPS, WORKERS, Measured

MB = 1_000_000


def fleet(*, workers_s: float = 0.002, collector_mb: int = 50, is_equal: bool = True) -> Measured:
    """A fleet of two workers that decided 1,000 lines in half a second."""
    return Measured(
        form="fleet, 2 workers",
        lines=1_000,
        seconds=0.5,
        roles={
            PRODUCER: (Usage(0.2, 0.003, 80 * MB),),
            REDIS: (Usage(0.01, 0.004, 30 * MB),),
            WORKERS: (Usage(0.1, workers_s, 40 * MB), Usage(0.15, 0.001, 60 * MB)),
            COLLECTOR: (Usage(0.1, 0.001, collector_mb * MB),),
        },
        counts={"appends": 2, "turns": 3, "parks": 0, "commits": 3, TRIPS: 15},
        is_equal=is_equal,
    )


def alone(form: str, cpu_s: float) -> Measured:
    """A form of one process that decided 1,000 lines in a second."""
    return Measured(form, 1_000, 1.0, {ALONE: (Usage(0.1, cpu_s, 90 * MB),)}, {}, is_equal=True)


def test_cpu_of_an_attempt_is_summed_over_processes_and_without_their_start() -> None:
    """Start-up has a table of its own and is in no other figure."""
    measured = fleet()

    assert measured.us(WORKERS) == pytest.approx(3.0)
    assert measured.us(ALONE) == 0
    assert measured.us_all == pytest.approx(3 + 4 + 3 + 1)
    assert measured.startup_ms(WORKERS) == pytest.approx(250)
    assert measured.per_second == pytest.approx(2_000)


def test_memory_is_that_of_the_largest_process_of_a_role() -> None:
    """Two small workers are not one large one."""
    assert fleet().peak_mb(WORKERS) == pytest.approx(60)


def test_of_repetitions_the_least_disturbed_counts() -> None:
    """The one that used least CPU over all processes."""
    calm, disturbed = fleet(), fleet(workers_s=0.009)

    assert report.least([disturbed, calm]) is calm


def test_every_form_is_a_row_with_its_own_roles_only() -> None:
    """A form without a collector has a dash there and no zero; a wrong answer stands out."""
    shown = report.tables([fleet(is_equal=False), alone("memory profile", 0.002)])
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in shown.splitlines() if row]
    by_role = ["11.00", "3.00", "4.00", "3.00", "1.00"]

    dash = report.NONE
    counts = ["2", "3", "0", "3", "0.015"]
    assert rows[2] == ["fleet, 2 workers", *by_role, dash, "2,000", *counts, "NO"]
    assert rows[3] == ["memory profile", "2.00", *[dash] * 4, "2.00", "1,000", *[dash] * 5, "yes"]
    assert ["fleet, 2 workers", "560", "200", "10", "250", "100", dash] in rows
    assert ["fleet, 2 workers", "80", "30", "60", "50", dash] in rows
    assert len({len(row) for row in shown.split("\n\n")[0].splitlines()}) == 1


def test_targets_are_named_with_whether_they_are_met() -> None:
    """Fleet and memory profile by their own figures, others by how often the fleet's they cost."""
    others = [alone("RQ, one job each", 2.3), alone("Streams, pipelined by 500", 0.077)]
    said = report.verdicts([fleet()], alone("memory profile", 0.003), [*others, alone("RQ", 1.1)])

    assert said == [
        "memory profile: 3.00 µs of CPU an attempt; target at most 3: met.",
        "fleet, 2 workers: 11.00 µs of CPU an attempt; target at most 8: MISSED.",
        "fleet, 2 workers: 3.7 times the memory profile.",
        "RQ, one job each: 209.1 times the CPU of fleet, 2 workers; target at least 400: MISSED.",
        "Streams, pipelined by 500: 7.0 times the CPU of fleet, 2 workers; target at least 5: met.",
        "RQ: 100.0 times the CPU of fleet, 2 workers.",
    ]


def test_only_who_is_bounded_is_held_to_the_bound() -> None:
    """Producer and collector; the figures name who exceeds it."""
    assert report.too_large(fleet()) == []
    assert report.too_large(fleet(collector_mb=200)) == [
        "collector: 200 MB at 1,000 lines; at most 200"
    ]


def test_figures_for_programs_are_those_of_the_tables() -> None:
    """The same sums, unrounded, with how many processes a role had."""
    told = report.as_mapping(fleet())

    assert told["cpu_us_per_attempt"] == pytest.approx(11)
    assert told["turns"] == 3
    assert told["roles"][WORKERS]["processes"] == 2
    assert told["roles"][WORKERS]["cpu_us_per_attempt"] == pytest.approx(3)
    assert ALONE not in told["roles"]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """The least one that so many do not exceed; of one value, that one."""
    latencies = [float(n) for n in range(1, 201)]

    assert report.percentile(latencies, 0.5) == 100
    assert report.percentile(latencies, 0.99) == 198
    assert report.percentile(latencies, 1) == 200
    assert report.percentile([7.0], 0.5) == report.percentile([7.0], 0.99) == 7
