"""Processes that stand in for workers and for whoever moves lines: each does one thing.

Lives here: a script that is started by a supervisor as any of ours is, and the posts to start it
with. Why: what a supervisor does about a process is to be tried with processes that crash, hang,
refuse to stop and die at once, and ours do none of that on demand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from kernel.runtime.bundle import Bundle
from kernel.runtime.deadlines import Deadlines
from kernel.runtime.members import Snapshot
from kernel.runtime.spawned import Post, Shares
from kernel.runtime.supervisor import Supervisor

SCRIPT = """
import os, signal, sys
from pathlib import Path
from kernel.runtime.child import enter

behaviour, folder = sys.argv[1], Path(sys.argv[2])
if behaviour == "broken":
    sys.exit("this is broken")
child = enter()
me = child.bundle.worker
(folder / f"{me}.{child.bundle.generation}.began").write_text(repr(sorted(os.environ)))
wish, _, rest = behaviour.partition(":")
if wish == "silent":
    print("thinking about it", file=sys.stderr)
    signal.pause()
if wish == "exit-unready":
    sys.exit(int(rest))
child.ready("another" if wish == "other-rules" else child.bundle.digest)
(folder / f"{me}.ready").touch()
print(f"{me} is at work", file=sys.stderr)
if wish in ("exit", "exit-until", "killed-until"):
    # Not before everybody was seen to be ready: dying is another matter then.
    while not (folder / "opened").exists():
        signal.sigtimedwait([], 0.01)
if wish == "exit":
    sys.exit(int(rest))
if wish == "exit-until":
    code, good = map(int, rest.split(","))
    if child.bundle.generation < good:
        sys.exit(code)
if wish == "killed-until" and child.bundle.generation < int(rest):
    os.kill(os.getpid(), signal.SIGKILL)
if wish == "stubborn":
    signal.signal(signal.SIGTERM, lambda *_: print(f"{me} stays", file=sys.stderr, flush=True))
    (folder / f"{me}.stubborn").touch()
if wish == "done":
    sys.exit(0)
while True:
    signal.pause()
"""

BUNDLE = Bundle(
    redis_url="redis://:open-sesame@nowhere.invalid/0",
    ledger="books",
    incarnation="first",
    master_key="c0ffee" * 8,
    keys_file="",
    digest="rules",
    run="monday",
    worker="-",
    generation=1,
    scenario="fund-load",
    group="-",
    modules=("one.module",),
)


#: Stand-ins end at once or not at all.
PROMPT = Deadlines(stop_ms=3_000)


class Enough(Exception):
    """What a test waited for has happened."""


def seen(supervisor: Supervisor, name: str) -> Snapshot:
    """Return what is known of one process."""
    return next(one for one in supervisor.snapshot() if one.id == name)


class Stage:
    """A supervisor over stand-ins, what they said, and the folder in which they leave traces."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[tuple[str, str]] = []
        self.until: Callable[[], object] = lambda: False
        self.is_deaf = False
        self.held: dict[str, tuple[int, ...]] = {}
        self.supervisor: Supervisor | None = None
        self._script = folder / "stand_in.py"
        self._script.write_text(SCRIPT, "utf-8")

    def post(
        self,
        name: str,
        behaviour: str,
        role: Literal["worker", "producer", "collector"] = "worker",
        shares: Shares = "",
    ) -> Post:
        """Return a post for a stand-in."""
        argv = (sys.executable, str(self._script), behaviour, str(self.folder))
        return Post(name, role, argv, shares)

    def supervise(self, *posts: Post, deadlines: Deadlines = PROMPT) -> Supervisor:
        """Make the supervisor, which stops waiting as soon as `until` says so."""
        self.supervisor = Supervisor(
            posts, say=self._hear, tick=self._tick, deadlines=deadlines, held=lambda: self.held
        )
        return self.supervisor

    def opened(self) -> None:
        """Let those die who were only waiting for the start to be over."""
        (self.folder / "opened").touch()

    def has(self, name: str) -> bool:
        """Say whether a stand-in has left a trace."""
        return (self.folder / name).exists()

    def _hear(self, who: str, text: str) -> None:
        if self.is_deaf:
            raise BrokenPipeError
        self.said.append((who, text))

    def _tick(self) -> None:
        if self.until():
            raise Enough
