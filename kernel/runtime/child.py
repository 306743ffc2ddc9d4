"""A supervised process's side of supervision: the bundle, the lifeline, and saying "ready".

Here: what a process does with the three descriptors that its supervisor left it. Not here: the
supervisor's ends (`spawned.py`) and the bundle's fields (`bundle.py`).

1. The bundle comes once, on a pipe that is read to its end and closed; a second reading or writing
   is refused. It may come late: the supervisor starts its processes first and the ledger meanwhile,
   so a verb does its imports before it calls `enter`.
2. The lifeline is a pipe on which nothing is ever written. Its end means that the supervisor is
   gone, however it went; then this process ends in order, or after a grace without asking.
3. What was used is taken out of the environment, and no descriptor is inherited further.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time

from kernel.errors import EXIT_SIGTERM, FundloadError
from kernel.runtime.bundle import Bundle, BundleMalformed

BUNDLE_FD = "FUNDLOAD_BUNDLE_FD"
LIFELINE_FD = "FUNDLOAD_LIFELINE_FD"
READY_FD = "FUNDLOAD_READY_FD"
VARIABLES = (BUNDLE_FD, LIFELINE_FD, READY_FD)

#: A bundle has less than a thousand bytes; whatever writes more is no supervisor.
BUNDLE_BYTES_MAX = 65_536
#: How long the process may take to end by itself once its supervisor is gone.
GRACE_S = 3.0


#: Who this process is, from the moment on in which it reads its bundle.
_consumed: list[str] = []


class BundleSpent(FundloadError):
    """A bundle was to be published or consumed a second time."""

    category = "bundle_spent"


class Child:
    """This process, as its supervisor started it."""

    def __init__(self, bundle: Bundle, ready_fd: int) -> None:
        self.bundle = bundle
        self._ready_fd = ready_fd

    def ready(self, digest: str) -> None:
        """Tell the supervisor that the work can begin; to be called once.

        Args:
            digest: Digest of the rules that this process is under; the supervisor compares it.
        """
        assert self._ready_fd >= 0, "ready was said already"
        told = {
            "id": self.bundle.worker,
            "pid": os.getpid(),
            "generation": self.bundle.generation,
            "digest": digest,
        }
        try:
            os.write(self._ready_fd, json.dumps(told).encode() + b"\n")
        except BrokenPipeError:
            # The supervisor is gone; the lifeline ends this process in a moment.
            return
        finally:
            os.close(self._ready_fd)
            self._ready_fd = -1


def is_supervised() -> bool:
    """Say whether a supervisor started this process; to be asked before `enter`."""
    return BUNDLE_FD in os.environ


def enter() -> Child | None:
    """Take over what the supervisor left; None when nobody supervises this process.

    Blocks until the bundle has come.

    Raises:
        BundleMalformed: naming what is wrong; never shows a value.
        BundleSpent: this process has read it before.
    """
    if _consumed:
        raise BundleSpent(f"the bundle of process {_consumed[0]} is already consumed")
    given = {name: os.environ.pop(name, None) for name in VARIABLES}
    if all(text is None for text in given.values()):
        return None
    _consumed.append(str(os.getpid()))
    bundle_fd, lifeline_fd, ready_fd = (_descriptor(name, given[name]) for name in VARIABLES)
    # The lifeline first: a supervisor may die before it has sent the bundle.
    threading.Thread(
        target=_end_with_supervisor, args=(lifeline_fd,), name="lifeline", daemon=True
    ).start()
    return Child(Bundle.from_json(_read_all(bundle_fd)), ready_fd)


def _descriptor(name: str, text: str | None) -> int:
    """Return a descriptor named in the environment, kept from processes that we may start."""
    try:
        descriptor = int(text or "")
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - its only parameter has no name
    except (ValueError, OSError):
        raise BundleMalformed(f"{name} does not name an open descriptor") from None
    return descriptor


def _read_all(descriptor: int) -> bytes:
    read = bytearray()
    try:
        while len(read) <= BUNDLE_BYTES_MAX and (piece := os.read(descriptor, BUNDLE_BYTES_MAX)):
            read += piece
    finally:
        os.close(descriptor)
    if len(read) > BUNDLE_BYTES_MAX:
        raise BundleMalformed("the bundle is too long")
    return bytes(read)


def _end_with_supervisor(lifeline_fd: int) -> None:
    """Wait for the end of the lifeline, then end this process."""
    while os.read(lifeline_fd, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(EXIT_SIGTERM)
