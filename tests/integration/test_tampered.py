"""What somebody has put into Redis who is none of ours: never decided, never written.

A test may write to the server as anybody with access could: it changes a byte, or puts a message
that was sealed in good faith into a place for which it was not sealed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis

from kernel.adapters.redis import keys
from kernel.errors import EXIT_REFUSED
from tests.support.fleet import ENDS_S, Fleet, config_file
from tests.support.memory import sample_bytes
from tests.support.operating import spoken
from tests.support.server import Server
from tests.support.waiting import wait_until

ROW = pytest.mark.row("batch or reply with a wrong signature, foreign run, wrong position")
LINES = 600


class Entry(NamedTuple):
    """One entry of a stream, with its fields in their order."""

    id: bytes
    fields: dict[bytes, bytes]

    def holding(self, other: Entry) -> Entry:
        """Return this place with the other one's message in it."""
        return Entry(self.id, {**self.fields, b"b": other.fields[b"b"]})


Forge = Callable[[Sequence[Entry], Sequence[Entry]], Sequence[Entry]]


def with_a_byte_changed(own: Sequence[Entry], _: Sequence[Entry]) -> Sequence[Entry]:
    """Make another id of the first one, so that nothing but the seal can tell."""
    first = own[0]
    sealed = bytearray(first.fields[b"b"])
    found = re.search(rb"\d{3},\d{3}", sealed)
    assert found is not None
    sealed[found.start()] ^= 1
    return [Entry(first.id, {**first.fields, b"b": bytes(sealed)}), *own[1:]]


def with_a_foreign_entry(own: Sequence[Entry], other: Sequence[Entry]) -> Sequence[Entry]:
    """Put a message from elsewhere, itself whole, into the first place."""
    return [own[0].holding(other[0]), *own[1:]]


def with_the_first_one_again(own: Sequence[Entry], _: Sequence[Entry]) -> Sequence[Entry]:
    """Copy the first one to the end, under an id that fits there, with what stands beside it."""
    (stop, token), (last, _token) = (entry.id.split(b"-") for entry in (own[0], own[-1]))
    return [*own, Entry(b"%d-%s" % (int(last) + int(stop), token), own[0].fields)]


def with_two_messages_swapped(own: Sequence[Entry], _: Sequence[Entry]) -> Sequence[Entry]:
    """Let the first two messages change places."""
    return [own[0].holding(own[1]), own[1].holding(own[0]), *own[2:]]


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    """Connect to the session's server as somebody else."""
    connection = server.client()
    yield connection
    connection.close()


def forge(client: redis.Redis, key: str, change: Forge, other: str) -> None:
    """Replace a stream by one that was tampered with, under the same ids."""
    untyped: Any = client
    own, elsewhere = ([Entry(*entry) for entry in untyped.xrange(name)] for name in (key, other))
    untyped.delete(key)
    for entry in change(own, elsewhere):
        untyped.xadd(key, entry.fields, id=entry.id)


def fed(fleet: Fleet, run: str) -> Path:
    """Append a run to the ledger, which nobody works on yet; return its configuration."""
    fleet.run = run
    config = config_file(
        fleet.folder, "baseline", partitions=3, chunk_lines_max=100, turn_attempts_max=100
    )
    source = fleet.folder / f"{run}.in"
    source.write_bytes(sample_bytes(LINES))
    assert fleet.produce(config, source).ends() == 0
    return config


