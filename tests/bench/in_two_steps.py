"""A form in two processes, one after the other: all is put into Redis, then all is worked off.

Here: running both on a server of their own, and splitting off each one's start-up. Not here: what
they do (`rq_form.py`, `streams_form.py`). One after the other, so that neither waits for the other:
that flatters these forms, which poll while they wait.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from tests.bench.fleet import start_server, trips_of
from tests.bench.meter import Usage, cpu_of, peak_of, run_to_end
from tests.bench.report import PRODUCER, REDIS, TRIPS, WORKERS, Measured

#: The list that the rows end up in.
ROWS: Final = "rows"


def measure(
    module: str,
    form: str,
    steps: tuple[str, str],
    argv: tuple[str, ...],
    lines: int,
    expected: Path,
) -> Measured:
    """Decide a short sample by `python -m module STEP URL ARGV…`, one step after the other."""
    with ExitStack() as stack:
        server, client = start_server(stack)
        client.config_resetstat()
        startup_s = cpu_of(server.pid)
        fed, fed_peak = _run(module, steps[0], server.url, *argv)
        worked, work_peak = _run(module, steps[1], server.url, *argv)
        used_s = cpu_of(server.pid) - startup_s
        server_peak, trips = peak_of(server.pid), trips_of(client)
        found: Any = client.lrange(ROWS, 0, -1)
        return Measured(
            form=form,
            lines=lines,
            seconds=fed["seconds"] + worked["seconds"],
            roles={
                PRODUCER: (Usage(fed["startup_s"], fed["cpu_s"], fed_peak),),
                REDIS: (Usage(startup_s, used_s, server_peak),),
                WORKERS: (Usage(worked["startup_s"], worked["cpu_s"], work_peak),),
            },
            counts={TRIPS: trips},
            is_equal=b"".join(found) == expected.read_bytes(),
        )


def _run(module: str, *argv: str) -> tuple[dict[str, float], int]:
    ended = run_to_end(sys.executable, "-m", module, *argv)
    told: dict[str, float] = json.loads(ended.said)
    return told, ended.peak_bytes


def act_measured(act: Callable[[], None]) -> None:
    """Be one of the two processes: act, and print the figures as JSON.

    CPU time is that of this process and of the children it has waited for.
    """
    startup_s, began = time.process_time(), time.perf_counter()
    act()
    cpu_s, seconds = time.process_time() - startup_s, time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "startup_s": startup_s, "cpu_s": cpu_s + _children_s()}))


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
