"""The verb `submit`, as `fundload` finds it: options, their help, and what is said at the end."""

from __future__ import annotations

import click

from kernel.runtime.verbs import keys_option, ledger_option, redis_option, say


@click.command(
    short_help="Submit attempts and print their decisions.",
    epilog="""Example: fundload submit --ledger prod '{"id":"1","customer_id":"7",\
"load_amount":"$10.00","time":"2000-01-01T00:00:00Z"}'""",
)
@redis_option
@ledger_option
@keys_option
@click.option("--run", "run_name", help="Name of the run.  [default: a new one]")
@click.option(
    "--number",
    type=click.IntRange(min=1),
    help="Number of the attempt in the run, if it may have been submitted before.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds to wait for an answer, then exit 6; the attempt stays submitted.",
)
@click.option("--reasons", is_flag=True, help="Behind each row, print answer and reason.")
@click.argument("attempts", nargs=-1)
def submit(
    *,
    redis_url: str,
    ledger: str,
    keys_path: str | None,
    run_name: str | None,
    number: int | None,
    timeout_s: float,
    reasons: bool,
    attempts: tuple[str, ...],
) -> None:
    """Submit attempts to a ledger, wait for each, and print its row.

    ATTEMPTS are lines as an input has them; without any, or with '-', they are read from standard
    input. They are a run of their own, which is finished at the end. An attempt that may have been
    submitted before is submitted again with --run and --number: that never decides it twice.
    """
    from producer.submit import Submitting, submit_all

    what = Submitting(redis_url, ledger, run_name, number, timeout_s, reasons, keys_path)
    run, count = submit_all(what, attempts)
    say(f"run {run}: {count} answered on ledger {ledger}")
