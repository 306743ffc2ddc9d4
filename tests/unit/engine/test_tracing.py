"""Section 4, trace records: one for each node call, bounded, without payloads."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from kernel.engine.envelope import Envelope
from kernel.engine.tracing import TraceBuffer, Tracer
from kernel.errors import Incomplete
from tests.support.steps import Body, Step, gives, runner_over


class Lists:
    """Describes payloads that are lists of lines of one run."""

    def items_in(self, envelope: Envelope) -> int:
        """Count the list."""
        return len(envelope.payload)

    def spans_in(self, envelope: Envelope) -> dict[str, list[int]]:
        """Return its ends."""
        return {"run-1": [envelope.payload[0], envelope.payload[-1]]}


def tracer(write: Callable[[str], object], *, records_max: int = 100) -> Tracer:
    """Return a tracer whose clock gains 5 ns at each look."""
    return Tracer(
        TraceBuffer(write, records_max=records_max),
        scenario_id="scene",
        clock_ns=count(100, 5).__next__,
        hops={"only": 1},
        described=Lists(),
    )


def raising(error: Exception) -> Body:
    """Return a body that raises."""

    def body(*_: object) -> object:
        raise error

    return body


def records(*steps: Step, runs: int = 1) -> list[dict[str, Any]]:
    """Run a chain of steps over the kinds k0, k1, ... and return what the tracer wrote."""
    lines: list[str] = []
    runner = runner_over(
        steps,
        {f"k{index}": [step.name] for index, step in enumerate(steps)},
        terminals=["rows"],
        observers=[tracer(lines.append)],
    )
    for _ in range(runs):
        runner.run([Envelope([7, 8, 9], "k0", trace_id="run-1:7")])
    return [json.loads(line) for line in lines]


def test_a_record_tells_who_did_what_for_how_long() -> None:
    """Every field, once."""
    (record,) = records(Step("parse", gives("rows", "rows")))

    assert record == {
        "trace_id": "run-1:7",
        "scenario": "scene",
        "group": "only",
        "hop": 1,
        "node": "parse",
        "step": 0,
        "enter_ns": 100,
        "exit_ns": 105,
        "duration_ns": 5,
        "taken": {"k0": 3},
        "given": {"rows": 6},
        "spans": {"run-1": [7, 9]},
        "status": "ok",
        "error": None,
    }


def test_steps_are_counted_along_a_trace_and_anew_in_each_run() -> None:
    """The step index tells the order of calls within one run of a trace."""
    written = records(Step("a", gives("k1")), Step("b", gives("rows")), runs=2)

    assert [(record["node"], record["step"]) for record in written] == [
        ("a", 0),
        ("b", 1),
        ("a", 0),
        ("b", 1),
    ]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("customer 528"), "ValueError"),
        (Incomplete("3 lines have no answer"), "Incomplete: 3 lines have no answer"),
    ],
)
def test_a_record_of_an_error_never_shows_a_payload(error: Exception, text: str) -> None:
    """Of a foreign error only the type is told: its text may hold anything."""
    lines: list[str] = []
    runner = runner_over(
        [Step("a", raising(error))], {"k0": ["a"]}, observers=[tracer(lines.append)]
    )

    with pytest.raises(type(error)):
        runner.run([Envelope([1], "k0")])

    (record,) = [json.loads(line) for line in lines]
    assert (record["status"], record["error"], record["given"]) == ("error", text, {})


def test_a_full_buffer_drops_the_newest_and_counts() -> None:
    """The oldest records survive; memory is bounded; nobody waits."""
    lines: list[str] = []
    watching = tracer(lines.append, records_max=2)
    runner = runner_over(
        [Step("a", gives("k1")), Step("b", gives("k2")), Step("c", gives())],
        {"k0": ["a"], "k1": ["b"], "k2": ["c"]},
        observers=[watching],
    )
    runner.run([Envelope([1], "k0")])

    assert [json.loads(line)["node"] for line in lines] == ["a", "b"]
    assert watching.buffer.dropped == 1


def test_records_that_cannot_be_written_wait_for_the_next_drain() -> None:
    """A sink that fails loses nothing, harms no run, and is counted as a failing observer."""
    lines: list[str] = []
    is_full = True

    def write(line: str) -> None:
        if is_full:
            raise OSError("disk full")
        lines.append(line)

    watching = tracer(write)
    runner = runner_over([Step("a", gives())], {"k0": ["a"]}, observers=[watching])
    runner.run([Envelope([1], "k0")])
    kept = len(watching.buffer)
    is_full = False
    watching.buffer.drain()

    assert kept == 1
    assert runner.observer_failures == {"Tracer.on_run_end": 1}
    assert [json.loads(line)["node"] for line in lines] == ["a"]
    assert len(watching.buffer) == 0
