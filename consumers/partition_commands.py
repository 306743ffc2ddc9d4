"""The verbs of `fundload partition`: what stands still, why, and what may be done about it.

Lives here: options, help and words. Not here: what is read and done (`halted.py`), imported when a
verb is called, so that `--help` answers at once.
"""

from __future__ import annotations

import json

import click

from kernel.runtime.verbs import chance, keys_option, ledger_option, redis_option, say

REASON_LENGTH_MAX = 200


@click.group(
    short_help="Look at partitions; let halted ones go on.",
    epilog="Example: fundload partition list --redis-url redis://127.0.0.1:6379 --ledger prod",
)
def partition() -> None:
    """Look at the partitions of a ledger, and let those go on that are halted.

    A partition halts when an attempt makes a step raise twice, or when a batch cannot be trusted.
    The others go on, until one of their primes waits for an attempt of the halted one.
    """


partition_argument = click.argument("number", metavar="PARTITION", type=click.IntRange(min=0))


@partition.command(
    "list",
    short_help="Show all partitions.",
    epilog="Example: fundload partition list --redis-url redis://127.0.0.1:6379 --ledger prod",
)
@redis_option
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
def list_(*, redis_url: str, ledger: str, as_json: bool) -> None:
    """Show each partition: state, what is decided, who holds it, what it waits for."""
    from consumers.operate import look, mapped, why_still

    view = look(redis_url, ledger)
    if as_json:
        click.echo(json.dumps([mapped(view, part) for part in view.partitions]))
        return
    click.echo(f"{'partition':>9}  {'state':<7}{'decided':>14}{'appended':>14}")
    for part in view.partitions:
        figures = f"{part.partition:>9}  {part.state:<7}{part.cursor:>14,}{part.end:>14,}"
        still = part.state in ("parked", "halted")
        more = why_still(view, part) if still else part.shift and f"held by shift {part.shift}"
        click.echo(f"{figures}  {more}".rstrip())


@partition.command(
    short_help="Show why one stands still.",
    epilog="Example: fundload partition show 3 --redis-url redis://127.0.0.1:6379 --ledger prod",
)
@partition_argument
@redis_option
@ledger_option
@keys_option
def show(*, number: int, redis_url: str, ledger: str, keys_path: str | None) -> None:
    """Show why a partition stands still, which line is its head, and what was done about it.

    Nothing of an attempt is shown but its run, its line and its number.
    """
    from consumers.halted import as_text, look_at

    click.echo(as_text(look_at(redis_url, ledger, number, keys_path)))


@partition.command(
    short_help="Let a halted one go on.",
    epilog="Example: fundload partition resume 3 --redis-url redis://127.0.0.1:6379 --ledger prod",
)
@partition_argument
@redis_option
@ledger_option
@keys_option
def resume(*, number: int, redis_url: str, ledger: str, keys_path: str | None) -> None:
    """Let a halted partition go on: its head is tried again. Audited."""
    from consumers.halted import look_at
    from consumers.halted import resume as let_go_on

    let_go_on(look_at(redis_url, ledger, number, keys_path), rng=chance())
    say(f"partition {number} of ledger {ledger} goes on")


@partition.command(
    short_help="Give the head of a halted one up.",
    epilog="Example: fundload partition skip 3 --seq 1042 --reason 'ticket 88: not decidable' "
    "--redis-url redis://127.0.0.1:6379 --ledger prod",
)
@partition_argument
@click.option("--seq", required=True, type=click.IntRange(min=1), help="Number of the head.")
@click.option("--reason", required=True, help="Why, for the audit: 1 to 200 characters.")
@redis_option
@ledger_option
@keys_option
def skip(
    *, number: int, seq: int, reason: str, redis_url: str, ledger: str, keys_path: str | None
) -> None:
    """Give the head of a halted partition up, and let the partition go on. Audited.

    The attempt is declined (OPERATOR_SKIP) when its turn comes. It counts for no limit; its id
    stays taken.
    """
    is_said = bool(reason.strip()) and reason.isprintable()
    if not is_said or len(reason) > REASON_LENGTH_MAX:
        raise click.BadParameter(
            f"give 1 to {REASON_LENGTH_MAX} printable characters", param_hint="--reason"
        )
    from consumers.halted import look_at
    from consumers.halted import skip as give_up

    give_up(look_at(redis_url, ledger, number, keys_path), seq=seq, reason=reason, rng=chance())
    say(f"partition {number} of ledger {ledger} goes on; number {seq} will be declined")
