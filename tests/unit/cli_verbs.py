"""Verbs that end in every way a verb can end, for the tests of the command line."""

from __future__ import annotations

import os
import signal
import sys
from importlib import metadata

import click

from kernel import errors

BY_NAME: dict[str, type[errors.FundloadError]] = {
    "input": errors.InputUnreadable,
    "redis": errors.RedisUnavailable,
    "seal": errors.SealBroken,
    "incomplete": errors.Incomplete,
    "refused": errors.OutputExists,
}


@click.command(short_help="End well.")
def well() -> None:
    """End without an error."""
    click.echo("all is well")


@click.command()
@click.argument("code", type=int)
def earn(code: int) -> int:
    """Return an exit code instead of raising."""
    return code


@click.command()
@click.argument("name")
def fail(name: str) -> None:
    """Raise the expected failure of this name."""
    raise BY_NAME[name]("what is wrong and what to do about it")


@click.command()
def stumble() -> None:
    """Raise what nobody expects."""
    raise ZeroDivisionError("nobody expects this")


@click.command()
def wait() -> None:
    """Say that it waits, then wait for a line on stdin that may never come."""
    click.echo("waiting")
    sys.stdin.readline()


class Signalled:
    """Is told to stop in the moment in which it goes: what is raised there is lost."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        """Send the signal to this process, and give its handler a moment to be called in."""
        os.kill(os.getpid(), self.number)
        for _ in range(1_000):
            pass


@click.command()
@click.argument("number", type=int)
def finalize(number: int) -> None:
    """Be told to stop while an object is finalized, then wait for a line that may never come."""
    Signalled(signal.Signals(number))
    sys.stdin.readline()


@click.command()
def pour() -> None:
    """Write more than a pipe holds."""
    for _ in range(10_000):
        click.echo("x" * 100)


def points() -> list[metadata.EntryPoint]:
    """Return these verbs as entry points, with two that cannot be used."""
    names = ["well", "earn", "fail", "stumble", "wait", "finalize", "pour"]
    values = {name: f"{__name__}:{name}" for name in names}
    values["absent"] = "producer.not_a_module:verb"
    values["plain"] = f"{__name__}:points"
    return [metadata.EntryPoint(name, value, "fundload.commands") for name, value in values.items()]
