"""`fundload run` as users type it: one command, the same bytes, and nothing left of it.

What is left when it is broken off, and what it says then, is in `test_run_broken_off.py`.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from kernel.errors import EXIT_REDIS, EXIT_REFUSED, EXIT_USAGE
from tests.support.fleet import COMMAND, ENDS_S, PROJECT, Fleet, config_file
from tests.support.marked import Marked
from tests.support.memory import memory_bytes, sample_bytes

LINES = 1_500
CONFIG = PROJECT / "configs" / "experiment.yaml"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write a sample."""
    path = tmp_path / "source"
    path.write_bytes(sample_bytes(LINES))
    return path


def words(source: Path | str, output: Path | str, *more: str) -> list[str]:
    """Return the command line of a run."""
    files = ("--config", str(CONFIG), "--input", str(source), "--output", str(output))
    return ["run", *files, *more]


def test_a_run_is_complete_and_says_how_to_check_it(
    fleet: Fleet, mark: Marked, source: Path, tmp_path: Path
) -> None:
    """The output has the memory profile's bytes, and the last line's commands find that out."""
    output = tmp_path / "out"

    run = fleet.start(*words(source, output, "--workers", "2"))

    assert run.ends() == 0
    assert output.read_bytes() == memory_bytes(CONFIG, source)
    assert f"lines      {LINES:>12,}" in run.said
    assert re.search(r"lines/s in [0-9.]+ s by 2 worker", run.said)
    last = run.said.splitlines()[-1]
    assert last.startswith(f"The rows are in '{output}'. To check them: fundload run ")
    command = last.partition("To check them: fundload ")[2]
    check = f"{shlex.quote(str(COMMAND))} {command}"
    checked = subprocess.run(["bash", "-c", check], capture_output=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, b""), checked.stderr
    assert mark.left_over() == []


def test_standard_input_goes_to_standard_output_and_nothing_else_does(
    fleet: Fleet, mark: Marked, source: Path
) -> None:
    """Rows on stdout, all words on stderr."""
    with source.open("rb") as stdin:
        run = fleet.start(*words("-", "-", "--workers", "1"), stdin=stdin)
        rows, _ = run.popen.communicate(timeout=ENDS_S)

    assert run.ends() == 0
    assert rows == memory_bytes(CONFIG, source)
    assert mark.left_over() == []


def test_a_reader_who_leaves_ends_the_run_quietly(fleet: Fleet, mark: Marked, source: Path) -> None:
    """As `… | head` does: exit 0, no traceback, nothing left."""
    run = fleet.start(*words(source, "-", "--workers", "1"))
    assert run.popen.stdout is not None
    run.popen.stdout.close()

    assert run.ends() == 0
    assert "the reader of standard output has left" in run.said
    assert "Traceback" not in run.said
    assert mark.left_over() == []


def test_an_empty_input_is_a_complete_run(fleet: Fleet, tmp_path: Path) -> None:
    """No line, no row, and an output of no bytes."""
    output = tmp_path / "out"

    run = fleet.start(*words("/dev/null", output, "--workers", "1"))

    assert run.ends() == 0
    assert output.read_bytes() == b""


def test_the_memory_profile_is_one_process_and_says_the_same_figures(
    fleet: Fleet, mark: Marked, source: Path, tmp_path: Path
) -> None:
    """Same bytes, same counts, reasons beside it, and the check is the fleet."""
    output, reasons = tmp_path / "out", tmp_path / "reasons"
    options = ("--profile", "memory", "--reasons", str(reasons))

    run = fleet.start(*words(source, output, *options))

    assert run.ends() == 0
    assert output.read_bytes() == memory_bytes(CONFIG, source)
    assert len(reasons.read_bytes().splitlines()) == LINES
    assert "by one process, no Redis" in run.said
    assert "--profile" not in run.said.splitlines()[-1]
    assert mark.left_over() == []


