"""A batch that comes again: no line is decided twice, and nothing that is right is taken for it.

Somebody who can write to the store copies an entry, seal and all, to the end of its log, under an
id that fits there. The ledger is the memory twin; that both twins keep what this rests on is shown
by the tests of the ports.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from kernel.adapters.memory.ledger import MemoryLedger
from kernel.ledger.halts import ResumeRequest
from kernel.ledger.settings import FleetSettings
from kernel.ledger.units import Entry, LoadAnswer, LoadRequest
from tests.support.oracle import BASELINE
from tests.support.serial import rules_of
from tests.support.workshop import RUN, Workshop

CHUNK = 10
LINES = 40
A = 0


def workshop(
    tmp_path: Path, *, turn_attempts_max: int, partitions: int = 2, lines: int = LINES
) -> Workshop:
    """Append lines of many customers to a ledger."""
    settings = FleetSettings(
        partitions=partitions, chunk_lines_max=CHUNK, turn_attempts_max=turn_attempts_max
    )
    made = Workshop(rules_of(BASELINE), settings)
    if lines:
        produce(made, tmp_path, RUN, first=1, lines=lines)
    return made


def produce(made: Workshop, tmp_path: Path, run: str, *, first: int, lines: int = LINES) -> None:
    """Append a run; its ids count from `first`."""
    source = tmp_path / run
    rows = [
        {
            "id": str(number),
            "customer_id": str(number % 23),
            "load_amount": "$1.00",
            "time": "2000-01-04T00:00:00Z",
        }
        for number in range(first, first + lines)
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    made.produce(source, run)


def copy(made: Workshop, entry: Entry, partition: int = A) -> None:
    """Put an entry at the end of a log once more, and let the partition end behind it."""
    part = made.ledger.state.parts[partition]
    attempts = len(made.codec.logged(partition, entry).seqs)
    part.end += attempts
    part.log.append(filed(entry, part.end))
    if part.state == "idle":
        part.state = "ready"
        made.ledger.state.ready.append(partition)


def filed(entry: Entry, end: int) -> Entry:
    """Return an entry under the id that fits another place."""
    return entry._replace(id=f"{end}-{entry.id.partition('-')[2]}")


def states(made: Workshop) -> list[str]:
    """Return the state of each partition."""
    return [part.state for part in made.ledger.state.parts]


@pytest.mark.parametrize("turn_attempts_max", [4_096, 4], ids=["in one turn", "turns later"])
def test_a_batch_that_was_copied_halts_its_partition(
    tmp_path: Path, turn_attempts_max: int
) -> None:
    """At once, with the line and the run; what is decided is decided once, and others go on."""
    made = workshop(tmp_path, turn_attempts_max=turn_attempts_max)
    part = made.ledger.state.parts[A]
    end, first = part.end, part.log[0]
    copy(made, first)

    made.shift().work()

    line = made.codec.logged(A, first).lines[0]
    assert states(made) == ["halted", "idle"]
    assert part.cursor == 0 if turn_attempts_max > LINES else 0 < part.cursor <= end
    assert part.reason.startswith(f"WrongPosition: line {line} of run {RUN} comes behind its line ")
    assert made.ledger.state.counters["halts"] == 1
    assert set(made.codes()) <= set(range(1, LINES + 1)), "and none twice: `codes` would say so"


def test_a_batch_copied_when_all_was_decided_halts_the_partition_too(tmp_path: Path) -> None:
    """The log is empty by then; what was decided is remembered in the run."""
    made = workshop(tmp_path, turn_attempts_max=4_096)
    entry = made.ledger.state.parts[A].log[0]
    made.shift().work()
    assert states(made) == ["idle", "idle"]
    part = made.ledger.state.parts[A]
    end = part.end
    copy(made, entry)

    made.shift().work()
    assert (states(made), part.cursor) == (["halted", "idle"], end)
    assert len(made.codes()) == LINES

    asked = ResumeRequest(A, part.cursor, 5, "me@here", None, made.clock.now_ms())
    assert made.ledger.resume(asked).status == "RESUMED"
    made.shift().work()

    assert states(made) == ["halted", "idle"], "a resume alone changes nothing"
    assert len(made.codes()) == LINES


def test_batches_that_changed_places_halt_where_a_run_goes_back(tmp_path: Path) -> None:
    """Whoever moves a batch forward puts another one behind it."""
    made = workshop(tmp_path, turn_attempts_max=4_096)
    part = made.ledger.state.parts[A]
    first, second, *rest = part.log
    size = second.end - first.end
    line = made.codec.logged(A, first).lines[0]
    part.log[:] = [filed(second, size), filed(first, second.end), *rest]

    made.shift().work()

    assert states(made) == ["halted", "idle"]
    assert f"line {line} of run {RUN} comes behind its line " in part.reason


@pytest.mark.parametrize("turn_attempts_max", [1, 3, 7, 4_096])
def test_runs_that_take_turns_and_batches_decided_in_parts_are_never_repeated(
    tmp_path: Path, turn_attempts_max: int
) -> None:
    """Lines go up run by run: the same numbers in another run are other lines."""
    made = workshop(tmp_path, turn_attempts_max=turn_attempts_max)
    produce(made, tmp_path, "tuesday", first=1_001)
    turn, other = made.turn("w"), made.turn("v")
    for _ in range(5):
        turn.run("w/1")
        made.clock.pause_ms(made.settings.lease_ms)  # the other takes over, in mid-batch perhaps
        other.run("v/1")
        made.clock.pause_ms(made.settings.lease_ms)

    made.shift().work()

    assert states(made) == ["idle", "idle"]
    assert len(made.codes()) == len(made.codes("tuesday")) == LINES
    assert made.ledger.state.counters["halts"] == 0


class Meanwhile:
    """The ledger of a worker who is overtaken by something between its take and its load."""

    def __init__(self, ledger: MemoryLedger, happens: Callable[[], None]) -> None:
        self._ledger, self._happens = ledger, happens

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the ledger has
        return getattr(self._ledger, name)

    def load(self, request: LoadRequest) -> LoadAnswer:
        """Let it happen, and load."""
        self._happens()
        return self._ledger.load(request)


def test_a_head_that_was_lost_is_not_taken_for_a_copy(tmp_path: Path) -> None:
    """Its lines were decided at the same cursor meanwhile, so nothing is wrong, and nothing halts.

    Two runs of one partition, appended, lost, and appended again in the other order.
    """
    made = workshop(tmp_path, turn_attempts_max=CHUNK, partitions=1, lines=0)
    empty = made.ledger.state.snapshot()
    produce(made, tmp_path, "tuesday", first=1_001, lines=CHUNK)
    produce(made, tmp_path, RUN, first=1)
    assert made.turn("x").run("x/1").decided == CHUNK

    def lose_the_tail() -> None:
        made.ledger.state = empty
        produce(made, tmp_path, RUN, first=1)
        assert made.turn("y").run("y/1").decided == CHUNK

    late = made.turn("x", port=cast("MemoryLedger", Meanwhile(made.ledger, lose_the_tail)))

    result = late.run("x/1")

    assert (result.status, result.answer) == ("refused", "UNTRUSTED")
    assert states(made) == ["leased"]
    assert made.ledger.state.counters["halts"] == 0
