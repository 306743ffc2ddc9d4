"""Trace records: one for each node call, from an observer through a bounded buffer to a sink.

1. A record tells what happened and how long it took, never what was in a payload. Of an error it
   keeps the type, and the text only where the text is known to hold no payload (errors of our own
   tree).
2. The buffer is bounded. When it is full the newest record is dropped and counted: tracing may lose
   records, it may not grow, and it may not slow the run down by waiting.
3. The clock is an argument. The sink is a function that takes a line: a file, stdout or a list.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from kernel.engine.envelope import Envelope
from kernel.engine.observers import NodeCall, Observer
from kernel.errors import FundloadError

#: Records kept between two drains, unless the caller says otherwise.
RECORDS_MAX = 4_096


class TraceRecord(NamedTuple):
    """One node call. Times are nanoseconds of the tracer's clock, counts are items."""

    trace_id: str | None
    scenario: str
    group: str
    hop: int
    node: str
    step: int
    enter_ns: int
    exit_ns: int
    duration_ns: int
    taken: dict[str, int]
    given: dict[str, int]
    spans: dict[str, list[int]]
    status: str
    error: str | None

    def to_json(self) -> str:
        """Return the record as one line of JSON, with its line end."""
        return json.dumps(self._asdict(), separators=(",", ":"), ensure_ascii=True) + "\n"


class Described(Protocol):
    """What a graph can tell the tracer about an envelope, without showing its payload."""

    def items_in(self, envelope: Envelope) -> int:
        """Count the items (lines, attempts, rows) in an envelope."""

    def spans_in(self, envelope: Envelope) -> dict[str, list[int]]:
        """Return the first and last line of each run in an envelope; empty when it has none."""


class TraceBuffer:
    """A bounded buffer in front of a sink; the newest record is dropped when it is full."""

    def __init__(self, write: Callable[[str], object], *, records_max: int = RECORDS_MAX) -> None:
        self._write = write
        self._records_max = records_max
        self._waiting: deque[TraceRecord] = deque()
        #: Records that found the buffer full.
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, record: TraceRecord) -> None:
        """Keep a record for the next drain, or drop it."""
        if len(self._waiting) >= self._records_max:
            self.dropped += 1
        else:
            self._waiting.append(record)

    def drain(self) -> None:
        """Write everything that waits, oldest first. A record that cannot be written stays."""
        while self._waiting:
            self._write(self._waiting[0].to_json())
            self._waiting.popleft()


class Tracer(Observer):
    """Leaves one record for each node call, and drains its buffer at the end of a run."""

    def __init__(
        self,
        buffer: TraceBuffer,
        *,
        scenario_id: str,
        clock_ns: Callable[[], int],
        hops: Mapping[str, int],
        described: Described,
    ) -> None:
        """Trace one scenario.

        Args:
            buffer: Where records wait for the sink.
            scenario_id: Name of the graph.
            clock_ns: Returns nanoseconds; only differences and order matter.
            hops: Process boundaries crossed before a group's nodes, by group.
            described: Counts items and names line ranges.
        """
        #: Drained at the end of each run; drain it once more on a graceful stop.
        self.buffer = buffer
        self._scenario_id = scenario_id
        self._clock_ns = clock_ns
        self._hops = hops
        self._described = described
        self._steps: Counter[str | None] = Counter()
        self._entered_ns = 0

    def before_node(self, _call: NodeCall, /) -> None:
        """Keep the time; calls do not nest."""
        self._entered_ns = self._clock_ns()

    def after_node(self, call: NodeCall, outputs: Sequence[Envelope], /) -> None:
        """Record a call that went well."""
        given: Counter[str] = Counter()
        for output in outputs:
            given[output.kind] += self._described.items_in(output)
        self._record(call, given=dict(given), error=None)

    def on_node_error(self, call: NodeCall, error: BaseException, /) -> None:
        """Record a call that raised."""
        self._record(call, given={}, error=error_text(error))

    def on_run_end(self, _error: BaseException | None, /) -> None:
        """Give what waits to the sink."""
        self._steps.clear()
        self.buffer.drain()

    def _record(self, call: NodeCall, *, given: dict[str, int], error: str | None) -> None:
        exit_ns = self._clock_ns()
        envelope = call.envelope
        step = self._steps[envelope.trace_id]
        self._steps[envelope.trace_id] += 1
        self.buffer.add(
            TraceRecord(
                trace_id=envelope.trace_id,
                scenario=self._scenario_id,
                group=call.group,
                hop=self._hops.get(call.group, 0),
                node=call.node,
                step=step,
                enter_ns=self._entered_ns,
                exit_ns=exit_ns,
                duration_ns=exit_ns - self._entered_ns,
                taken={envelope.kind: self._described.items_in(envelope)},
                given=given,
                spans=self._described.spans_in(envelope),
                status="ok" if error is None else "error",
                error=error,
            ),
        )


def error_text(error: BaseException) -> str:
    """Return what a record may say of an error: its type, and a text that holds no payload."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, FundloadError) else name
