"""The benchmark runs: all forms on a short sample, with right answers and figures for each role.

What the figures are is no test's matter: that is what `make bench` prints.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.report import ALONE, COLLECTOR, PRODUCER, REDIS, WORKERS

pytestmark = [
    pytest.mark.unwatched,
    pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads Linux's process clock"),
]

ROOT = Path(__file__).resolve().parents[2]


def measured(*argv: str) -> None:
    """Run the benchmark; exit code 0 means that all gave the answers of the memory profile."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_forms_are_measured_and_give_the_same_answers(tmp_path: Path) -> None:
    """Exit code 0 means that fleet, memory profile and the forms by hand gave the same rows."""
    figures = tmp_path / "figures.json"
    argv = ["--lines", "2000", "--workers", "2", "--rq-lines", "20", "--json", str(figures)]
    measured(*argv)

    forms = json.loads(figures.read_text("utf-8"))["forms"]
    fleet, memory, *others = forms
    assert all(form["same_answers"] for form in forms)
    assert [form["form"] for form in others] == [
        "RQ, one job each",
        "RQ, one job each, forking",
        "Streams consumer",
        "Streams, pipelined by 500",
    ]
    assert set(fleet["roles"]) == {PRODUCER, REDIS, WORKERS, COLLECTOR}
    assert set(memory["roles"]) == {ALONE}
    assert all(set(other["roles"]) == {PRODUCER, REDIS, WORKERS} for other in others)
    for form in forms:
        for name, role in form["roles"].items():
            # Alone it is the difference of two runs, which a busy machine may turn around.
            assert name == ALONE or role["cpu_us_per_attempt"] > 0
            assert role["startup_cpu_ms"] > 0
            assert role["peak_mb"] > 1
    assert fleet["roles"][WORKERS]["processes"] == 2
    assert fleet["commits"] >= 1


def test_the_price_of_losing_nothing_is_measured(tmp_path: Path) -> None:
    """A row for each durability; exit code 0 means that all of them gave the same rows."""
    text = tmp_path / "table"
    argv = ["--durability", "--lines", "1000", "--workers", "1", "--markdown", str(text)]
    measured(*argv)

    rows = [line.split("|")[1:-1] for line in text.read_text("utf-8").splitlines() if "|" in line]
    named = [(row[0].strip(), row[1].strip()) for row in rows[2:]]
    assert named == [
        ("off", "none"),
        ("everysec", "none"),
        ("always", "none"),
        ("always", "WAITAOF 1 0"),
    ]
    assert all(float(row[3]) > 0 for row in rows[2:])


def test_an_input_of_another_shape_is_measured(tmp_path: Path) -> None:
    """One row in memory and one for each way of taking; exit code 0 means the same rows."""
    figures = tmp_path / "figures.json"
    argv = ["--shapes", "--only", "half", "--take", "all", "--workers", "1", "--lines", "500"]
    measured(*argv, "--json", str(figures))

    memory, fleet = json.loads(figures.read_text("utf-8"))["shapes"]
    assert (memory["take"], fleet["take"], fleet["workers"]) == ("", "all", 1)
    assert memory["same_answers"]
    assert fleet["same_answers"]
    assert fleet["turns"] >= 1
    assert fleet["round_trips_max"] >= fleet["turns"] + fleet["appends"]


def test_latency_is_measured_in_an_open_loop(tmp_path: Path) -> None:
    """Fifty attempts by the client, at times fixed beforehand, for a single RQ job."""
    figures = tmp_path / "figures.json"
    argv = ["--latency", "--only", "alone", "--rates", "100", "--seconds", "0.5"]
    measured(*argv, "--workers", "1", "--json", str(figures))

    (row,) = json.loads(figures.read_text("utf-8"))["latency"]
    assert row["same_answers"]
    assert row["attempts"] == 50
    assert row["rq_jobs"] >= 1
    assert 0 < row["p50_ms"] <= row["p99_ms"] <= row["max_ms"]


def test_what_lies_in_redis_is_counted_on_a_ledger_that_stands_still(tmp_path: Path) -> None:
    """Bytes of an id, of a queued attempt and of a customer-week; each has some, none has many."""
    figures = tmp_path / "figures.json"
    argv = ["--growth", "--only", "stored", "--workers", "1", "--lines", "5000"]
    measured(*argv, "--json", str(figures))

    stored = json.loads(figures.read_text("utf-8"))["stored"]
    assert stored["queued"] == 500
    for many, total in (
        ("ids", "ids_bytes"),
        ("queued", "queued_bytes"),
        ("customer_weeks", "windows_bytes"),
    ):
        assert 10 < stored[total] / stored[many] < 1_000


def test_seals_are_measured_by_themselves(tmp_path: Path) -> None:
    """All that a run seals: a batch for each partition of a chunk, and the replies."""
    figures = tmp_path / "figures.json"
    argv = ["--price", "--only", "seals", "--workers", "1", "--lines", "500"]
    measured(*argv, "--json", str(figures))

    sealing = json.loads(figures.read_text("utf-8"))["sealing"]
    assert sealing["batches"] == 16
    assert sealing["replies"] >= 1
    assert sealing["cpu_us_per_attempt"] > 0
