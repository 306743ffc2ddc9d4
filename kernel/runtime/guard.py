"""The embedded server's guard: a small process that starts the server and outlives nobody.

Run as `python -m kernel.runtime.guard <lifeline> <directory> <server> <arguments…>`. Here: starting
the server, waiting for the end of the lifeline, stopping the server, removing its directory. Not
here: which server and with which arguments (`server.py`). Why a process of its own: who started the
run may be killed at any moment, and then there must be somebody left to tidy up.

1. The directory is made here and removed here, so there is no moment at which it belongs to nobody.
2. The end of the lifeline, or SIGTERM, is the order to stop. A server that ends by itself is a
   failure: its last words go to stderr, and the exit code is 4.
3. The imports are the few that cost nothing: the run waits for this process to come up.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

from kernel.errors import EXIT_DONE, EXIT_REDIS

LOG = "log"
LOG_BYTES_SHOWN = 2_000
STOP_S = 3.0
LOOK_S = 0.01
SIGNALS = (signal.SIGCHLD, signal.SIGTERM)


def main(arguments: list[str]) -> int:
    """Guard one server until the lifeline ends, and return the exit code."""
    lifeline, directory, *server = arguments
    os.set_inheritable(int(lifeline), False)  # noqa: FBT003 - its parameters have no names
    bell = _bell()
    place = Path(directory)
    place.mkdir(mode=0o700)
    try:
        pid = _start(server, place / LOG)
        told = _wait(int(lifeline), bell, pid)
        if not told:
            log = (place / LOG).read_bytes()[-LOG_BYTES_SHOWN:]
            sys.stderr.write(f"{log.decode('utf-8', 'replace')}the server has ended by itself\n")
            return EXIT_REDIS
        _stop(pid)
        return EXIT_DONE
    finally:
        _remove(place)


def _bell() -> int:
    """Let the signals write to a pipe, and return the end on which they can be waited for."""
    bell, ringer = os.pipe()
    os.set_blocking(ringer, False)
    signal.set_wakeup_fd(ringer)
    for number in SIGNALS:
        signal.signal(number, lambda _number, _frame: None)
    return bell


#: Where the server has glibc's allocator, a larger cache of small pieces saves a tenth of its time;
#: others do not read this.
MALLOC = "glibc.malloc.tcache_count=65535"


def _start(server: list[str], log: Path) -> int:
    """Start the server with its words in a file, and the signals as they were for it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        server[0],
        server,
        {**os.environ, "GLIBC_TUNABLES": MALLOC},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.fspath(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsigdef=SIGNALS,
    )


def _wait(lifeline: int, bell: int, pid: int) -> bool:
    """Return True for the order to stop, False when the server has ended by itself."""
    while True:
        readable, _, _ = select.select([lifeline, bell], [], [])
        if lifeline in readable and not os.read(lifeline, 1):
            return True
        if bell in readable:
            if signal.SIGTERM in os.read(bell, 64):
                return True
            if _has_ended(pid):
                return False


def _stop(pid: int) -> None:
    """Stop the server in order, or else by force."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        if _has_ended(pid):
            return
        time.sleep(LOOK_S)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _has_ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG) != (0, 0)


def _remove(place: Path) -> None:
    import shutil

    shutil.rmtree(place)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
