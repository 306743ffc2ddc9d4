"""The verbs of the consumers' side, as `fundload` finds them.

Lives here: options, their help, one example a verb, and what is said at the end on stderr. Not
here: what the verbs do; it is imported when a verb is called, so that `--help` answers at once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from kernel.adapters.files.source import STANDARD
from kernel.runtime.verbs import (
    chance,
    durability_options,
    keys_option,
    ledger_option,
    owner_token,
    redis_option,
    run_option,
    say,
    trace_option,
    wait_ms,
    wait_option,
)

if TYPE_CHECKING:
    from kernel.ledger.units import RunView

#: What a shell expects of a process that a signal ended.
SIGNAL_BASE = 128


@click.command(
    short_help="Decide attempts of a ledger until stopped.",
    epilog="Example: fundload worker --redis-url redis://127.0.0.1:6379 --ledger prod",
)
@redis_option
@ledger_option
@keys_option
@wait_option
@trace_option
def worker(
    *, redis_url: str, ledger: str, keys_path: str | None, wait_s: float | None, trace: str | None
) -> int:
    """Decide attempts of a ledger until stopped; start as many as you like, wherever you like.

    Waits for a ledger that is not there yet. SIGTERM ends it after the turn it is in.
    """
    from consumers.work import serve

    return SIGNAL_BASE + serve(
        redis_url=redis_url,
        ledger=ledger,
        keys_path=keys_path,
        wait_ms=wait_ms(wait_s),
        trace=trace,
        rng=chance(),
    )


@click.command(
    short_help="Write the answers to a run, in the order of its lines.",
    epilog="Example: fundload collect --redis-url redis://127.0.0.1:6379 --ledger prod "
    "--run monday --output decisions.txt",
)
@redis_option
@ledger_option
@run_option
@click.option("--output", required=True, help="Where rows go; '-' is standard output.")
@click.option("--reasons", help="Where to write line, id, answer and reason of every line.")
@click.option("--follow", is_flag=True, help="Go on until stopped; rows stay in OUTPUT.partial.")
@click.option("--force", is_flag=True, help="Replace an existing output.")
@keys_option
@durability_options
@wait_option
@trace_option
def collect(**options: Any) -> int:  # noqa: ANN401 - named and typed by `Gathering`
    """Collect the answers to a run, in the order of its lines.

    The output appears under its name when the run is complete. Stopped before, the same command
    goes on where it was.
    """
    from consumers.gather import Gathering, gather
    from kernel.runtime.child import is_supervised
    from kernel.runtime.run_wait import code_of

    what = Gathering(**options)
    # Who supervises says what is kept: rows of a throw-away ledger cannot be gone on with.
    goes_on = what.output != STANDARD and not is_supervised()
    gathered = gather(what, owner=owner_token())
    if gathered.outcome.status != "success":
        kept = "; the same command goes on" if goes_on else ""
        say(f"run {what.run_name}: stopped behind line {gathered.lines}{kept}")
        return code_of(gathered.outcome)
    where = "standard output" if what.output == STANDARD else f"'{what.output}'"
    say(f"run {what.run_name}: {gathered.lines} lines are answered; the rows are in {where}")
    return code_of(gathered.outcome)


@click.command(
    short_help="Wait for a run that others decide and collect.",
    epilog="Example: fundload wait --redis-url redis://127.0.0.1:6379 --ledger prod --run monday "
    "--timeout 600",
)
@redis_option
@ledger_option
@run_option
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    help="Seconds to wait for the end, then exit 6.  [default: for ever]",
)
def wait(*, redis_url: str, ledger: str, run_name: str, timeout_s: float | None) -> int:
    r"""Wait until a run has ended, say what became of it, and end with the run's own exit code.

    \b
    0          all its rows are written (of a client's run: all is answered)
    6          it is incomplete: halted, given up, not collected any more, or not ended in time
    5, 7, ...  whatever ended `fundload collect` or `fundload run`
    130, 143   it was stopped by Ctrl-C or SIGTERM; the same command goes on with it

    Waits for a ledger and a run that are not there yet. A run that ended before is told at once,
    until somebody goes on with it.
    """
    from consumers.await_run import wait_for_end
    from kernel.runtime.run_wait import code_of, sentence_of

    timeout_ms = wait_ms(timeout_s)
    seen = wait_for_end(redis_url, ledger, run_name, timeout_ms=timeout_ms, say=say)
    outcome = seen.outcome
    assert outcome is not None, "a wait ends with an outcome"
    rest = written_of(seen.view) if outcome.status == "success" else sentence_of(outcome)
    click.echo(f"run {run_name}: {outcome.status}; {rest}")
    return code_of(outcome)


def written_of(view: RunView | None) -> str:
    """Say what there is of a run that ended well; a client's may be answered and not written."""
    if view is None or view.lines is None:
        return "all lines are written"
    done = "written" if view.written >= view.lines else "answered"
    return f"{view.lines:,} lines are {done}"


@click.command(
    short_help="Show a ledger: runs, workers, what waits for what.",
    epilog="Example: fundload status --redis-url redis://127.0.0.1:6379 --ledger prod --json",
)
@redis_option
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def status(*, redis_url: str, ledger: str, as_json: bool) -> None:
    """Show a ledger: its partitions, its runs, who works, what waits for what."""
    from consumers.operate import as_mapping, as_text, look

    view = look(redis_url, ledger)
    click.echo(json.dumps(as_mapping(view)) if as_json else as_text(ledger, view))
