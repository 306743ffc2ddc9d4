"""A fleet in several shells: the commands that users type, as processes, and what they said.

Lives here: starting them, waiting for them, freezing and killing them, and reading what the ledger
shows meanwhile. Not here: the server (`server.py`), what the answers must be (`memory.py`,
`oracle.py`), and promises (the tests).

1. Everything started here is dead when the context ends, however it ends.
2. What the processes said on stderr is printed then, so that a failed test shows it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from kernel.adapters.redis import keys
from kernel.adapters.redis.client import connect
from kernel.adapters.redis.status import read_ledger, read_run
from kernel.domain.decision import PARSE_REASONS, reason_of
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.status import LedgerView
from kernel.ledger.units import RunView
from kernel.runtime.faults import VARIABLE
from tests.support.waiting import wait_until

COMMAND = Path(sysconfig.get_path("scripts")) / "fundload"
PROJECT = Path(__file__).resolve().parents[2]
#: Longer than any test's part, shorter than the time-out of a test.
ENDS_S = 40.0


def environment() -> dict[str, str]:
    """Return the environment without what would choose a server or keys for a command."""
    chosen = {"FUNDLOAD_REDIS_URL", "FUNDLOAD_KEYS"}
    return {name: value for name, value in os.environ.items() if name not in chosen}


class Member:
    """One process of the command, in a session of its own."""

    def __init__(
        self,
        words: Sequence[str],
        said: Path,
        *,
        stdin: int | IO[bytes],
        stdout: int,
        variables: Mapping[str, str],
    ) -> None:
        self.name = " ".join(words)
        self._said = said
        with said.open("wb") as stderr:
            self.popen = subprocess.Popen(
                [str(COMMAND), *words],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=PROJECT,
                env={**environment(), **variables},
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """What it said on stderr so far."""
        return self._said.read_text("utf-8")

    def wait_for(self, pattern: str, *, within_s: float = ENDS_S) -> re.Match[str]:
        """Wait until it says something, and return that."""

        def heard() -> re.Match[str] | None:
            found = re.search(pattern, self.said)
            assert found or self.popen.poll() is None, f"{self.name} ended: {self.said}"
            return found

        found = wait_until(heard, within_s=within_s, what=f"{self.name} to say {pattern!r}")
        assert found is not None
        return found

    def ends(self, within_s: float = ENDS_S) -> int:
        """Wait until it has ended, and return its exit code; -9 when it was killed."""
        return self.popen.wait(within_s)

    def tell(self, signum: signal.Signals) -> None:
        """Send it a signal."""
        self.popen.send_signal(signum)

    def freeze(self) -> None:
        """Stop it where it stands, and return when it has stopped."""
        self.tell(signal.SIGSTOP)
        _, status = os.waitpid(self.popen.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"{self.name} has ended"

    def thaw(self) -> None:
        """Let it go on."""
        self.tell(signal.SIGCONT)

    def kill(self) -> None:
        """End it by SIGKILL, frozen or not."""
        self.popen.kill()
        self.popen.wait(ENDS_S)


class Fleet:
    """Processes on one ledger and one run."""

    def __init__(self, url: str, ledger: str, folder: Path, *, run: str = "monday") -> None:
        self.url = url
        self.ledger = ledger
        self.run = run
        self.folder = folder
        #: The key file that whoever is started is given.
        self.keys: Path | None = None
        #: What else whoever is started finds in its environment.
        self.variables: Mapping[str, str] = {}
        self.members: list[Member] = []
        self._client = connect(url)

    def start(
        self,
        *words: str,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        fault: str = "",
    ) -> Member:
        """Start the command with these words; with a fault point, it is killed there."""
        said = self.folder / f"{len(self.members)}-{words[0]}.said"
        variables = {**self.variables, **({VARIABLE: fault} if fault else {})}
        if self.keys is not None:
            variables["FUNDLOAD_KEYS"] = str(self.keys)
        member = Member(words, said, stdin=stdin, stdout=stdout, variables=variables)
        self.members.append(member)
        return member

    def _on(self, verb: str) -> tuple[str, ...]:
        return (verb, "--redis-url", self.url, "--ledger", self.ledger)

    def worker(self, *options: str, fault: str = "") -> Member:
        """Start a worker."""
        return self.start(*self._on("worker"), *options, fault=fault)

    def produce(
        self,
        config: Path | str,
        source: Path | str,
        *,
        stdin: int = subprocess.DEVNULL,
        fault: str = "",
    ) -> Member:
        """Start a producer."""
        words = (*self._on("produce"), "--config", str(config), "--input", str(source))
        return self.start(*words, "--run", self.run, stdin=stdin, fault=fault)

    def supervise(self, workers: int) -> Member:
        """Start a supervisor of workers."""
        return self.start(*self._on("supervise"), "--workers", str(workers))

    def collect(self, output: Path | str, *options: str, fault: str = "") -> Member:
        """Start a collector."""
        words = (*self._on("collect"), "--run", self.run, "--output", str(output))
        return self.start(*words, *options, fault=fault)

    def make_ledger(self, config: Path | str) -> None:
        """Make the ledger without a line of this run: by an empty run of another name."""
        words = (*self._on("produce"), "--config", str(config), "--input", os.devnull)
        assert self.start(*words, "--run", "empty").ends() == 0

    def view(self) -> LedgerView:
        """Return what the ledger shows."""
        view = read_ledger(self._client, self.ledger)
        assert view is not None, f"there is no ledger {self.ledger}"
        return view

    def counter(self, name: str) -> int:
        """Return how often something happened on the ledger."""
        return self.view().counters.get(name, 0)

    def run_view(self) -> RunView | None:
        """Return the run's record; None while there is none, or the server is away."""
        try:
            return read_run(self._client, self.ledger, self.run)
        except StoreUnavailable:
            return None

    def wait_for_answers(self, count: int) -> int:
        """Wait until so many lines are answered, and return how many are."""

        def answers() -> int:
            view = self.run_view()
            return view.answers if view is not None and view.answers >= count else 0

        return wait_until(answers, within_s=ENDS_S, what=f"{count} answers")

    def written(self) -> int:
        """Return how many lines are safe with the collector."""
        view = self.run_view()
        return 0 if view is None else view.written

    def malformed(self) -> int:
        """Count the run's lines that no worker saw: they were answered when they were parsed."""
        view = self.run_view()
        assert view is not None
        return sum(n for code, n in view.tally.items() if reason_of(code) in PARSE_REASONS)

    def connections(self) -> int:
        """Count the connections to the server."""
        clients: Any = self._client.info("clients")
        return int(clients["connected_clients"])

    def holders(self) -> set[str]:
        """Return the shifts that hold a lease."""
        leases: Any = self._client.hgetall(keys.beside(self.ledger, "leases"))
        return {lease.decode().split(" ", 1)[1] for lease in leases.values()}

    def freeze_holding(self, workers: Sequence[Member], *, holding: int, after_answers: int) -> int:
        """Freeze the workers in a moment in which so many of them hold leases.

        Returns:
            How many lines were answered then.
        """
        self.wait_for_answers(after_answers)
        deadline = time.monotonic() + ENDS_S
        while True:
            for worker in workers:
                worker.freeze()
            if len(self.holders()) == holding:
                view = self.run_view()
                assert view is not None
                return view.answers
            for worker in workers:
                worker.thaw()
            assert time.monotonic() < deadline, f"never {holding} holders at once"

    def known_workers(self, count: int) -> list[Member]:
        """Start so many workers, and wait until the ledger knows each: there must be a ledger."""
        workers = [self.worker() for _ in range(count)]
        wait_until(lambda: self.view().workers == count, within_s=ENDS_S, what="known workers")
        return workers

    def stop_workers(self, workers: Sequence[Member]) -> list[int]:
        """Tell workers to stop, wait until they have, and return how much each has decided."""
        for worker in workers:
            worker.tell(signal.SIGTERM)
        for worker in workers:
            assert worker.ends() == 128 + signal.SIGTERM, worker.said
        return [int(worker.wait_for(r": (\d+) attempts in")[1]) for worker in workers]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what is left, and print what was said."""
        for member in self.members:
            if member.popen.poll() is None:
                member.kill()
            for stream in (member.popen.stdin, member.popen.stdout):
                if stream is not None:
                    stream.close()
            print(f"-- {member.name}: {member.popen.returncode}\n{member.said}")  # noqa: T201
        self._client.close()


FleetMaker = Callable[..., Fleet]


def config_file(folder: Path, name: str, **fleet: int | str | bool) -> Path:
    """Write a shipped configuration with other settings of the fleet."""
    text = (PROJECT / "configs" / f"{name}.yaml").read_text("utf-8")
    assert "\nfleet:" not in text
    path = folder / f"{name}-{len(list(folder.iterdir()))}.yaml"
    values = {key: str(value).lower() for key, value in fleet.items()}
    section = "".join(f"  {key}: {value}\n" for key, value in values.items())
    path.write_text(f"{text}\nfleet:\n{section}" if section else text, "utf-8")
    return path
