"""Traces: `--trace PATH`, one JSON line a node call, of every process that got the path.

Several processes append to one file. A record is one write to a file opened for appending, so
records do not tear each other; their order between processes is that of their writes.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence

from kernel.engine.observers import Observer
from kernel.engine.tracing import TraceBuffer, Tracer
from kernel.errors import OutputUnwritable
from kernel.ledger.described import FundLoads
from kernel.ledger.scenario import HOPS, SCENARIO_ID


@contextlib.contextmanager
def observers_for(path: str | None) -> Iterator[Sequence[Observer]]:
    """Return who watches a runner: a tracer if a path was given, else nobody, at no cost.

    Raises:
        OutputUnwritable: the file cannot be opened.
    """
    if path is None:
        yield ()
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise OutputUnwritable(
            f"cannot write the trace to '{path}': {error.strerror}; give --trace another path"
        ) from error
    buffer = TraceBuffer(lambda line: os.write(descriptor, line.encode()))
    tracer = Tracer(
        buffer,
        scenario_id=SCENARIO_ID,
        clock_ns=time.monotonic_ns,
        hops=HOPS,
        described=FundLoads(),
    )
    try:
        yield (tracer,)
    finally:
        buffer.drain()
        os.close(descriptor)