@ROW
@pytest.mark.parametrize(
    ("change", "whose", "why"),
    [
        (with_a_byte_changed, "own", "MacWrong"),
        (with_a_foreign_entry, "another ledger", "KeyUnknown"),
        (with_a_foreign_entry, "another partition", "WrongPosition"),
        (with_two_messages_swapped, "own", "WrongPosition"),
        (with_the_first_one_again, "own", "WrongPosition"),
    ],
    ids=[
        "a byte changed",
        "of another ledger",
        "of another partition",
        "in another place",
        "again",
    ],
)
def test_a_batch_that_cannot_be_trusted_halts_its_partition(
    fleet: Fleet, client: redis.Redis, change: Forge, whose: str, why: str
) -> None:
    """Not one attempt of that log is decided; the reason is kept; the others go on."""
    elsewhere = keys.beside(fleet.ledger, "log:1")
    if whose == "another ledger":
        with Fleet(fleet.url, f"{fleet.ledger}x", fleet.folder) as another:
            fed(another, "foreign")
            elsewhere = keys.beside(another.ledger, "log:0")
    fed(fleet, "monday")
    forge(client, keys.beside(fleet.ledger, "log:0"), change, elsewhere)

    worker = fleet.worker()

    def is_done() -> bool:
        first, *rest = fleet.view().partitions
        return first.state == "halted" and all(part.cursor == part.end for part in rest)

    wait_until(is_done, within_s=ENDS_S, what="one partition to be halted, the others decided")
    halted, *rest = fleet.view().partitions
    assert halted.reason.partition(":")[0] == why
    # Before a batch that comes again there may be turns in which everything is as it should be.
    assert halted.cursor < halted.end
    assert not halted.cursor or change is with_the_first_one_again
    assert all(part.end > 0 for part in rest)
    view = fleet.run_view()
    assert view is not None
    assert view.answers == LINES - halted.end + halted.cursor
    assert worker.popen.poll() is None
    assert "Traceback" not in worker.said


@ROW
def test_a_batch_that_comes_again_when_it_was_decided_halts_its_partition(
    fleet: Fleet, client: redis.Redis
) -> None:
    """The copy is the head of its log, and everything else there is decided: no line twice."""
    untyped: Any = client
    fed(fleet, "monday")
    log, parts = (keys.beside(fleet.ledger, name) for name in ("log:0", "parts"))
    own = [Entry(*entry) for entry in untyped.xrange(log)]
    fleet.worker()
    fleet.wait_for_answers(LINES)
    decided = fleet.view().partitions[0].end
    again = with_the_first_one_again(own, ())[-1]
    untyped.xadd(log, again.fields, id=again.id)
    untyped.hset(parts, "0:e", again.id.partition(b"-")[0])

    fed(fleet, "tuesday")

    wait_until(
        lambda: fleet.view().partitions[0].state == "halted",
        within_s=ENDS_S,
        what="a halted partition",
    )
    halted = fleet.view().partitions[0]
    assert halted.cursor == decided
    assert re.match(r"WrongPosition: line \d+ of run monday comes behind its line", halted.reason)
    assert "place  is wrong, so nothing" in spoken(fleet, "partition", "show", "0")[1]
    code, said = spoken(fleet, "partition", "skip", "0", "--seq", "1", "--reason", "why")
    assert (code, "put its log back as it was written" in said) == (EXIT_REFUSED, True), said
    fleet.run = "monday"
    view = fleet.run_view()
    assert view is not None
    assert view.answers == LINES
    output = fleet.folder / "output"
    assert fleet.collect(output).ends() == 0


@ROW
@pytest.mark.parametrize(
    ("change", "says", "why"),
    [
        (with_a_byte_changed, "the seal of a reply does not fit its contents", "MacWrong"),
        (with_a_foreign_entry, "answers of another run lie on this run's", "WrongPosition"),
        (with_two_messages_swapped, "an id that its seal does not know", "WrongPosition"),
    ],
    ids=["a byte changed", "of another run", "in another place"],
)
def test_a_reply_that_cannot_be_trusted_ends_the_collector(
    fleet: Fleet, client: redis.Redis, change: Forge, says: str, why: str
) -> None:
    """Exit 5, counted by the check that refused it, and no output under its name."""
    fed(fleet, "tuesday")
    fed(fleet, "monday")
    fleet.worker()
    fleet.wait_for_answers(LINES)
    own, other = (keys.beside(fleet.ledger, f"run:{run}:replies") for run in ("monday", "tuesday"))
    fleet.run = "tuesday"
    fleet.wait_for_answers(LINES)
    fleet.run = "monday"
    forge(client, own, change, other)
    output = fleet.folder / "output"

    collector = fleet.collect(output)

    assert collector.ends() == 5
    assert says in collector.said
    assert fleet.counter("replies_refused") == fleet.counter(f"replies_refused:{why}") == 1
    assert "Traceback" not in collector.said
    assert not output.exists()