def test_reasons_are_written_by_the_fleet_too(fleet: Fleet, source: Path, tmp_path: Path) -> None:
    """The same file as the memory profile's."""
    files = {name: tmp_path / f"{name}.reasons" for name in ("redis", "memory")}
    for name, reasons in files.items():
        options = ("--profile", name, "--reasons", str(reasons))
        assert fleet.start(*words(source, tmp_path / name, *options)).ends() == 0

    assert files["redis"].read_bytes() == files["memory"].read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--workers", "0"), "--workers 0: a fleet has 1 to"),
        (("--workers", "-3"), "--workers -3: a fleet has 1 to"),
        (("--workers", "two"), "'two' is not a valid integer"),
        (("--profile", "memory", "--workers", "2"), "so --workers has no meaning there"),
        (("--profile", "memory", "--redis-url", "redis://x"), "so --redis-url has no meaning"),
        (("--profile", "memory", "--ledger", "prod"), "so --ledger has no meaning there"),
        (("--ledger", "prod"), "--ledger prod needs --redis-url"),
        (("--ledger", "a b", "--redis-url", "redis://x"), "ledger 'a b': use 1 to 64"),
        (("--run", "a/b"), "run 'a/b': use 1 to 64"),
        (("--redis-url", "http://x"), "not a Redis address"),
        (("--input", "missing"), "There is no input 'missing'"),
        (("--input", "."), "is a directory"),
        (("--config", "missing"), "missing"),
        (("--output", "no/such/place"), "There is no directory 'no/such'"),
        (("--output", "."), "names no file"),
        (("--reasons", "-"), "--reasons"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_started(
    fleet: Fleet, mark: Marked, source: Path, options: tuple[str, ...], said: str
) -> None:
    """Exit 2 with a sentence that says what to do."""
    output = fleet.folder / "out"

    run = fleet.start(*words(source, output, *options))

    assert run.ends() == EXIT_USAGE, run.said
    assert said in run.said
    assert "Traceback" not in run.said
    assert "w1 |" not in run.said
    assert not output.exists()
    assert mark.left_over() == []


def test_an_existing_output_is_kept_unless_force_is_given(
    fleet: Fleet, source: Path, tmp_path: Path
) -> None:
    """Exit 7 before anything is started; with --force it is replaced when the run is complete."""
    output = tmp_path / "out"
    output.write_text("precious", "utf-8")

    refused = fleet.start(*words(source, output))
    assert refused.ends() == EXIT_REFUSED
    assert "exists: give another --output, or --force" in refused.said
    assert "w1 |" not in refused.said
    assert output.read_text("utf-8") == "precious"
    forced = fleet.start(*words(source, output, "--force"))

    assert forced.ends() == 0
    assert output.read_bytes() == memory_bytes(CONFIG, source)


def test_the_input_is_never_overwritten(fleet: Fleet, source: Path) -> None:
    """Not even with --force."""
    run = fleet.start(*words(source, source, "--force"))

    assert run.ends() == EXIT_USAGE
    assert "is the input: give another name" in run.said
    assert source.read_bytes() == sample_bytes(LINES)


def test_no_redis_at_the_address_is_4_at_once(
    fleet: Fleet, mark: Marked, source: Path, tmp_path: Path
) -> None:
    """The address is named, without its password."""
    url = "redis://:open-sesame@127.0.0.1:1/0"

    run = fleet.start(*words(source, tmp_path / "out", "--redis-url", url))

    assert run.ends() == EXIT_REDIS
    assert "no Redis answers at redis://***@127.0.0.1:1/0" in run.said
    assert "open-sesame" not in run.said
    assert mark.left_over() == []


def test_a_ledger_with_other_rules_or_partitions_is_refused(
    fleet: Fleet, source: Path, tmp_path: Path
) -> None:
    """Exit 7, the ledger is named, and nothing is written."""
    fleet.make_ledger(config_file(tmp_path, "baseline"))
    there = ("--redis-url", fleet.url, "--ledger", fleet.ledger)
    output = tmp_path / "out"

    rules = fleet.start(*words(source, output, *there))
    parts = config_file(tmp_path, "baseline", partitions=3)
    partitions = fleet.start(*words(source, output, *there, "--config", str(parts)))

    assert (rules.ends(), partitions.ends()) == (EXIT_REFUSED, EXIT_REFUSED)
    assert f"ledger {fleet.ledger} has other rules in force" in rules.said
    assert f"ledger {fleet.ledger} has 16 partitions" in partitions.said
    assert not output.exists()


def test_a_named_ledger_stays_and_knows_the_ids_of_earlier_runs(
    fleet: Fleet, source: Path, tmp_path: Path
) -> None:
    """A second run with the same lines brings nothing but duplicates.

    The input alone does not give its rows: no command is offered that would find a difference.
    """
    there = ("--redis-url", fleet.url, "--ledger", fleet.ledger, "--workers", "1")

    first = fleet.start(*words(source, tmp_path / "first", *there))
    assert first.ends() == 0
    second = fleet.start(*words(source, tmp_path / "second", *there))

    assert second.ends() == 0
    assert (tmp_path / "first").read_bytes() == memory_bytes(CONFIG, source)
    assert re.search(r"^accepted +0 ", second.said, re.MULTILINE)
    assert "To check them" in first.said
    assert "To check them" not in second.said
    assert f"Other runs are on ledger {fleet.ledger}" in second.said
    assert len(fleet.view().runs) == 2
