"""One process as its supervisor holds it: started in a session of its own, with three pipes.

Here: starting it, handing it its bundle, hearing that it is ready, reading what it says, ending it.
Not here: when to do any of that (`supervisor.py`) and the process's own side (`child.py`).

1. Nothing here waits: pipes are read when there is something to read.
2. Nothing secret is on the command line or in the environment; the bundle goes through a pipe.
3. A session of its own: Ctrl-C at the terminal reaches the supervisor alone, which then decides.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from typing import IO, Literal, NamedTuple

from kernel.errors import EXIT_SIGINT, EXIT_SIGTERM
from kernel.ledger.scenario import EGRESS, INGRESS, LIMITS
from kernel.runtime.bundle import Bundle
from kernel.runtime.child import BUNDLE_FD, LIFELINE_FD, READY_FD, BundleSpent

#: How a verb is started, followed by its name; on another host `fundload` does the same. `-P` keeps
#: whatever lies in the current directory from being taken for a module.
COMMAND = (sys.executable, "-P", "-m", "kernel.runtime.cli")
#: What is kept of a process's words, to be shown when it failed.
LAST_LINES = 20
LINE_BYTES_MAX = 8_192
READ_BYTES = 65_536


Shares = Literal["", "stdin", "stdout"]
Role = Literal["worker", "producer", "collector"]
#: Which group of the graph runs in a process of each role.
GROUPS: dict[Role, str] = {"producer": INGRESS, "worker": LIMITS, "collector": EGRESS}


class Post(NamedTuple):
    """What a process is started for; its id stays the same when it is started again.

    A worker is kept running for as long as the supervisor runs; the others end by themselves.
    """

    id: str
    role: Role
    argv: tuple[str, ...]
    #: The standard stream that it shares with the supervisor, if any.
    shares: Shares = ""
    #: A pipe with a name that it reads, if any: what was read from it is gone as well.
    pipe: str = ""
    #: A descriptor of the supervisor's that its command line names, if any.
    descriptor: int | None = None

    @property
    def group(self) -> str:
        """Return the group of the graph that runs in its process."""
        return GROUPS[self.role]

    @property
    def can_resume(self) -> bool:
        """Say whether a second start may go on where the first one was killed."""
        return not self.shares and not self.pipe


class Ready(NamedTuple):
    """What a process said when it was ready."""

    pid: int
    generation: int
    digest: str


class Spawned:
    """A process that was started, until its end has been seen."""

    def __init__(self, post: Post, generation: int, lifeline_fd: int) -> None:
        """Start it; it waits for its bundle.

        Raises:
            OSError: it cannot be started.
        """
        self.post = post
        self.generation = generation
        #: What it said when it was ready, or else what was wrong with what it said.
        self.ready: Ready | None = None
        self.misheard = ""
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._rest = b""
        bundle_end, self._bundle_fd = os.pipe()
        self.ready_fd, ready_end = os.pipe()
        self.words_fd, words_end = os.pipe()
        try:
            self._running = self._start(bundle_end, lifeline_fd, ready_end, words_end)
        except OSError:
            self.close()
            raise
        finally:
            for end in (bundle_end, ready_end, words_end):
                os.close(end)
        for end in (self.ready_fd, self.words_fd):
            os.set_blocking(end, False)

    def _start(self, bundle: int, lifeline: int, ready: int, words: int) -> subprocess.Popen[bytes]:
        variables = {BUNDLE_FD: str(bundle), LIFELINE_FD: str(lifeline), READY_FD: str(ready)}
        shares = self.post.shares
        passed = () if self.post.descriptor is None else (self.post.descriptor,)
        output: IO[bytes] | int | None = None if shares == "stdout" else words
        return subprocess.Popen(  # noqa: S603 - our own command with arguments of our own
            self.post.argv,
            stdin=None if shares == "stdin" else subprocess.DEVNULL,
            stdout=output,
            stderr=words,
            env={**os.environ, **variables},
            pass_fds=(bundle, lifeline, ready, *passed),
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running.pid

    def ended(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self._running.poll()

    def deliver(self, bundle: Bundle) -> None:
        """Hand it its bundle, once.

        Raises:
            BundleSpent: it has it already.
        """
        if self._bundle_fd < 0:
            raise BundleSpent(f"the bundle of {self.post.id} is already published")
        try:
            os.write(self._bundle_fd, bundle.to_json().encode())
        except BrokenPipeError:
            # It has ended meanwhile, and its exit code will tell why.
            return
        finally:
            os.close(self._bundle_fd)
            self._bundle_fd = -1

    def hear_ready(self) -> bool:
        """Read the ready pipe; False when nothing more will come."""
        try:
            line = os.read(self.ready_fd, READ_BYTES)
        except BlockingIOError:
            return True
        if line:
            self._understand(line)
        return False

    def _understand(self, line: bytes) -> None:
        try:
            told = json.loads(line)
            ready = Ready(told["pid"], told["generation"], told["digest"])
        except (ValueError, KeyError, TypeError):
            self.misheard = "did not say properly that it is ready"
            return
        if (ready.pid, ready.generation) == (self.pid, self.generation):
            self.ready = ready
        else:
            self.misheard = "is ready as another process than was started"

    def read_words(self) -> Iterator[str]:
        """Yield the lines that it has written to stderr since the last call.

        Raises:
            EOFError: it has closed its end; everything was yielded before.
        """
        while True:
            try:
                piece = os.read(self.words_fd, READ_BYTES)
            except BlockingIOError:
                return
            held = self._rest + piece
            *lines, self._rest = held.split(b"\n")
            if self._rest and (not piece or len(self._rest) > LINE_BYTES_MAX):
                lines.append(self._rest)
                self._rest = b""
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip()
                self._last.append(text)
                yield text
            if not piece:
                raise EOFError

    def last_words(self, lines: int) -> str:
        """Return the last lines that it wrote, for the person who asks why it ended."""
        return "\n".join(f"  {line}" for line in list(self._last)[-lines:])

    def ask_to_stop(self) -> None:
        """Ask it to end in order."""
        self._running.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it without asking."""
        self._running.kill()

    def close(self) -> None:
        """Let go of the pipes. Safe to repeat."""
        for name in ("_bundle_fd", "ready_fd", "words_fd"):
            descriptor = getattr(self, name)
            if descriptor >= 0:
                os.close(descriptor)
                setattr(self, name, -1)


def was_signalled(code: int) -> bool:
    """Say whether an exit code means that somebody ended the process by a signal."""
    return code < 0 or code in (EXIT_SIGINT, EXIT_SIGTERM)
