"""The verb `supervise`: workers of one ledger kept at work on this host, until told to stop.

Here: its options. Not here: what it does (`keeping.py`), and the supervisor itself, which is the
one of `fundload run` (`supervisor.py`).
"""

from __future__ import annotations

import click

from kernel.runtime.verbs import (
    keys_option,
    ledger_option,
    redis_option,
    trace_option,
    wait_ms,
    wait_option,
)
from kernel.runtime.wanted import WORKERS_MAX, workers_default


@click.command(
    short_help="Keep workers of a ledger at work on this host.",
    epilog="Example: fundload supervise --redis-url redis://127.0.0.1:6379 --ledger prod "
    "--workers 4",
)
@redis_option
@ledger_option
@keys_option
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    help="How many workers.  [default: the cores, at most 4]",
)
@click.option(
    "--grace",
    "grace_s",
    type=click.IntRange(1, 3600),
    default=10,
    show_default=True,
    help="Seconds that a worker has to end when it is asked to; then it is killed.",
)
@click.option(
    "--drain/--no-drain",
    default=True,
    show_default=True,
    help="At the end, let each worker finish its turn, or kill all at once.",
)
@wait_option
@trace_option
def supervise(
    *,
    redis_url: str,
    ledger: str,
    keys_path: str | None,
    workers: int | None,
    grace_s: int,
    drain: bool,
    wait_s: float | None,
    trace: str | None,
) -> None:
    """Keep workers at work until stopped; one that dies is started again.

    SIGHUP restarts them one at a time, for a new version of the program; each is ready before the
    next one goes. SIGTERM or Ctrl-C lets each end after its turn. A worker that ends again and
    again ends it all with 6, a ledger that is gone with 5.
    """
    from kernel.runtime.deadlines import Deadlines
    from kernel.runtime.keeping import Crew, keep

    keep(
        Crew(redis_url, ledger, keys_path, workers or workers_default(), trace),
        wait_ms=wait_ms(wait_s),
        deadlines=Deadlines(stop_ms=grace_s * 1000, drain_inflight=drain),
    )
