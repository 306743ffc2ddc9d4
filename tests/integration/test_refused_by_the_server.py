"""A server that is not fit, a ledger or a run that is somebody else's, and one that is gone."""

from __future__ import annotations

import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kernel.errors import RulesDiffer
from kernel.runtime.contract import check
from tests.support.fleet import ENDS_S, PROJECT, Fleet, Member, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server
from tests.support.waiting import wait_until

CONFIGS = PROJECT / "configs"
BASELINE = CONFIGS / "baseline.yaml"


@pytest.fixture
def source(fleet: Fleet) -> Path:
    """Put a small sample where the fleet finds it."""
    path = fleet.folder / "sample"
    path.write_bytes(sample_bytes(300))
    return path


def assert_ended(member: Member, code: int, says: str) -> None:
    """Hold the end of a process to its code and its sentence."""
    assert member.ends() == code, member.said
    assert says in member.said
    assert "Traceback" not in member.said


def everybody(fleet: Fleet, source: Path) -> list[Member]:
    """Start one process of each kind."""
    output = fleet.folder / "output"
    return [fleet.worker(), fleet.collect(output), fleet.produce(BASELINE, source)]


class _OldServer(socketserver.StreamRequestHandler):
    """Answers as a server of an older version does to those who ask for it."""

    def handle(self) -> None:
        """Answer each command; only INFO has something to tell."""
        while head := self.rfile.readline():
            words = []
            for _ in range(int(head[1:])):
                self.rfile.readline()
                words.append(self.rfile.readline().strip())
            text = b"redis_version:6.2.0\r\nmaxmemory_policy:noeviction\r\n"
            bulk = b"$%d\r\n%s\r\n" % (len(text), text)
            self.wfile.write(bulk if words[0] == b"INFO" else b"+OK\r\n")


@pytest.fixture
def old_url() -> Iterator[str]:
    """Start a server that says it is of version 6.2."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _OldServer) as old:
        old.daemon_threads = True
        serving = threading.Thread(target=old.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield f"redis://127.0.0.1:{old.server_address[1]}"
        old.shutdown()
        serving.join()


def test_a_server_that_is_too_old_is_refused(old_url: str, source: Path, tmp_path: Path) -> None:
    """By each process, at once, naming the version it has and the one it takes."""
    with Fleet(old_url, "prod", tmp_path) as fleet:
        for member in everybody(fleet, source):
            assert_ended(member, 4, "Redis 6.2.0 is too old")
            assert "7.0" in member.said
    assert list(tmp_path.glob("output*")) == []


def test_a_server_that_would_evict_keys_is_refused(source: Path, tmp_path: Path) -> None:
    """A ledger that loses keys loses money: exit 4, and the setting to change."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        client = server.client()
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.close()
        for member in everybody(fleet, source):
            assert_ended(member, 4, "maxmemory-policy allkeys-lru")
            assert "noeviction" in member.said
    assert list(tmp_path.glob("output*")) == []


def test_a_login_that_the_server_refuses_is_told(source: Path, server: Server) -> None:
    """Not "no Redis answers": exit 4, what to correct, and not a word of the password."""
    url = server.url.replace("unix://", "unix://nobody:secret@")
    with Fleet(server.url, "prod", source.parent) as fleet:
        fleet.url = url
        for member in (*everybody(fleet, source), fleet.start("status", *place(url))):
            assert_ended(member, 4, "refuses the login")
            assert "no Redis answers" not in member.said
            assert "secret" not in member.said


def place(url: str) -> tuple[str, ...]:
    """Return the options that name a ledger at a server."""
    return ("--redis-url", url, "--ledger", "prod")


@pytest.mark.row("another rule set or partition count")
def test_a_ledger_of_another_configuration_is_refused(fleet: Fleet, source: Path) -> None:
    """Other rules, or another number of partitions: exit 7, and the ledger is as it was."""
    fleet.make_ledger(BASELINE)
    before = fleet.view()

    assert_ended(fleet.produce(CONFIGS / "experiment.yaml", source), 7, "other rules in force")
    parted = config_file(fleet.folder, "baseline", partitions=3)
    assert_ended(fleet.produce(parted, source), 7, "has 16 partitions")
    assert "set fleet.partitions to 16" in fleet.members[-1].said

    assert fleet.view() == before


def test_check_says_how_a_ledger_stands_to_a_configuration_and_makes_none(fleet: Fleet) -> None:
    """Not there yet, under this configuration, or refused as `produce` would refuse it."""

    def checked(config: Path) -> Result:
        words = ["--redis-url", fleet.url, "--ledger", fleet.ledger, "--config", str(config)]
        return CliRunner().invoke(check, words)

    assert f"ledger {fleet.ledger}: not there yet" in checked(BASELINE).output
    fleet.make_ledger(BASELINE)

    assert f"ledger {fleet.ledger}: under this configuration" in checked(BASELINE).output
    refused = checked(CONFIGS / "experiment.yaml").exception
    assert isinstance(refused, RulesDiffer)
    assert "other rules in force" in str(refused)


