"""`--durability strict`: no row is written before its answer is where it cannot be lost.

A crash loses what is not on disk. That is played here by the worst disk that keeps its word: the
file is cut to what it held when the last barrier was asked for, and not a byte more.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from kernel.adapters.redis.client import connect
from tests.support.fleet import ENDS_S, PROJECT, Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.proxy import Proxy
from tests.support.server import Server, free_port
from tests.support.waiting import wait_until

LINES = 12_000
BASELINE = PROJECT / "configs" / "baseline.yaml"
STRICT = ("--durability", "strict")


def rows_in(path: Path) -> int:
    """Count the rows that are written so far."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def barriers(server: Server) -> int:
    """Return how often the server was asked for a barrier."""
    client = server.client()
    stats: Any = client.info("commandstats")
    client.close()
    return int(stats.get("cmdstat_waitaof", {"calls": 0})["calls"])


class _Disk:
    """What the server's file held when a barrier was last answered; the next one can be held up."""

    def __init__(self, server: Server, proxy: Proxy) -> None:
        self._folder = server.folder / "appendonlydir"
        self._holds = threading.Event()
        self._is_holding = threading.Event()
        self._goes_on = threading.Event()
        self.size = 0
        proxy.watch = self._see

    def _see(self, script: str) -> None:
        if script != "WAITAOF":
            return
        if self._holds.is_set():
            self._is_holding.set()
            self._goes_on.wait(ENDS_S)
        else:
            self.size = sum(part.stat().st_size for part in self._folder.glob("*.incr.aof"))

    def hold_up(self) -> None:
        """Hold up the next barrier."""
        self._is_holding.clear()
        self._goes_on.clear()
        self._holds.set()

    def wait_until_held(self) -> None:
        """Return when a barrier is held up."""
        wait_until(self._is_holding.is_set, within_s=ENDS_S, what="a barrier to hold up")

    def let_go(self) -> None:
        """Let barriers pass again."""
        self._holds.clear()
        self._goes_on.set()


def test_what_a_crash_leaves_holds_every_row_that_was_written(tmp_path: Path) -> None:
    """Whatever the last barrier did not cover is lost, and no row is among it; same bytes."""
    with (
        Server(fsync="always") as server,
        Proxy(server.socket) as proxy,
        Fleet(server.url, "prod", tmp_path) as fleet,
    ):
        disk = _Disk(server, proxy)
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(LINES))
        # All is appended before: what is answered from then on is so in the order of its lines.
        config = config_file(tmp_path, "experiment", chunk_lines_max=64, turn_attempts_max=64)
        assert fleet.produce(config, source).ends() == 0
        worker = fleet.worker()
        words = ("--redis-url", proxy.url, "--ledger", fleet.ledger, "--run", fleet.run)
        with output.open("wb") as rows_out:  # every row is out at once there
            collector = fleet.start(
                "collect", *words, "--output", "-", *STRICT, stdout=rows_out.fileno()
            )
        for share in (0.2, 0.6):
            fleet.wait_for_answers(int(share * LINES))
            worker.freeze()
            wait_until(lambda: has_read_all(proxy), within_s=ENDS_S, what="a quiet collector")
            rows, quiet = rows_in(output), fleet.run_view()
            assert quiet is not None
            disk.hold_up()
            worker.thaw()
            disk.wait_until_held()
            fleet.wait_for_answers(quiet.answers + 256)

            assert rows_in(output) == rows
            worker.freeze()  # else it has decided again what was cut before it is counted
            server.cut_tail(disk.size)

            after = fleet.run_view()
            assert after is not None
            assert quiet.answers + 256 > after.answers >= rows > 0
            worker.thaw()
            disk.let_go()

        assert collector.ends() == 0
        assert output.read_bytes() == memory_bytes(config, source)
        assert worker.popen.poll() is None


def has_read_all(proxy: Proxy) -> bool:
    """Say whether the collector reads and finds nothing: then it has no barrier to ask for."""
    reads, asked = proxy.times("XREAD"), proxy.times("WAITAOF")
    wait_until(lambda: proxy.times("XREAD") >= reads + 2, within_s=ENDS_S, what="two more reads")
    return proxy.times("WAITAOF") == asked


def test_nothing_is_written_while_the_replica_is_cut_off(tmp_path: Path) -> None:
    """All is answered, not a row is written; and all of them are when the replica is back."""
    with (
        Server(fsync="always", port=free_port()) as server,
        Server(fsync="always", port=free_port()) as replica,
        Fleet(server.url, "prod", tmp_path) as fleet,
    ):
        replica.follow(server)
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(1_000))
        replica.stand_still()
        collector = fleet.collect(output, *STRICT, "--replicas", "1")
        assert fleet.produce(BASELINE, source).ends() == 0
        fleet.worker()
        fleet.wait_for_answers(1_000)
        asked = barriers(server)

        wait_until(lambda: barriers(server) >= asked + 2, within_s=ENDS_S, what="a late barrier")

        assert rows_in(tmp_path / "output.partial") == 0
        assert fleet.written() == 0
        assert collector.popen.poll() is None
        replica.go_on()
        assert collector.ends() == 0, collector.said
        assert output.read_bytes() == memory_bytes(BASELINE, source)


def test_fast_asks_for_no_barrier(tmp_path: Path) -> None:
    """The default costs nothing, on any server."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(300))
        fleet.worker()
        assert fleet.produce(BASELINE, source).ends() == 0
        assert fleet.collect(output).ends() == 0

        assert barriers(server) == 0
        assert output.read_bytes() == memory_bytes(BASELINE, source)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"appendonly": "no"}, "keeps no append-only file; set appendonly yes"),
        ({"appendfsync": "no"}, "set it to always"),
    ],
    ids=["no file", "never synced"],
)
def test_a_server_that_cannot_keep_its_word_is_refused(
    tmp_path: Path, settings: dict[str, str], says: str
) -> None:
    """Exit 4 and what to set; `run` makes no ledger there, and no output is begun."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        source, output = tmp_path / "sample", tmp_path / "output"
        source.write_bytes(sample_bytes(300))
        fleet.make_ledger(BASELINE)
        for name, value in settings.items():
            client = server.client()
            client.config_set(name, value)
            client.close()
        place = ("--redis-url", server.url, "--ledger", "other")
        files = ("--config", str(BASELINE), "--input", str(source), "--output", str(output))

        refused = [fleet.collect(output, *STRICT), fleet.start("run", *files, *place, *STRICT)]

        for member in refused:
            assert member.ends() == 4, member.said
            assert says in member.said
            assert "Traceback" not in member.said
        client = connect(server.url)
        assert client.keys("fl:{other}*") == []
        client.close()
        assert list(tmp_path.glob("output*")) == []


def test_a_run_with_a_server_of_its_own_keeps_its_word(fleet: Fleet) -> None:
    """Its server puts every write on disk before it answers."""
    source, output = fleet.folder / "sample", fleet.folder / "output"
    source.write_bytes(sample_bytes(2_000))
    files = ("--config", str(BASELINE), "--input", str(source), "--output", str(output))

    run = fleet.start("run", *files, "--workers", "2", *STRICT)

    assert run.ends() == 0, run.said
    assert output.read_bytes() == memory_bytes(BASELINE, source)
