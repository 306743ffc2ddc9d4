"""`fundload run` broken off: by Ctrl-C, SIGTERM or SIGKILL, or because one of its own is killed.

The input is a pipe that is not closed, so that a run goes on for as long as a test wants it to, and
the moments at which it is met are drawn by chance from a seed.
"""

from __future__ import annotations

import random
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from kernel.errors import EXIT_SIGINT, EXIT_SIGTERM
from tests.support.fleet import ENDS_S, PROJECT, Fleet, Member, config_file
from tests.support.marked import GONE_S, Marked, line_of
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server
from tests.support.waiting import wait_until

LINES = 3_000
CONFIG = PROJECT / "configs" / "experiment.yaml"


def started(fleet: Fleet, source: Path | str, output: Path, *more: str) -> Member:
    """Start a run whose input is a pipe that stays open."""
    files = ("--config", str(CONFIG), "--input", str(source), "--output", str(output))
    return fleet.start("run", *files, "--workers", "2", *more, stdin=subprocess.PIPE)


def feed(run: Member, lines: bytes) -> None:
    """Write lines into a run's standard input, and leave it open."""
    assert run.popen.stdin is not None
    run.popen.stdin.write(lines)
    run.popen.stdin.flush()


def found(mark: Marked, word: str) -> psutil.Process | None:
    """Return the first process of a run with this word in its command line."""
    return next((p for p in mark.processes() if word in line_of(p)), None)


def of_run(mark: Marked, word: str) -> psutil.Process:
    """Wait until the run has such a process, and return it."""
    process = wait_until(lambda: found(mark, word), within_s=ENDS_S, what=f"{word} to be started")
    assert process is not None
    return process


def wait_for_rows(output: Path) -> None:
    """Wait until some rows are written beside an output."""
    partial = output.with_name(f"{output.name}.partial")
    wait_until(
        lambda: partial.exists() and partial.stat().st_size, within_s=ENDS_S, what="the first rows"
    )


