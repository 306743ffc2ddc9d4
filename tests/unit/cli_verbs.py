"""Verbs that end in every way a verb can end, for the tests of the command line."""

from __future__ import annotations

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


@click.command()
def pour() -> None:
    """Write more than a pipe holds."""
    for _ in range(10_000):
        click.echo("x" * 100)


def points() -> list[metadata.EntryPoint]:
    """Return these verbs as entry points, with two that cannot be used."""
    names = ["well", "earn", "fail", "stumble", "wait", "pour"]
    values = {name: f"{__name__}:{name}" for name in names}
    values["absent"] = "producer.not_a_module:verb"
    values["plain"] = f"{__name__}:points"
    return [metadata.EntryPoint(name, value, "fundload.commands") for name, value in values.items()]
