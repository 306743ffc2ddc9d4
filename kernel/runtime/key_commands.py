"""The verbs of `fundload keys`: making, changing and showing the keys of ledgers.

Lives here: options, help and words. Not here: the form of a key file (`adapters.files.keyfile`).
No secret is ever shown; nothing here needs a server.
"""

from __future__ import annotations

from pathlib import Path

import click

from kernel.runtime.verbs import Verb, say


def file_option(verb: Verb) -> Verb:
    """Add `--keys`, which is needed here."""
    return click.option(
        "--keys",
        "path",
        type=click.Path(path_type=Path),
        required=True,
        envvar="FUNDLOAD_KEYS",
        help="The key file. [env FUNDLOAD_KEYS]",
    )(verb)


@click.group(
    short_help="Make and change the keys of ledgers.",
    epilog="Example: fundload keys new --keys prod.keys",
)
def keys() -> None:
    """Make and change the keys by which a ledger's messages are sealed.

    A ledger that is made with --keys FILE holds no secret: whoever works on it needs the file.
    """


@keys.command(short_help="Make a key file.", epilog="Example: fundload keys new --keys prod.keys")
@file_option
def new(*, path: Path) -> None:
    """Make a key file with one key, readable to its owner alone. Keep a copy of it elsewhere."""
    from kernel.adapters.files.keyfile import make

    say(f"'{path}' holds the key {make(path).id}; give it to every process with --keys")


@keys.command(
    short_help="Add a key, which signs from now on.",
    epilog="Example: fundload keys rotate --keys prod.keys",
)
@file_option
def rotate(*, path: Path) -> None:
    """Add a key, which signs from now on; the older ones go on verifying.

    Nothing has to be stopped: processes that share the file notice within a second. Where hosts
    have copies of it, rotate one that nobody uses, and bring it first to the collectors' hosts,
    then to the workers', then to the producers'.
    """
    from kernel.adapters.files.keyfile import rotate as add_key

    say(f"the key {add_key(path).id} of '{path}' signs from now on; the older ones still verify")


@keys.command(
    "list",
    short_help="Show the keys of a file, without secrets.",
    epilog="Example: fundload keys list --keys prod.keys",
)
@file_option
def list_(*, path: Path) -> None:
    """Show each key: id, when it was made, and whether it signs, verifies or is retired."""
    from kernel.adapters.files.keyfile import read_keys

    found = read_keys(path)
    for key in found:
        does = f"retired {key.retired}" if key.retired else "verifies"
        click.echo(f"{key.id}  {key.created}  {'signs' if key is found[-1] else does}")


@keys.command(
    short_help="Forget the secret of an older key.",
    epilog="Example: fundload keys retire 5f0c1a2b --keys prod.keys",
)
@click.argument("key_id", metavar="ID")
@file_option
def retire(*, key_id: str, path: Path) -> None:
    """Forget the secret of a key that signs no more: what it has sealed is refused from now on.

    Only when every attempt that was sealed with it is decided, and every answer collected.
    """
    from kernel.adapters.files.keyfile import retire as forget

    forget(path, key_id)
    say(f"the key {key_id} of '{path}' is retired")
