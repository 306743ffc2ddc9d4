"""What the verbs of both apps share: options, saying things on stderr, ids of processes."""

from __future__ import annotations

import gc
import os
import random
import secrets
import socket
from collections.abc import Callable
from typing import Literal, TypeVar

import click
from click.core import ParameterSource

from kernel.errors import UsageError

#: What is waited for before a row is written.
Durability = Literal["fast", "strict"]
Verb = TypeVar("Verb", bound=Callable[..., object])


def say(sentence: str) -> None:
    """Say something to whoever runs the command; never on stdout, which is for output."""
    click.echo(sentence, err=True)


def worker_name() -> str:
    """Return an id for a process that nobody named: host and pid."""
    host = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:40]
    return f"{host}-{os.getpid()}"


def owner_token() -> str:
    """Return a random owner of a lease: a process started again is another owner."""
    return secrets.token_hex(8)


def chance() -> random.Random:
    """Return a source of tokens that no two processes share."""
    return random.SystemRandom()


def wait_ms(seconds: float | None) -> int | None:
    """Turn `--wait` into milliseconds; None is for ever."""
    return None if seconds is None else int(seconds * 1000)


def warn_of_password(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Say that a command line is no place for a password; who runs it cannot take it back."""
    from kernel.adapters.redis.client import has_password

    is_typed = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    if value is not None and is_typed and has_password(value):
        say(
            "the password in --redis-url can be read by everybody on this machine while this runs; "
            "give the address as FUNDLOAD_REDIS_URL instead"
        )
    return value


def redis_option(verb: Verb) -> Verb:
    """Add `--redis-url`."""
    return click.option(
        "--redis-url",
        required=True,
        callback=warn_of_password,
        envvar="FUNDLOAD_REDIS_URL",
        help="Address of the server: redis://host:port/0 or unix:///path. [env FUNDLOAD_REDIS_URL]",
    )(verb)


def ledger_option(verb: Verb) -> Verb:
    """Add `--ledger`."""
    return click.option("--ledger", required=True, help="Name of the ledger.")(verb)


def run_option(verb: Verb) -> Verb:
    """Add `--run`."""
    return click.option("--run", "run_name", required=True, help="Name of the run.")(verb)


def keys_option(verb: Verb) -> Verb:
    """Add `--keys`."""
    return click.option(
        "--keys",
        "keys_path",
        envvar="FUNDLOAD_KEYS",
        help="The key file that the ledger is made with. [env FUNDLOAD_KEYS]  [default: its key "
        "lies in Redis]",
    )(verb)


def trace_option(verb: Verb) -> Verb:
    """Add `--trace`."""
    return click.option("--trace", help="Append a JSON line for each node call to this file.")(verb)


def durability_options(verb: Verb) -> Verb:
    """Add `--durability` and `--replicas`."""
    replicas = click.option(
        "--replicas",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Under strict: on how many replicas' disks an answer must be as well.",
    )
    durability = click.option(
        "--durability",
        type=click.Choice(["fast", "strict"]),
        default="fast",
        show_default=True,
        help="strict: no row is written before its answer is on the server's disk.",
    )
    return durability(replicas(verb))


def check_durability(durability: Durability, replicas: int) -> None:
    """Refuse replicas that nobody would be asked for.

    Raises:
        UsageError: says what to give instead.
    """
    if replicas and durability == "fast":
        raise UsageError(
            f"--replicas {replicas} has no meaning without a barrier; add --durability strict"
        )


def wait_option(verb: Verb) -> Verb:
    """Add `--wait`."""
    return click.option(
        "--wait",
        "wait_s",
        type=click.FloatRange(min=0),
        help="Seconds to wait for what is not there yet, then exit 6.  [default: for ever]",
    )(verb)


def settle() -> None:
    """Tell Python's collector that what was built so far stays, and to look around less often.

    A fleet process makes lists by the thousand and no cycles; looking for some costs it a tenth of
    its time. To be called once, when everything is wired.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
