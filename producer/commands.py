"""The verbs of the producer's side, as `fundload` finds them.

Lives here: options, their help, one example a verb, and what is said at the end on stderr. Not
here: what the verbs do.
"""

from __future__ import annotations

from pathlib import Path

import click

from kernel.adapters.files.partial import PartialFile, Sink, StandardOutput
from kernel.adapters.files.source import STANDARD
from kernel.runtime.verbs import (
    chance,
    keys_option,
    ledger_option,
    owner_token,
    redis_option,
    run_option,
    say,
    trace_option,
)
from producer.sample import BAD_SHARE, PER_DAY, default_customers, sample_chunks


@click.command(
    short_help="Write a made-up input.",
    epilog="Example: fundload sample --lines 100000 --output loads.txt",
)
@click.option("--lines", type=int, required=True, help="How many lines, bad ones included.")
@click.option(
    "--customers",
    type=int,
    help="How many customers.  [default: a twentieth of the lines, but at least one for every two "
    "lines of a day]",
)
@click.option("--per-day", type=int, default=PER_DAY, show_default=True, help="Lines of a day.")
@click.option(
    "--bad", type=float, default=BAD_SHARE, show_default=True, help="Share of malformed lines."
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another number, another sample."
)
@click.option("--output", required=True, help="Where to write it; '-' is standard output.")
@click.option("--force", is_flag=True, help="Replace an existing output.")
def sample(
    *,
    lines: int,
    customers: int | None,
    per_day: int,
    bad: float,
    seed: int,
    output: str,
    force: bool,
) -> None:
    """Write a made-up input: realistic, and the same bytes for the same arguments.

    Days and weeks, customers of unequal zeal, sums near the limits, prime ids, repeated ids, and a
    few malformed lines.
    """
    many = default_customers(lines, per_day) if customers is None else customers
    chunks = sample_chunks(lines, customers=many, per_day=per_day, bad=bad, seed=seed)
    file: Sink = StandardOutput()
    if output != STANDARD:
        file = PartialFile(Path(output), keep_bytes=None, force=force)
    try:
        for chunk in chunks:
            file.write(chunk)
        file.publish()
    finally:
        file.discard()
    named = "standard output" if output == STANDARD else f"'{output}'"
    click.echo(
        f"{lines} lines of {many} customers, {per_day} a day, seed {seed}, are in {named}.",
        err=True,
    )


@click.command(
    short_help="Put the lines of an input on a ledger, in order.",
    epilog="Example: fundload produce --config configs/baseline.yaml --input loads.txt "
    "--redis-url redis://127.0.0.1:6379 --ledger prod --run monday",
)
@click.option("--config", "config_path", required=True, help="The configuration file.")
@click.option("--input", "input_path", required=True, help="The input; '-' is standard input.")
@redis_option
@ledger_option
@run_option
@keys_option
@trace_option
def produce(
    *,
    config_path: str,
    input_path: str,
    redis_url: str,
    ledger: str,
    run_name: str,
    keys_path: str | None,
    trace: str | None,
) -> None:
    """Number the lines of an input and put them on a ledger's work queues.

    Makes the ledger if there is none. A run that was broken off goes on where it stood: the same
    command again, with the same input.
    """
    from kernel.runtime.child import is_supervised
    from kernel.runtime.signals import Terminated
    from producer.feed import Feeding, feed

    # Who supervises says what is kept: a throw-away ledger is not.
    kept = "" if is_supervised() else "; what was appended is kept, and the same command goes on"
    what = Feeding(config_path, input_path, redis_url, ledger, run_name, trace, keys_path)
    try:
        totals = feed(what, owner=owner_token(), rng=chance())
    except (KeyboardInterrupt, Terminated):
        say(f"run {run_name}: stopped{kept}")
        raise
    resumed = f", of which {totals.resumed_at} were there before" if totals.resumed_at else ""
    say(
        f"run {run_name}: {totals.lines} lines are on ledger {ledger}{resumed} "
        f"({totals.appends} appends, {totals.conflicts} conflicts, {totals.rewinds} rewinds)"
    )