def test_what_does_not_come_within_the_wait_is_told(fleet: Fleet) -> None:
    """A ledger or a run that nobody has made: exit 6 after `--wait`, and who makes it."""
    output = fleet.folder / "output"
    early = [fleet.worker("--wait", "0.2"), fleet.collect(output, "--wait", "0.2")]
    for member in early:
        assert_ended(member, 6, f"there is no ledger {fleet.ledger} after 0.2 s")
        assert "`fundload produce` makes it" in member.said
    assert_ended(
        fleet.start("status", "--redis-url", fleet.url, "--ledger", fleet.ledger),
        2,
        f"there is no ledger {fleet.ledger}",
    )

    fleet.make_ledger(BASELINE)

    assert_ended(fleet.collect(output, "--wait", "0.2"), 6, "run monday was not begun within 0.2 s")
    assert list(fleet.folder.glob("output*")) == []


@pytest.mark.row("two producers or two collectors on one run")
def test_one_run_has_one_producer_and_one_collector(fleet: Fleet, source: Path) -> None:
    """A second one of either kind is told so, exit 7, and disturbs nobody."""
    config = config_file(fleet.folder, "baseline", run_lease_ms=2_000)
    output, other = fleet.folder / "output", fleet.folder / "other"
    lines = source.read_bytes()
    reading, writing = os.pipe()
    fleet.worker()
    producer = fleet.produce(config, "-", stdin=reading)
    os.close(reading)
    collector = fleet.collect(output)
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        pipe.write(lines[:5_000])
        wait_until(fleet.written, within_s=ENDS_S, what="the first collector to hold the run")

        second, third = fleet.produce(config, source), fleet.collect(other)

        assert_ended(second, 7, "run monday is being fed by another process")
        assert_ended(third, 7, "run monday is being collected by another process")
        assert "stop it first" in third.said
        pipe.write(lines[5_000:])

    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == memory_bytes(config, source)
    assert list(fleet.folder.glob("other*")) == []


def test_a_finished_run_takes_no_other_input(fleet: Fleet, source: Path) -> None:
    """The same input again is nothing new; a longer or another one is refused."""
    longer, other = fleet.folder / "longer", fleet.folder / "different"
    longer.write_bytes(source.read_bytes() + source.read_bytes())
    other.write_bytes(source.read_bytes()[::-1])
    config = config_file(fleet.folder, "baseline", run_lease_ms=600)
    assert fleet.produce(config, source).ends() == 0
    before = fleet.run_view()

    assert fleet.produce(config, source).ends() == 0
    assert_ended(fleet.produce(config, longer), 7, "by another process with 300 lines")
    assert_ended(fleet.produce(config, other), 7, "is not what this run began with")

    assert fleet.run_view() == before


@pytest.mark.row("FLUSHALL in a run")
@pytest.mark.parametrize("is_busy", [True, False], ids=["at work", "idle"])
def test_everybody_ends_when_the_server_was_flushed(tmp_path: Path, *, is_busy: bool) -> None:
    """A ledger that is gone is never begun anew in silence: exit 5 for each, in seconds."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        config = config_file(tmp_path, "experiment", chunk_lines_max=64, inflight_lines_max=512)
        place = ("--redis-url", fleet.url, "--ledger", fleet.ledger)
        members = [fleet.start("wait", *place, "--run", fleet.run), fleet.worker(), fleet.worker()]
        members.append(fleet.collect(tmp_path / "output"))
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb"), os.fdopen(writing, "wb", buffering=0) as pipe:
            members.append(fleet.produce(config, "-", stdin=reading))
            pipe.write(sample_bytes(600 if is_busy else 100)[:60_000])  # what a pipe holds
            wait_until(fleet.written, within_s=ENDS_S, what="lines safe with the collector")
            # An attempt that nobody has typed yet: it is not waited for when there is no ledger.
            members.append(fleet.start("submit", *place, "--run", "till", stdin=subprocess.PIPE))
            wait_until(lambda: "till" in fleet.view().runs, within_s=ENDS_S, what="a client's run")
            client = server.client()
            client.flushall()
            client.close()

            for member in members:
                assert_ended(member, 5, "is gone: the server was flushed or replaced")
        assert not (tmp_path / "output").exists()


def test_a_script_of_a_server_that_was_restarted_is_sent_again(
    source: Path, tmp_path: Path
) -> None:
    """Scripts are not on disk: a server that comes back knows none, and is told them anew."""
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        fleet.make_ledger(BASELINE)
        worker = fleet.known_workers(1)[0]
        client = server.client()
        client.script_flush()
        client.close()

        output = tmp_path / "output"
        assert fleet.produce(BASELINE, source).ends() == 0
        assert fleet.collect(output).ends() == 0

        assert output.read_bytes() == memory_bytes(BASELINE, source)
        assert worker.popen.poll() is None


def test_status_writes_its_mapping_to_standard_output(fleet: Fleet, source: Path) -> None:
    """`--json` is for programs: one object, whatever the ledger is doing."""
    assert fleet.produce(BASELINE, source).ends() == 0
    words = ("status", "--redis-url", fleet.url, "--ledger", fleet.ledger, "--json")
    shown = fleet.start(*words, stdout=subprocess.PIPE)

    assert shown.ends() == 0
    assert shown.popen.stdout is not None
    assert b'"backlog_attempts": ' in shown.popen.stdout.read()
