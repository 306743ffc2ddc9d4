"""Partitions that are halted, with real processes: what the others do, what is said, what goes on.

Poison is planted by `tests.support.poison` in every process that a test starts; there is no hook
for it in the product.
"""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from kernel.adapters.redis import keys
from kernel.errors import EXIT_INCOMPLETE, EXIT_INTEGRITY, EXIT_REFUSED
from tests.support.fleet import ENDS_S, PROJECT, Fleet, Member
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.operating import flip, halted, spoken
from tests.support.oracle import EXPERIMENT, Oracle, lines_of, output_bytes
from tests.support.poison import plant_everywhere
from tests.support.server import Server
from tests.support.waiting import wait_until

CONFIG = PROJECT / "configs" / "experiment.yaml"
LINES = 1_200
POISON_CENTS = 61_62
ODD_AMOUNT = b'"$61.62"'


RAISES = pytest.mark.row("attempt that makes a step raise")
TAMPERED = pytest.mark.row("batch or reply with a wrong signature, foreign run, wrong position")


def poisoned_source(folder: Path, *poison: int) -> Path:
    """Write a sample whose lines of these numbers are poison."""
    lines = sample_bytes(LINES).split(b"\n")
    for number in poison:
        whole = re.sub(rb'("load_amount": ?)"[^"]*"', rb"\1" + ODD_AMOUNT, lines[number - 1])
        assert whole != lines[number - 1]
        lines[number - 1] = whole
    stream = b"\n".join(lines)
    assert stream.count(b"61.62") == len(poison)
    source = folder / "source"
    source.write_bytes(stream)
    return source


def oracle_bytes(source: Path, *skipped: int) -> bytes:
    """Return what must be written when these lines were skipped."""
    oracle = Oracle(EXPERIMENT)
    numbered = enumerate(lines_of(source.read_bytes()), 1)
    return output_bytes(oracle.feed(line, skipped=number in skipped) for number, line in numbered)


def head(fleet: Fleet, partition: int) -> int:
    """Return the number of a partition's head as `partition show` tells it."""
    code, said = spoken(fleet, "partition", "show", str(partition))
    assert code == 0, said
    found = re.search(r"head +line (\d+) of run monday, number (\d+)\n +seal +holds", said)
    assert found is not None, said
    assert found[1] == found[2], "one run on a new ledger: its lines are the numbers"
    return int(found[2])


def ends_incomplete(collect: Member, partition: int) -> None:
    """Hold a collector to its promise: exit 6, and the sentence says what waits for what."""
    assert collect.ends() == EXIT_INCOMPLETE
    said = collect.said.splitlines()[-1]
    where = rf"partition {partition} at \d+ of \d+ is halted since 20"
    assert re.search(rf"line \d+ is the first without an answer, and .*{where}", said)
    for verb in ("show", "resume", "skip"):
        assert f"`fundload partition {verb} {partition} " in said


