"""The verb `run`: everything in one command, with a fleet of processes or in this one alone.

Here: its options, what is said at the end, and what is said when it is broken off. Not here: the
fleet (`fleet.py`), the memory profile (`inprocess.py`), the checks of the options (`wanted.py`).
The heavy imports are in the functions, so that `fundload run --help` answers at once.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kernel.adapters.files.partial import beside
from kernel.adapters.files.source import STANDARD
from kernel.errors import EXIT_REFUSED, FundloadError
from kernel.runtime.patience import SystemClock
from kernel.runtime.run_wait import RunWait, code_of
from kernel.runtime.verbs import (
    durability_options,
    keys_option,
    say,
    settle,
    trace_option,
    warn_of_password,
)
from kernel.runtime.wanted import Wanted, is_pipe

FROM_ENVIRONMENT = ParameterSource.ENVIRONMENT
GOES_ON = "this goes on with the run:"

if TYPE_CHECKING:
    from collections.abc import Callable

    from kernel.adapters.config import Config
    from kernel.engine.replies import Outcome
    from kernel.runtime.fleet import Fleet
    from kernel.runtime.progress import Screen
    from kernel.runtime.summary import Summary


@click.command(
    short_help="Decide an input, from start to end.",
    epilog="Example: fundload run --config configs/baseline.yaml --input loads.txt "
    "--output decisions.txt --workers 4",
)
@click.option("--config", required=True, help="The configuration file.")
@click.option("--input", required=True, help="The input; '-' is standard input.")
@click.option("--output", required=True, help="Where rows go; '-' is standard output.")
@click.option("--reasons", help="Where to write line, id, answer and reason of every line.")
@click.option(
    "--profile",
    type=click.Choice(["redis", "memory"]),
    default="redis",
    show_default=True,
    help="A fleet over Redis, or this process alone without Redis; the output is the same.",
)
@click.option("--workers", type=int, help="How many workers.  [default: the cores, at most 4]")
@click.option(
    "--redis-url",
    envvar="FUNDLOAD_REDIS_URL",
    callback=warn_of_password,
    help="Address of the server: redis://host:port/0 or unix:///path. [env FUNDLOAD_REDIS_URL]  "
    "[default: a server of the run's own]",
)
@click.option("--ledger", help="Name of a lasting ledger.  [default: one for this run only]")
@click.option("--run", help="Name of the run.  [default: a new one]")
@click.option("--force", is_flag=True, help="Replace an existing output.")
@keys_option
@durability_options
@trace_option
@click.pass_context
def run(ctx: click.Context, /, **options: Any) -> int:  # noqa: ANN401 - named and typed by `Wanted`
    """Decide an input: start what is needed, wait for the end, say what came out, leave nothing.

    With --ledger, the ledger stays, and a run that was broken off goes on by the same command.
    """
    from kernel.adapters.config import read_config

    wanted = Wanted(**options)
    from_environment = ctx.get_parameter_source("redis_url") is FROM_ENVIRONMENT
    if wanted.profile == "memory" and from_environment:
        wanted = replace(wanted, redis_url=None)
    if wanted.ledger is None and ctx.get_parameter_source("keys_path") is FROM_ENVIRONMENT:
        wanted = replace(wanted, keys_path=None)
    wanted.check_options()
    config = read_config(wanted.config)
    wanted.check_files()
    if wanted.profile == "memory":
        return code_of(run_in_memory(wanted, config))
    return code_of(run_fleet(wanted, config, shows_url=not from_environment))


def run_in_memory(wanted: Wanted, config: Config) -> Outcome:
    """Decide in this process, and return what became of the run; only a whole output is kept.

    Raises:
        FundloadError: input or output failed.
    """
    from kernel.adapters.files.output import OutputFile
    from kernel.adapters.files.source import LineSource
    from kernel.runtime.inprocess import decide_in_memory
    from kernel.runtime.progress import screen
    from kernel.runtime.traced import observers_for

    shown = screen()
    name = wanted.run or "memory"
    wait = RunWait(name, SystemClock())
    output = OutputFile(wanted.output, fresh=True, reasons_path=wanted.reasons, force=wanted.force)
    try:
        if output.is_replacing:
            shown.line(f"replaced what an earlier run left unfinished beside '{wanted.output}'")
        with (
            LineSource(wanted.input, chunk_lines_max=config.fleet.chunk_lines_max) as source,
            observers_for(wanted.trace) as observers,
        ):
            settle()
            summary = decide_in_memory(
                config.rules,
                source,
                output,
                run=name,
                keep_ids=wanted.reasons is not None,
                on_progress=shows_lines(shown, wanted),
                observers=observers,
            )
    except BaseException as ended:
        output.discard()
        shown.close()
        wait.end(ended)
        if not isinstance(ended, Exception):
            say(f"nothing is kept of a run in memory; it starts anew with: {wanted.command()}")
        raise
    shown.close()
    wait.complete(summary.lines)
    report(wanted, summary)
    return wait.outcome


def shows_lines(shown: Screen, wanted: Wanted) -> Callable[[int], None]:
    """Return what is told the lines decided so far, and shows them every so often."""
    import time

    from kernel.runtime.progress import Every, Meter
    from kernel.runtime.wanted import estimated_lines

    meter, due = Meter(estimated_lines(wanted.input)), Every(shown.every_s)
    meter.at(time.monotonic(), 0)

    def show(lines: int) -> None:
        if due.is_due():
            shown.show(meter.at(time.monotonic(), lines))

    return show


def run_fleet(wanted: Wanted, config: Config, *, shows_url: bool) -> Outcome:
    """Decide with processes of its own, and return what became of the run.

    Raises:
        FundloadError: why the run has not come to its end.
    """
    from kernel.adapters.redis.client import shown
    from kernel.runtime.fleet import Fleet
    from kernel.runtime.progress import screen
    from kernel.runtime.summary import Summary

    terminal = screen()
    try:
        fleet = Fleet(wanted, config, terminal)
        try:
            ended = fleet.decide()
        except BaseException as why:
            terminal.close()
            url = shown(wanted.redis_url) if wanted.redis_url and shows_url else None
            if fleet.has_ledger or not isinstance(why, Exception):
                is_refused = isinstance(why, FundloadError) and why.exit_code == EXIT_REFUSED
                for sentence in what_was_kept(wanted, fleet, url, is_refused=is_refused):
                    say(sentence)
            raise
    finally:
        terminal.close()
    view = ended.view
    if view is None:
        say("Redis does not answer any more, so there is no summary; the output is complete")
        say(where_it_is(wanted, is_alone=ended.is_alone))
    elif view.lines is None or view.written < view.lines:
        say("the reader of standard output has left before the end")
    else:
        summary = Summary(
            view.lines, view.tally, view.cents_accepted, ended.seconds, wanted.fleet_size
        )
        report(wanted, summary, start_s=ended.start_s, is_alone=ended.is_alone)
    return fleet.outcome


def what_was_kept(
    wanted: Wanted, fleet: Fleet, redis_url: str | None, *, is_refused: bool = False
) -> list[str]:
    """Say what is left of a run that did not come to its end, and the command that goes on.

    Nothing when the run was refused before its first row: the same command would be, too.
    """
    if not fleet.has_ledger:
        return [
            "nothing was begun; the run begins with:",
            f"  {wanted.command(redis_url=redis_url)}",
        ]
    is_read = wanted.input == STANDARD or is_pipe(wanted.input)
    again = f"fed the same input from its start, {GOES_ON}" if is_read else GOES_ON
    partial = None if wanted.output == STANDARD else beside(Path(wanted.output), "partial")
    rows = partial is not None and partial.exists()
    if is_refused and not rows:
        return []
    if wanted.ledger is not None:
        named = replace(wanted, run=fleet.run_name)
        beside_it = f", and '{partial}' the rows so far" if rows else ""
        return [
            f"ledger {fleet.ledger} keeps what was appended and decided{beside_it}; {again}",
            f"  {named.command(redis_url=redis_url)}",
        ]
    sentence = "the ledger was this run's own and is gone"
    if rows:
        sentence += f", so '{partial}' cannot be gone on with and will be replaced"
    return [f"{sentence}; the run starts anew with:", f"  {wanted.command(redis_url=redis_url)}"]


def report(
    wanted: Wanted, summary: Summary, *, start_s: float | None = None, is_alone: bool = True
) -> None:
    """Say what came out, and last of all where it is and how to check it."""
    for line in summary.text():
        say(line)
    if start_s is not None:
        say(f"start-up   {start_s:>12.2f} s before the first line")
    say(where_it_is(wanted, is_alone=is_alone))


def where_it_is(wanted: Wanted, *, is_alone: bool = True) -> str:
    """Return the last line of a run; what decides the input alone checks only a run `is_alone`."""
    place = "on standard output" if wanted.output == STANDARD else f"in '{wanted.output}'"
    if not is_alone:
        return f"The rows are {place}. Other runs are on ledger {wanted.ledger}: they count, too."
    given = ["saved as decisions.txt"] if wanted.output == STANDARD else []
    given += ["fed the same input"] if wanted.input == STANDARD else []
    how = f", {' and '.join(given)}" if given else ""
    return f"The rows are {place}. To check them{how}: {wanted.check_command()}"
