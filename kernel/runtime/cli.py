"""The command `fundload`: finds the verbs, and turns whatever happens into one exit code.

What lives here: the group, `--version`, the start-up check, the one place where exceptions become
exit codes. What does not: the verbs. They are found by the entry-point group `fundload.commands`,
so that the kernel need not import the two apps above it; and they are imported only when asked for,
so that `fundload --version` answers at once.

How a command ends:
1. A `FundloadError` is one sentence on stderr, with that of its cause, and the exit code of its
   class; one whose code is 1 is a bug and comes with its traceback.
2. A usage error found by click is 2, Ctrl-C is 130, SIGTERM is 143.
3. A reader that closed our stdout (`fundload … | head`) had what it wanted: quiet, 0.
4. Anything else is a bug of ours: the traceback, a line that says so, and 1.
"""

from __future__ import annotations

import importlib.util
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from kernel import __version__, errors
from kernel.runtime.signals import Terminated

#: After how long a signal that was lost comes once more.
AGAIN_S = 0.05
DISTRIBUTION = "fundload-fleet"
VERBS_GROUP = "fundload.commands"
PACKAGES = ("producer", "consumers", "kernel")
STDOUT = 1  # the descriptor: `sys.stdout` may be replaced or closed, the pipe is not


class BrokenVerb(click.Command):
    """Stands in the help for a verb that cannot be imported, and raises the reason when called."""

    def __init__(self, name: str, reason: Exception) -> None:
        """Keep the reason, so that calling the verb shows the true traceback."""
        self.reason = reason
        what = f"{type(reason).__name__}: {reason}"
        super().__init__(name, help=f"(cannot be used: {what})", add_help_option=False)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: object,
    ) -> NoReturn:
        """Raise what the import raised."""
        del info_name, args, parent, extra
        raise self.reason

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the reason uncut: a broken verb is worth a long line."""
        del limit
        return self.help or ""


class Verbs(click.Group):
    """The group of verbs, each imported when it is first looked at."""

    def __init__(self, points: Sequence[metadata.EntryPoint] | None = None) -> None:
        """Take the entry points given, or those of the installed distributions."""
        super().__init__("fundload", help=GROUP_HELP, params=[version_option()])
        self.context_settings = {"help_option_names": ["-h", "--help"]}
        found = metadata.entry_points(group=VERBS_GROUP) if points is None else points
        self.points = {point.name: point for point in found}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names without importing anything."""
        del ctx
        return sorted(self.points)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb; one that cannot be imported becomes a `BrokenVerb`, never a gap."""
        del ctx
        point = self.points.get(cmd_name)
        if point is None:
            return None
        try:
            verb = point.load()
        except Exception as reason:  # noqa: BLE001 - kept, shown in the help, raised on call
            return BrokenVerb(cmd_name, reason)
        if not isinstance(verb, click.Command):
            return BrokenVerb(cmd_name, TypeError(f"{point.value} is not a click command"))
        return verb


GROUP_HELP = """Decide fund-load attempts with any number of workers.

The output is, byte for byte, what one process deciding one line after another would have written.

Example: fundload run --config configs/baseline.yaml --input loads.txt --output decisions.txt
"""


def version_text() -> str:
    """Return the versions a report of a fault must name."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    parts = [f"fundload {__version__}", f"Python {python}"]
    parts += [f"{label} {installed(name)}" for label, name in (("redis-py", "redis"), ("RQ", "rq"))]
    return ", ".join(parts)


