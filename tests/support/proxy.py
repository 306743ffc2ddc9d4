"""A way to the server that can be cut, moved, and made to lose an answer or to hold up a request.

Lives here: a small proxy on a port of its own that reads RESP, so that it knows which script a
request runs and where an answer ends. Not here: what must come of it (the tests).

1. One request at a time on each connection: so an answer always belongs to the request before it.
   A connection that subscribes is passed through as it is from then on.
2. Each mishap happens once, at a count that the test names, and is written down: a test asks for
   it, because a mishap that did not happen shows nothing.
3. A request that was held up goes on to where the proxy leads by then, though the connection that
   it came from may be gone: as a packet that was late would.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import hiredis

from kernel.adapters.redis.scripts import FLAGS, digest, source
from tests.support.fleet import ENDS_S
from tests.support.waiting import wait_until

_BY_DIGEST = {digest(name).encode(): name for name in FLAGS}
_BY_SOURCE = {source(name): name for name in FLAGS}


class _Ended(Exception):
    """The other side of a connection has closed it."""


def _line(stream: IO[bytes]) -> bytes:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise _Ended
    return line


def _bulk(stream: IO[bytes], size: int) -> bytes:
    block = stream.read(size + 2)
    if len(block) < size + 2:
        raise _Ended
    return block


def _request(stream: IO[bytes]) -> list[bytes]:
    head = _line(stream)
    return [_bulk(stream, int(_line(stream)[1:]))[:-2] for _ in range(int(head[1:]))]


def _answer(stream: IO[bytes]) -> bytes:
    """Read one whole answer of version 2 of the protocol, however deep."""
    head = _line(stream)
    size = int(head[1:]) if head[:1] in b"$*" else -1
    if size < 0:
        return head
    if head[:1] == b"$":
        return head + _bulk(stream, size)
    return head + b"".join(_answer(stream) for _ in range(size))


def _packed(words: list[bytes]) -> bytes:
    whole: Any = tuple(words)  # its stub says a tuple of one
    packed: bytes = hiredis.pack_command(whole)
    return packed


def script_of(words: list[bytes]) -> str:
    """Return which of our scripts a request runs; the command's own name when it is none."""
    name = words[0].upper()
    if name in (b"EVAL", b"EVALSHA"):
        return (_BY_SOURCE if name == b"EVAL" else _BY_DIGEST).get(words[1], "")
    return name.decode()


class Proxy:
    """One way to one server at a time; as a context manager it is closed behind itself."""

    def __init__(self, target: Path) -> None:
        """Lead to the server that listens on this Unix socket."""
        self._target: Path | None = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._asked: Counter[str] = Counter()
        self._answered: Counter[str] = Counter()
        self._lost: dict[str, int] = {}
        self._held: dict[str, int] = {}
        self._is_holding = threading.Event()
        self._goes_on = threading.Event()
        #: Told of each request before it is sent on.
        self.watch: Callable[[str], None] = lambda _script: None
        #: Answers that never arrived, and answers to requests that were held up, by script.
        self.dropped: dict[str, bytes] = {}
        self.late: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        """Address for a client."""
        return f"redis://127.0.0.1:{self._listening.getsockname()[1]}"

    def lose_answer(self, script: str, *, at: int = 1) -> None:
        """Let the effect of a script happen at its so manyth time, and lose the answer."""
        self._lost[script] = at

    def hold_up(self, script: str, *, at: int = 1) -> None:
        """Keep back the so manyth request of a script until `let_go`."""
        self._held[script] = at

    def times(self, script: str) -> int:
        """Return how often a script was asked for so far."""
        with self._lock:
            return self._asked[script]

    def wait_until_held(self) -> None:
        """Wait until a request is kept back."""
        wait_until(self._is_holding.is_set, within_s=ENDS_S, what="a request to hold up")

    def let_go(self, script: str) -> bytes:
        """Send on what was kept back, and return the server's answer to it."""
        self._goes_on.set()
        return wait_until(
            lambda: self.late.get(script, b""), within_s=ENDS_S, what=f"an answer to {script}"
        )

    def lead_to(self, target: Path | None) -> None:
        """Lead to another server from now on, or nowhere; who is connected is cut off."""
        with self._lock:
            self._target = target
            ends = list(self._open)
        for end in ends:
            _cut(end)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: that is the end
            while True:
                client, _ = self._listening.accept()
                thread = threading.Thread(target=self._serve, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _upstream(self) -> socket.socket:
        with self._lock:
            target = self._target
            server = socket.socket(socket.AF_UNIX)
            self._open.add(server)
        if target is None:
            raise _Ended
        server.connect(str(target))
        return server

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._open.add(client)
        ends = [client]
        try:
            server = self._upstream()
            ends.append(server)
            self._pass_on(client, server)
        except (_Ended, OSError):
            pass  # either side has left, or was cut off: the other one is, too
        finally:
            for end in ends:
                self._close(end)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with client.makefile("rb") as asking, server.makefile("rb") as answering:
            while True:
                words = _request(asking)
                script = script_of(words)
                if self._is_due(self._held, self._asked, script):
                    self._keep_back(script, words)
                    raise _Ended
                self.watch(script)
                server.sendall(_packed(words))
                if script in ("SUBSCRIBE", "PSUBSCRIBE"):
                    _pump(answering, client, asking, server)
                    return
                answer = _answer(answering)
                is_unknown = answer.startswith(b"-NOSCRIPT")
                if not is_unknown and self._is_due(self._lost, self._answered, script):
                    self.dropped[script] = answer
                    raise _Ended
                client.sendall(answer)

    def _is_due(self, wanted: dict[str, int], count: Counter[str], script: str) -> bool:
        with self._lock:
            count[script] += 1
            return wanted.get(script) == count[script]

    def _keep_back(self, script: str, words: list[bytes]) -> None:
        self._is_holding.set()
        if not self._goes_on.wait(ENDS_S):
            return
        server = self._upstream()
        with contextlib.closing(server), server.makefile("rb") as answering:
            server.sendall(_packed(words))
            answer = _answer(answering)
            if answer.startswith(b"-NOSCRIPT"):  # the server was started again: what a client does
                server.sendall(_packed([b"EVAL", source(script), *words[2:]]))
                answer = _answer(answering)
            self.late[script] = answer

    def _close(self, end: socket.socket) -> None:
        with self._lock:
            self._open.discard(end)
        _cut(end)
        end.close()

    def __enter__(self) -> Self:
        """Begin to listen."""
        thread = threading.Thread(target=self._accept)
        self._threads.append(thread)
        thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cut everybody off, and wait for the threads."""
        self._goes_on.set()
        _cut(self._listening)
        self._listening.close()
        self.lead_to(None)
        for thread in self._threads:
            thread.join(ENDS_S)


def _cut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # cut off before
        end.shutdown(socket.SHUT_RDWR)


def _pump(
    answering: IO[bytes], client: socket.socket, asking: IO[bytes], server: socket.socket
) -> None:
    """Pass on both ways, whatever comes."""
    back = threading.Thread(target=_copy, args=(answering, client))
    back.start()
    _copy(asking, server)
    _cut(client)
    _cut(server)
    back.join(ENDS_S)


def _copy(stream: IO[bytes], end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side has left
        while block := stream.read1(65_536):  # type: ignore[attr-defined]
            end.sendall(block)