@RAISES
def test_a_poisoned_line_is_skipped_and_the_same_commands_complete_the_run(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Halted with its reason; exit 6; skipped by its number; complete, and as the oracle says."""
    plant_everywhere(monkeypatch, fleet.folder, POISON_CENTS)
    source, output = poisoned_source(fleet.folder, 400), fleet.folder / "output"
    assert fleet.produce(CONFIG, source).ends() == 0
    workers = fleet.known_workers(2)
    first = fleet.collect(output)

    wait_until(lambda: halted(fleet), within_s=ENDS_S, what="a halted partition")
    (partition,) = halted(fleet)
    ends_incomplete(first, partition)
    kept = output.with_name("output.partial").read_bytes()
    assert kept == b"".join(oracle_bytes(source, 400).splitlines(keepends=True)[:399])
    assert all(worker.popen.poll() is None for worker in workers)
    seq = head(fleet, partition)
    assert seq == 400
    number = str(partition)
    code, said = spoken(fleet, "partition", "skip", number, "--seq", "401", "--reason", "why")
    assert (code, "is number 400, not 401" in said) == (EXIT_REFUSED, True), said
    code, said = spoken(fleet, "partition", "skip", number, "--seq", "400", "--reason", "broken")
    assert code == 0, said

    assert fleet.collect(output).ends() == 0

    assert output.read_bytes() == oracle_bytes(source, 400)
    code, said = spoken(fleet, "partition", "show", number)
    assert "skipped number 400, 'broken', and ended a halt" in said
    assert "Poisoned" in said
    assert "61.62" not in said + first.said
    assert "secret" not in said + first.said
    assert (fleet.counter("halts"), fleet.counter("skips")) == (1, 1)
    fleet.stop_workers(workers)


@RAISES
@pytest.mark.row("worker killed -9 anywhere")
def test_a_worker_killed_before_or_after_it_counts_a_failure_changes_no_byte(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, nothing is counted; after, one is, and the next worker's is the one that halts."""
    plant_everywhere(monkeypatch, fleet.folder, POISON_CENTS)
    source, output = poisoned_source(fleet.folder, 400), fleet.folder / "output"
    assert fleet.produce(CONFIG, source).ends() == 0

    for point in ("worker.fail.before.1", "worker.fail.after.1"):
        assert fleet.worker(fault=point).ends() == -signal.SIGKILL
        assert halted(fleet) == []
    fleet.worker()

    (partition,) = wait_until(lambda: halted(fleet), within_s=ENDS_S, what="a halted partition")
    words = ("partition", "skip", str(partition), "--seq", "400", "--reason", "broken")
    assert spoken(fleet, *words)[0] == 0
    assert fleet.collect(output).ends() == 0
    assert output.read_bytes() == oracle_bytes(source, 400)
    assert (fleet.counter("halts"), fleet.counter("skips")) == (1, 1)


@RAISES
def test_status_names_who_stands_still_since_when_and_who_holds_it_up(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The halted one with its reason, those that wait for its prime, and the same in JSON."""
    plant_everywhere(monkeypatch, fleet.folder, POISON_CENTS)
    source = fleet.folder / "source"
    day = "2000-01-04T00:00:00Z"
    loads = [(10_007, 1, "61.62"), *((p, c, "10.00") for c, p in enumerate((10_009, 10_037), 2))]
    rows = [
        {"id": str(i), "customer_id": str(c), "load_amount": f"${a}", "time": day}
        for i, c, a in loads
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert fleet.produce(CONFIG, source).ends() == 0
    workers = fleet.known_workers(1)

    def still() -> dict[str, int]:
        parts = {part.state: part.partition for part in fleet.view().partitions}
        return parts if {"halted", "parked"} <= set(parts) and "ready" not in parts else {}

    parts = wait_until(still, within_s=ENDS_S, what="one halted and one parked partition")

    code, said = spoken(fleet, "status")
    assert code == 0
    since = r"since 20\S+ \S+ UTC"
    halt, park = parts["halted"], parts["parked"]
    assert re.search(rf"partition {halt} at 0 of 1: halted {since}, Poisoned", said)
    waits = rf"partition {park} at 0 of 1: waits {since} until number \d, of 2000-01-04, is decided"
    assert re.search(rf"{waits}; partition {halt} holds it up \(halted\)", said)
    code, said = spoken(fleet, "partition", "list")
    assert said.count("halted since") == 1
    assert len(said.splitlines()) == 1 + len(fleet.view().partitions)
    code, said = spoken(fleet, "partition", "list", "--json")
    listed = json.loads(said)
    assert listed[park]["held_up_by"] == halt
    code, said = spoken(fleet, "partition", "show", str(halt))
    assert "later primes of 2000-01-04 wait until it is decided" in said
    fleet.stop_workers(workers)


@RAISES
def test_run_ends_with_6_and_goes_on_after_a_resume(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a named ledger: once the fault is mended, `resume` is enough, and no line is lost."""
    source, output = poisoned_source(fleet.folder, 77), fleet.folder / "output"
    files = ("--config", str(CONFIG), "--input", str(source), "--output", str(output))
    place = ("--redis-url", fleet.url, "--ledger", fleet.ledger)
    words = ("run", *files, *place, "--run", fleet.run, "--workers", "2")
    with monkeypatch.context() as patch:
        plant_everywhere(patch, fleet.folder, POISON_CENTS)
        poisoned = fleet.start(*words)
        assert poisoned.ends() == EXIT_INCOMPLETE
    (partition,) = halted(fleet)
    assert f"`fundload partition resume {partition} " in poisoned.said
    assert "this goes on with the run" in poisoned.said
    code, said = spoken(fleet, "wait", "--run", fleet.run)
    assert (code, f"partition {partition} at " in said) == (EXIT_INCOMPLETE, True), said

    code, said = spoken(fleet, "partition", "resume", str(partition))
    assert code == 0, said

    assert fleet.start(*words).ends() == 0
    assert output.read_bytes() == oracle_bytes(source)
    code, said = spoken(fleet, "partition", "resume", str(partition))
    assert (code, "is not halted" in said) == (EXIT_REFUSED, True)


def test_a_run_of_its_own_says_that_nobody_can_mend_it(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A throw-away ledger is gone with its run, so no command is named that could not be run."""
    plant_everywhere(monkeypatch, fleet.folder, POISON_CENTS)
    source, output = poisoned_source(fleet.folder, 77), fleet.folder / "output"
    files = ("--config", str(CONFIG), "--input", str(source), "--output", str(output))

    run = fleet.start("run", *files, "--workers", "1")

    assert run.ends() == EXIT_INCOMPLETE
    assert "on a named --ledger the partition can be resumed" in run.said
    assert "fundload partition" not in run.said
    assert not output.exists()


@TAMPERED
def test_a_batch_that_was_tampered_with_is_never_decided(fleet: Fleet, server: Server) -> None:
    """Halted at once, not one of its lines answered; put back and resumed, the run completes."""
    source, output = fleet.folder / "source", fleet.folder / "output"
    source.write_bytes(sample_bytes(LINES))
    assert fleet.produce(CONFIG, source).ends() == 0
    partition = max(fleet.view().partitions, key=lambda part: part.end).partition
    log = keys.beside(fleet.ledger, f"log:{partition}")
    flip(server, log)
    workers = fleet.known_workers(2)

    ends_incomplete(first := fleet.collect(output), partition)

    assert "MacWrong" in first.said
    part = fleet.view().partitions[partition]
    assert (part.state, part.cursor) == ("halted", 0)
    assert fleet.counter("halts") == 1
    assert "MacWrong" in spoken(fleet, "status")[1]
    number = str(partition)
    code, said = spoken(fleet, "partition", "show", number)
    assert "seal   does not hold" in said
    code, said = spoken(fleet, "partition", "skip", number, "--seq", "1", "--reason", "why")
    assert (code, "cannot be read (MacWrong" in said) == (EXIT_REFUSED, True), said

    flip(server, log)
    code, said = spoken(fleet, "partition", "resume", number)
    assert code == 0, said
    assert fleet.collect(output).ends() == 0
    assert output.read_bytes() == memory_bytes(CONFIG, source)
    fleet.stop_workers(workers)


@TAMPERED
def test_a_reply_that_was_tampered_with_is_never_written(fleet: Fleet, server: Server) -> None:
    """The collector ends with 5 before a row of it is written; put back, it goes on."""
    source, output = fleet.folder / "source", fleet.folder / "output"
    source.write_bytes(sample_bytes(LINES))
    assert fleet.produce(CONFIG, source).ends() == 0
    workers = fleet.known_workers(1)
    fleet.wait_for_answers(LINES)
    fleet.stop_workers(workers)
    replies = keys.beside(fleet.ledger, f"run:{fleet.run}:replies")
    flip(server, replies)

    broken = fleet.collect(output)

    assert broken.ends() == EXIT_INTEGRITY
    assert "seal" in broken.said
    assert not output.exists()
    code, said = spoken(fleet, "wait", "--run", fleet.run)
    assert (code, "seal" in said) == (EXIT_INTEGRITY, True), said
    flip(server, replies)
    assert fleet.collect(output).ends() == 0
    assert output.read_bytes() == memory_bytes(CONFIG, source)