@pytest.mark.row("supervisor killed -9")
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_left_after_sigkill_at_any_moment(
    fleet: Fleet, mark: Marked, tmp_path: Path, seed: int
) -> None:
    """Within five seconds no process, no socket, no directory."""
    moment_s = random.Random(seed).uniform(0.0, 2.5)
    run = started(fleet, "-", tmp_path / "out")
    feed(run, sample_bytes(LINES))
    deadline = time.monotonic() + moment_s
    wait_until(lambda: time.monotonic() >= deadline, within_s=10, what="the moment")
    seen = len(mark.processes())
    assert run.popen.poll() is None, run.said

    run.kill()

    print(f"killed after {moment_s:.2f} s with {seen} processes")  # noqa: T201
    wait_until(lambda: mark.left_over() == [], within_s=GONE_S, what="nothing to be left")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, EXIT_SIGINT), (signal.SIGTERM, EXIT_SIGTERM)]
)
def test_a_run_of_its_own_that_is_stopped_says_that_it_starts_anew(
    fleet: Fleet, mark: Marked, tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    """The exit code is the signal's, all is stopped, and the command that is said starts anew."""
    run = started(fleet, "-", tmp_path / "out")
    feed(run, sample_bytes(LINES))
    wait_for_rows(tmp_path / "out")

    run.tell(signum)

    assert run.ends() == code
    assert mark.left_over() == []
    assert "the ledger was this run's own and is gone, so " in run.said
    assert re.search(r"starts anew with:\n  fundload run --config \S+ --input -", run.said)
    assert "Traceback" not in run.said
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_stopped_before_it_began_says_so(
    fleet: Fleet, mark: Marked, tmp_path: Path
) -> None:
    """Ctrl-C while the first processes come up."""
    run = started(fleet, "-", tmp_path / "out")
    of_run(mark, "kernel.runtime.guard")

    run.tell(signal.SIGINT)

    assert run.ends() == EXIT_SIGINT
    assert "fundload run --config" in run.said
    assert "Traceback" not in run.said
    # Who was being started at that very moment is known to nobody: the lifeline ends it.
    wait_until(lambda: mark.left_over() == [], within_s=GONE_S, what="nothing to be left")


def test_a_named_run_that_is_stopped_goes_on_by_the_command_that_it_says(
    fleet: Fleet, mark: Marked, tmp_path: Path
) -> None:
    """Typed as it stands, it completes the output: the same bytes as if nothing had been."""
    source, output = tmp_path / "source", tmp_path / "out"
    source.write_bytes(sample_bytes(LINES))
    slow = config_file(tmp_path, "experiment", chunk_lines_max=64, inflight_lines_max=512)
    there = ("--redis-url", fleet.url, "--ledger", fleet.ledger)
    run = started(fleet, source, output, *there, "--config", str(slow))
    wait_for_rows(output)
    fleet.run = next(iter(fleet.view().runs))
    fleet.wait_for_answers(LINES // 10)

    run.tell(signal.SIGINT)

    assert run.ends() == EXIT_SIGINT
    assert f"ledger {fleet.ledger} keeps what was appended and decided" in run.said
    assert mark.left_over() == []
    view = fleet.run_view()
    assert view is not None
    assert view.answers < LINES, "stopped too late to show anything"
    asked = fleet.start("wait", *there, "--run", fleet.run)
    assert asked.ends() == EXIT_SIGINT, "told by the supervisor, not as the SIGTERM it passed on"
    again = re.search(r"this goes on with the run:\n  fundload (run .*)\n", run.said)
    assert again is not None
    gone_on = fleet.start(*shlex.split(again[1]))
    assert gone_on.ends() == 0
    assert output.read_bytes() == memory_bytes(slow, source)
    assert len(fleet.view().runs) == 1


def test_a_named_run_of_standard_input_goes_on_when_it_is_fed_again(
    fleet: Fleet, mark: Marked, tmp_path: Path
) -> None:
    """From the start of the input, under the run's name."""
    source, output = tmp_path / "source", tmp_path / "out"
    source.write_bytes(sample_bytes(LINES))
    there = ("--redis-url", fleet.url, "--ledger", fleet.ledger, "--run", fleet.run)
    run = started(fleet, "-", output, *there)
    feed(run, sample_bytes(LINES)[:20_000])
    fleet.wait_for_answers(100)

    run.tell(signal.SIGTERM)

    assert run.ends() == EXIT_SIGTERM
    assert "fed the same input from its start, this goes on with the run" in run.said
    files = ("--config", str(CONFIG), "--input", "-", "--output", str(output))
    with source.open("rb") as stdin:
        gone_on = fleet.start("run", *files, "--workers", "1", *there, stdin=stdin)
    assert gone_on.ends() == 0
    assert output.read_bytes() == memory_bytes(CONFIG, source)
    assert mark.left_over() == []


@pytest.mark.parametrize("verb", ["worker", "produce", "collect"])
def test_a_process_of_the_run_that_is_killed_changes_no_byte(
    fleet: Fleet, mark: Marked, tmp_path: Path, verb: str
) -> None:
    """It is started again and goes on, also in a run without a named ledger."""
    source, output = tmp_path / "source", tmp_path / "out"
    source.write_bytes(sample_bytes(LINES))
    slow = config_file(tmp_path, "experiment", chunk_lines_max=64, inflight_lines_max=512)
    run = started(fleet, source, output, "--config", str(slow))
    victim = of_run(mark, verb)
    wait_for_rows(tmp_path / "out")

    victim.kill()

    assert run.ends() == 0
    assert re.search(r"supervisor \| \w+ was ended by signal 9; starting it again", run.said)
    assert output.read_bytes() == memory_bytes(slow, source)
    assert mark.left_over() == []


def test_a_producer_killed_on_a_pipe_ends_the_run_with_what_to_do(
    fleet: Fleet, mark: Marked, tmp_path: Path
) -> None:
    """What it had read is gone with it, so nothing is guessed: exit 6."""
    run = started(fleet, "-", tmp_path / "out")
    feed(run, sample_bytes(LINES))
    wait_for_rows(tmp_path / "out")

    of_run(mark, "produce").kill()

    assert run.ends() == 6
    assert "stdin cannot be gone on with; feed it again from its start" in run.said
    assert not (tmp_path / "out").exists()
    assert mark.left_over() == []


def keys_that_stay(client: redis.Redis, *, longer_than_s: int) -> set[bytes]:
    """Return the keys that do not go away by themselves in this time."""
    untyped: Any = client
    return {key for key in untyped.scan_iter() if not 0 <= untyped.ttl(key) <= longer_than_s}


def test_a_throwaway_ledger_leaves_nothing_on_somebody_elses_server(tmp_path: Path) -> None:
    """DBSIZE is what it was, after a good end and after Ctrl-C."""
    source = tmp_path / "source"
    source.write_bytes(sample_bytes(LINES))
    with Server() as foreign, Fleet(foreign.url, "unused", tmp_path) as fleet:
        client = foreign.client()
        client.set("somebody's", "key")
        good = started(fleet, source, tmp_path / "good", "--redis-url", foreign.url)
        assert good.ends() == 0
        wait_until(lambda: client.dbsize() == 1, within_s=GONE_S, what="only one key to be left")

        stopped = started(fleet, "-", tmp_path / "stopped", "--redis-url", foreign.url)
        feed(stopped, sample_bytes(LINES))
        wait_for_rows(tmp_path / "stopped")
        stopped.tell(signal.SIGINT)

        assert stopped.ends() == EXIT_SIGINT
        wait_until(lambda: client.dbsize() == 1, within_s=GONE_S, what="only one key to be left")
        client.close()


def test_a_throwaway_ledger_of_a_killed_run_is_dropped_by_another_run(tmp_path: Path) -> None:
    """Once its deadline has passed, and with all that RQ kept for its workers."""
    source = tmp_path / "source"
    source.write_bytes(sample_bytes(100))
    short = config_file(tmp_path, "baseline", throwaway_ms=1_500)
    with Server() as foreign, Fleet(foreign.url, "unused", tmp_path) as fleet:
        client: Any = foreign.client()
        there = ("--redis-url", foreign.url, "--config", str(short))
        killed = started(fleet, "-", tmp_path / "killed", *there)
        feed(killed, sample_bytes(LINES))
        wait_for_rows(tmp_path / "killed")
        killed.kill()
        (name,) = client.zrange("fl:throwaway", 0, -1)
        wait_until(
            lambda: int(client.info("clients")["connected_clients"]) == 1,
            within_s=GONE_S,
            what="its processes to be gone",
        )
        seconds, _ = client.time()
        deadline_s = client.zscore("fl:throwaway", name) / 1000
        assert deadline_s - seconds <= 2
        wait_until(lambda: client.time()[0] > deadline_s, within_s=5, what="its deadline")
        assert [key for key in keys_that_stay(client, longer_than_s=0) if name in key]

        other = started(fleet, source, tmp_path / "other", *there)

        assert other.ends() == 0
        assert f"dropped the throw-away ledger {name.decode()}" in other.said
        # RQ itself keeps a worker that ended in order for a minute, and lists it nowhere.
        assert keys_that_stay(client, longer_than_s=60) == set()
        client.close()
