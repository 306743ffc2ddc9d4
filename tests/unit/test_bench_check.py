"""The arithmetic of the benchmark's ratios, and the picture that it draws."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench import check, plot
from tests.bench.meter import BenchFailed, Usage
from tests.bench.report import ALONE, PRODUCER, REDIS, Measured

SVG = "{http://www.w3.org/2000/svg}"


def run(form: str, **cpu_s: float) -> Measured:
    """Return a run over 1,000 lines with so many CPU seconds by role."""
    roles = {role: (Usage(0.1, seconds, 1),) for role, seconds in cpu_s.items()}
    return Measured(form, 1_000, 1.0, roles, {}, is_equal=True)


def row(workers: int, lines: int, us: float, varied: str = "lines") -> dict[str, object]:
    """Return what `--growth` tells of one run."""
    return {"varied": varied, "lines": lines, "workers": workers, "cpu_us_per_attempt": us}


ROWS = [
    row(0, 1_000, 3.0),
    row(2, 10_000, 9.0),
    row(2, 1_000, 11.0),
    row(1, 1_000, 10.0),
    row(2, 1_000, 40.0, varied="customers"),
]


def test_ratios_are_of_cpu_times() -> None:
    """Fleet and server to the memory profile, and that to the loop."""
    fleet = run("fleet", **{PRODUCER: 0.006, REDIS: 0.004})

    assert check.ratios_of(fleet, run("memory", **{ALONE: 0.004}), 0.5) == {
        check.FLEET_TO_MEMORY: pytest.approx(2.5),
        check.MEMORY_TO_LOOP: pytest.approx(8),
        check.REDIS_TO_MEMORY: pytest.approx(1),
    }


def test_what_moved_by_more_than_a_fifth_is_named_either_way() -> None:
    """A fifth itself is noise."""
    stored = {"a": 2.0, "b": 2.0, "c": 2.0, "d": 2.0}

    found = check.moved(stored, {"a": 2.39, "b": 2.5, "c": 1.5, "d": 1.61})

    assert [one.sentence for one in found] == [
        "b: 2.50, stored 2.00: 25% dearer, at most 20% is still the same",
        "c: 1.50, stored 2.00: 25% cheaper, at most 20% is still the same",
    ]


def test_ratios_that_were_stored_are_read_again(tmp_path: Path) -> None:
    """Without a file, or with another set of ratios, one is told how to store them."""
    path = tmp_path / "ratios.json"
    with pytest.raises(BenchFailed, match="--store"):
        check.read_stored(path, {"a": 1.0})

    check.write_stored(path, {"a": 1.23456}, 1_000)

    assert check.read_stored(path, {"a": 9.0}) == {"a": 1.235}
    with pytest.raises(BenchFailed, match="--store"):
        check.read_stored(path, {"b": 1.0})


def test_the_ratios_that_come_with_the_benchmark_are_those_it_takes() -> None:
    """All of them, none below nothing."""
    names = (check.FLEET_TO_MEMORY, check.MEMORY_TO_LOOP, check.REDIS_TO_MEMORY)
    stored = check.read_stored(check.STORED, dict.fromkeys(names, 1.0))

    assert all(ratio > 0 for ratio in stored.values())


def test_a_curve_goes_through_its_runs_in_the_order_of_their_lines() -> None:
    """One for each number of workers, of the rows that vary the lines."""
    assert plot.curves(ROWS) == {
        "memory profile": [(1_000, 3)],
        "1 worker": [(1_000, 10)],
        "2 workers": [(1_000, 11), (10_000, 9)],
    }


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []])
def test_the_picture_is_well_formed_and_all_of_it_is_on_the_page(
    rows: list[dict[str, object]],
) -> None:
    """A curve and a name for each; also of a single run, and of none."""
    drawn = ET.fromstring(plot.plot(rows))  # noqa: S314 - written just now, by us

    names = list(plot.curves(rows))
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert texts[-len(names) or len(texts) :] == names
    assert len(list(drawn.iter(f"{SVG}polyline"))) == len(names)
    for dot in drawn.iter(f"{SVG}circle"):
        assert plot.LEFT <= float(dot.attrib["cx"]) <= plot.WIDTH - plot.RIGHT
        assert plot.TOP <= float(dot.attrib["cy"]) <= plot.HEIGHT - plot.BOTTOM


@pytest.mark.parametrize(("largest", "step"), [(11.2, 5.0), (9.0, 2.0), (0.3, 0.1), (2_900, 1_000)])
def test_the_upright_axis_has_round_numbers(largest: float, step: float) -> None:
    """One, two or five of a power of ten, five or fewer steps."""
    assert plot.axis_step(largest) == pytest.approx(step)


def test_names_of_curves_do_not_lie_on_each_other() -> None:
    """The upper one stays, the next ones go down as far as they must."""
    assert plot.apart([100, 40, 101, 110]) == [100, 40, 114, 128]
