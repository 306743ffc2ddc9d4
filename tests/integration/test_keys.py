"""Key files with real processes: nothing secret in Redis, keys that change under load."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from kernel.adapters.files.keyfile import make, read_keys, rotate
from kernel.adapters.redis import keys
from kernel.adapters.redis.ledger import find
from kernel.errors import EXIT_DONE, EXIT_REFUSED
from tests.support.fleet import ENDS_S, Fleet, Member, config_file
from tests.support.ledger_state import read_keys as everything_of
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server
from tests.support.waiting import wait_until

PIECE = 20
BAD = b"not a line that parses\n"


class Feeder:
    """Feeds a producer piece by piece, and remembers what it has had."""

    def __init__(self, fleet: Fleet, fed: Member) -> None:
        self._fleet = fleet
        assert fed.popen.stdin is not None
        self._pipe = fed.popen.stdin
        self._lines = iter(sample_bytes(40_000).splitlines(keepends=True))
        self.lines: list[bytes] = []

    def feed(self) -> None:
        """Feed some lines, one of them bad, and wait until all are answered."""
        piece = [next(self._lines) for _ in range(PIECE)] + [BAD]
        self._pipe.write(b"".join(piece))
        self._pipe.flush()
        self.lines += piece
        self._fleet.wait_for_answers(len(self.lines))

    def close(self, source: Path) -> None:
        """End the input, and leave it in a file."""
        self._pipe.close()
        source.write_bytes(b"".join(self.lines))


def signed(fleet: Fleet, client: redis.Redis) -> Iterator[tuple[bytes, str]]:
    """Say of each answer that is still there which kind it is, and which key it names."""
    untyped: Any = client
    for _, fields in untyped.xrange(keys.beside(fleet.ledger, f"run:{fleet.run}:replies")):
        sealed = fields[b"b"]
        yield sealed[3:4], sealed[4:8].hex()


def test_keys_are_rotated_twice_while_a_fleet_works_and_no_byte_changes(
    fleet: Fleet, server: Server
) -> None:
    """Nothing is stopped; producer and workers sign with each key in its time; all is opened."""
    fleet.keys = fleet.folder / "prod.keys"
    ids = [make(fleet.keys).id]
    config = config_file(fleet.folder, "baseline", partitions=4, chunk_lines_max=64)
    producer = fleet.produce(config, "-", stdin=subprocess.PIPE)
    producer.wait_for(f"made ledger {fleet.ledger} \\(key {ids[0]}\\)")
    workers = fleet.known_workers(2)
    output, source = fleet.folder / "output", fleet.folder / "source"
    collector = fleet.collect(output)
    feeder, client = Feeder(fleet, producer), server.client()
    seen: set[tuple[bytes, str]] = set()

    def are_both_signing() -> bool:
        feeder.feed()
        seen.update(signed(fleet, client))
        return {(b"D", ids[-1]), (b"R", ids[-1])} <= seen

    wait_until(are_both_signing, within_s=ENDS_S, what="the first key to sign")
    for _ in range(2):
        ids.append(rotate(fleet.keys).id)
        wait_until(are_both_signing, within_s=ENDS_S, what="the next key to sign")
    client.close()
    feeder.close(source)

    assert (producer.ends(), collector.ends()) == (EXIT_DONE, EXIT_DONE)
    assert output.read_bytes() == memory_bytes(config, source)
    assert fleet.counter("halts") == 0
    fleet.stop_workers(workers)
    assert len(set(ids)) == 3
    assert {name for _, name in seen} == set(ids)


@pytest.mark.parametrize("has_file", [True, False], ids=["in a key file", "in the record"])
def test_no_process_of_a_run_shows_the_secret(fleet: Fleet, server: Server, has_file: bool) -> None:
    """Not on a command line, in an environment or in what is said; with a file, not in Redis."""
    config = config_file(fleet.folder, "baseline", partitions=2)
    words = ["run", "--config", str(config), "--input", "-", "--workers", "2"]
    output, source = fleet.folder / "output", fleet.folder / "source"
    words += [
        "--output",
        str(output),
        "--redis-url",
        fleet.url,
        "--ledger",
        fleet.ledger,
        "--run",
        fleet.run,
    ]
    path = fleet.folder / "prod.keys"
    if has_file:
        make(path)
        words += ["--keys", str(path)]
    run = fleet.start(*words, stdin=subprocess.PIPE)
    feeder = Feeder(fleet, run)
    wait_until(fleet.run_view, within_s=ENDS_S, what="the run to be opened")
    feeder.feed()
    client = server.client()
    record = find(client, fleet.ledger)
    assert record is not None
    secret = str(read_keys(path)[0].secret) if has_file else record.master_key
    assert len(secret) == 64
    assert record.is_throwaway is False

    family = [psutil.Process(run.popen.pid)]
    family += family[0].children(recursive=True)
    shown = [text for one in family for text in (*one.cmdline(), *one.environ().values())]
    stored = repr(everything_of(client, fleet.ledger))
    client.close()
    feeder.close(source)

    assert run.ends() == EXIT_DONE, run.said
    assert len(family) >= 5, "a supervisor, two workers, a producer and a collector"
    assert output.read_bytes() == memory_bytes(config, source)
    everywhere = "\n".join([*shown, run.said])
    assert secret not in everywhere
    assert repr(bytes.fromhex(secret)) not in everywhere
    assert (secret in stored) is not has_file
    assert repr(bytes.fromhex(secret)) not in stored


def test_a_ledger_is_worked_on_with_the_keys_it_was_made_with_or_not_at_all(fleet: Fleet) -> None:
    """Without its file, with another, or with one where there is none: exit 7, and what to do."""
    own, other = fleet.folder / "own.keys", fleet.folder / "other.keys"
    first = make(own).id
    make(other)
    config = config_file(fleet.folder, "baseline", partitions=2)
    source, output = fleet.folder / "source", fleet.folder / "output"
    source.write_bytes(sample_bytes(50))
    with_keys, without = fleet.ledger, f"{fleet.ledger}-without"
    fleet.keys = own
    making = [fleet.produce(config, source)]
    fleet.keys, fleet.ledger = None, without
    making.append(fleet.produce(config, source))
    assert [member.ends() for member in making] == [EXIT_DONE] * 2
    assert "its key lies in Redis" in making[1].said

    fleet.ledger = with_keys
    files = ("--config", str(config), "--input", str(source), "--output", str(output))
    on = ("--redis-url", fleet.url, "--ledger", with_keys)
    needed = f"{with_keys} was made with a key file (key {first})"
    refused = [
        (fleet.produce(config, source), needed),
        (fleet.worker(), needed),
        (fleet.collect(output), needed),
        (fleet.start("partition", "show", "0", *on), needed),
        (fleet.start("run", *files, *on), needed),
    ]
    fleet.keys = other
    refused.append((fleet.worker(), f"{with_keys} was made with key {first}, which is not one of"))
    fleet.keys, fleet.ledger = own, without
    refused.append((fleet.worker(), f"{without} was made without a key file"))
    for member, says in refused:
        assert member.ends() == EXIT_REFUSED, member.said
        assert says in member.said
        assert "Traceback" not in member.said
    # What was rotated is still the file that the ledger was made with.
    rotate(own)
    fleet.ledger = with_keys
    worker, collector = fleet.worker(), fleet.collect(output)
    assert collector.ends() == EXIT_DONE, collector.said
    assert output.read_bytes() == memory_bytes(config, source)
    client = fleet.start("submit", *on, "[]")
    assert client.ends() == EXIT_DONE, client.said
    fleet.stop_workers([worker])