def installed(distribution: str) -> str:
    """Return the version of an installed distribution, or say that it is missing."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "(missing)"


def version_option() -> click.Option:
    """Return `--version`, which looks nothing up unless it is asked."""

    def show(ctx: click.Context, param: click.Parameter, value: object) -> None:
        del param
        if value and not ctx.resilient_parsing:
            click.echo(version_text())
            ctx.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the versions of fundload, Python, redis-py and RQ.",
    )


def check_one_home(packages: Sequence[str] = PACKAGES) -> None:
    """Refuse to run when one of the three packages is somebody else's.

    Their names are taken on the public index, so a foreign one in the same environment would be
    imported instead of ours. It is looked up, not imported: foreign code must not run to be named.

    Raises:
        UsageError: naming the path of each package that is not a neighbour of this module's.
    """
    home = Path(__file__).resolve().parents[2]
    strangers = [
        f"{package} ({place})" for package in packages if (place := place_of(package)) != home
    ]
    if strangers:
        raise errors.UsageError(
            f"Not ours, though it bears the name: {', '.join(strangers)}; expected in {home}. "
            f"Give {DISTRIBUTION} a virtual environment of its own."
        )


def place_of(package: str) -> Path | None:
    """Return the directory that an import of this package would find it in, None for nowhere."""
    spec = importlib.util.find_spec(package)
    found = list(spec.submodule_search_locations or ()) if spec else []
    return Path(found[0]).resolve().parent if found else None


def run_verb(args: Sequence[str], group: click.Group) -> int:
    """Check the start-up, run what the arguments say, and return the exit code it earned.

    A verb may return an exit code, call `ctx.exit(code)` or raise; None means done.
    """
    check_one_home()
    with group.make_context("fundload", list(args)) as ctx:
        answer = group.invoke(ctx)
    return answer if isinstance(answer, int) else errors.EXIT_DONE


def exit_code_of(act: Callable[[], int]) -> int:
    """Call `act` and turn whatever it ends with into an exit code and, on stderr, its sentence."""
    try:
        return act()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return errors.EXIT_USAGE
    except errors.FundloadError as failure:
        if failure.exit_code == errors.EXIT_BUG:
            return bug(failure)
        say(f"fundload: {failure}{because(failure)}")
        return failure.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("fundload: stopped from the keyboard.")
        return errors.EXIT_SIGINT
    except Terminated:
        say("fundload: stopped by SIGTERM.")
        return errors.EXIT_SIGTERM
    except BrokenPipeError as broken:
        if not reader_left(STDOUT):
            return bug(broken)
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
        return errors.EXIT_DONE
    except Exception as unexpected:  # noqa: BLE001 - the last resort is to say so
        return bug(unexpected)


def because(failure: errors.FundloadError) -> str:
    """Return the cause of a failure whose own text is fixed: it says what to do."""
    cause = failure.__cause__
    return f"; {cause}" if isinstance(cause, errors.FundloadError) else ""


def reader_left(descriptor: int) -> bool:
    """Say whether the descriptor is a pipe whose reading end is closed."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def bug(unexpected: Exception) -> int:
    """Show what nobody expected, and say whose fault it is."""
    say("".join(traceback.format_exception(unexpected)).rstrip())
    say(f"fundload: this is a bug of ours; please report the lines above with: {version_text()}")
    return errors.EXIT_BUG


def say(sentence: str) -> None:
    """Write to stderr; when that is closed as well, there is nobody left to tell."""
    try:
        click.echo(sentence, err=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exception, so that `finally` clauses clean up on the way out."""
    del number, frame
    raise Terminated


def tell_again(lost: sys.UnraisableHookArgs) -> None:
    """Send a signal once more that came while an object was finalized: raised there, it is lost.

    As if nothing had been said, the process would go on until somebody kills it.
    """
    if isinstance(lost.exc_value, Terminated | KeyboardInterrupt):
        number = signal.SIGTERM if isinstance(lost.exc_value, Terminated) else signal.SIGINT
        again = threading.Timer(AGAIN_S, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()
        return
    sys.__unraisablehook__(lost)


def flush_stdout() -> int:
    """Write what is still buffered, so that a reader who left is noticed here and not at exit."""
    print(end="", flush=True)  # noqa: T201 - unlike `sys.stdout.flush`, it bears a closed stdout
    return errors.EXIT_DONE


def main(
    args: Sequence[str] | None = None, points: Sequence[metadata.EntryPoint] | None = None
) -> NoReturn:
    """Run `fundload` and leave the process with the exit code earned."""
    sys.unraisablehook = tell_again
    signal.signal(signal.SIGTERM, raise_terminated)
    given = sys.argv[1:] if args is None else args
    code = exit_code_of(lambda: run_verb(given, Verbs(points)))
    sys.exit(code or exit_code_of(flush_stdout))


if __name__ == "__main__":
    main()
