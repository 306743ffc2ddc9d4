"""A ledger that stands still between two steps: filled and undecided, then decided, uncollected.

Here: bringing it there, and what then lies in Redis. So that bytes and seals can be looked at one
by one, which in a fleet at work come and go. Not here: what is made of the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

from kernel.adapters.redis import keys
from kernel.adapters.redis.client import command
from kernel.adapters.redis.status import read_ledger
from kernel.ledger.settings import FleetSettings
from tests.bench.fleet import LEDGER, RUN, Fleet, FleetCase, start_server
from tests.support.waiting import wait_until

#: A producer waits when so many lines are under way; nobody collects here.
LINES_MAX: Final = FleetSettings().inflight_lines_max
DECIDED_WITHIN_S: Final = 300.0


class Stored(NamedTuple):
    """What lies in Redis, in bytes as its MEMORY USAGE counts them, and for how many."""

    ids: int
    ids_bytes: int
    queued: int
    queued_bytes: int
    customer_weeks: int
    windows_bytes: int
    #: All that the server has allocated more than when it was empty, divided by the lines.
    all_bytes_queued: int
    all_bytes_decided: int


class Standing:
    """A filled ledger; nobody works on it until `decide`."""

    def __init__(self, case: FleetCase, client: Any, fleet: Fleet) -> None:  # noqa: ANN401
        self._case = case
        self._client = client
        self._fleet = fleet

    def sealed(self, name: str, field: bytes) -> list[bytes]:
        """Return what is sealed in the entries of all streams of that name."""
        found = []
        for key in self._keys(name):
            for _, entry in self._client.xrange(key):
                if field in entry:
                    found.append(bytes(entry[field]))
        return found

    def batches(self) -> list[bytes]:
        """Return the sealed batches that lie in the logs."""
        return self.sealed("log:*", b"b")

    def replies(self) -> list[bytes]:
        """Return the sealed answers that lie on the run's channel."""
        return self.sealed(f"run:{RUN}:replies", b"b")

    def decide(self) -> None:
        """Let a worker decide all of it, and stop it."""
        (worker,) = self._fleet.start_workers()
        worker.wait_ready()

        def is_decided() -> bool:
            view = read_ledger(self._client, LEDGER)
            assert view is not None
            return view.runs[RUN].answers == self._case.lines

        wait_until(is_decided, within_s=DECIDED_WITHIN_S, what="all attempts to be decided")
        worker.stop(worker.used_s())

    def used_bytes(self) -> int:
        """Return what the server has allocated."""
        return int(self._client.info("memory")["used_memory"])

    def bytes_of(self, name: str) -> int:
        """Return the bytes of all keys of that name."""
        return sum(
            int(command(self._client, "MEMORY", "USAGE", key, "SAMPLES", 0))
            for key in self._keys(name)
        )

    def fields_of(self, name: str) -> int:
        """Return how many fields all hashes of that name have."""
        return sum(int(self._client.hlen(key)) for key in self._keys(name))

    def _keys(self, name: str) -> list[bytes]:
        pattern = keys.beside(LEDGER, name).replace("[", "\\[")
        return sorted(self._client.scan_iter(pattern, count=1_000))


@contextmanager
def filled(case: FleetCase) -> Iterator[tuple[Standing, int]]:
    """Put the sample on a ledger of its own; yield it, and the server's bytes before the sample."""
    assert case.lines <= LINES_MAX, "the producer would wait for ever"
    with ExitStack() as stack:
        server, client = start_server(stack, case.server)
        fleet = Fleet(case, server, client, stack)
        fleet.make_ledger()
        standing = Standing(case, client, fleet)
        empty_bytes = standing.used_bytes()
        producer = fleet.start_producer()
        producer.wait_end()
        yield standing, empty_bytes


def measure_stored(case: FleetCase) -> Stored:
    """Fill a ledger, look, let it be decided, and look again."""
    with filled(case) as (standing, empty_bytes):
        ids, ids_bytes = standing.fields_of("ids"), standing.bytes_of("ids")
        queued_bytes = standing.bytes_of("log:*")
        all_queued = standing.used_bytes() - empty_bytes
        standing.decide()
        return Stored(
            ids=ids,
            ids_bytes=ids_bytes,
            queued=case.lines,
            queued_bytes=queued_bytes,
            customer_weeks=standing.fields_of("w:*"),
            windows_bytes=standing.bytes_of("w:*"),
            all_bytes_queued=all_queued,
            all_bytes_decided=standing.used_bytes() - empty_bytes,
        )
