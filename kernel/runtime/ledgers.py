"""Named ledgers: found or made, and held to the configuration that a process was given."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from kernel.adapters.config import Config
from kernel.adapters.redis.client import Client
from kernel.adapters.redis.ledger import create
from kernel.errors import Refused, RulesDiffer
from kernel.ledger.units import LedgerRecord
from kernel.runtime.patience import Clock, patiently


def named_ledger(
    client: Client,
    name: str,
    config: Config,
    *,
    clock: Clock,
    say: Callable[[str], None],
) -> LedgerRecord:
    """Return a named ledger's record, making the ledger if there is none.

    The key of a named ledger is in its record: it guards against accidents, not against somebody
    who can read Redis.

    Raises:
        RulesDiffer: the ledger has other rules in force.
        Refused: it has another number of partitions, which never changes.
        StoreUnavailable: the store stayed away.
    """
    key = secrets.token_hex(32)
    answer = patiently(
        clock,
        lambda: create(client, name, rules=config.rules, settings=config.fleet, master_key=key),
    )
    record = answer.record
    if answer.status == "CREATED":
        say(f"made ledger {name}")
    hold_to(name, record, config)
    return record


def hold_to(name: str, record: LedgerRecord, config: Config) -> None:
    """Refuse a ledger that is under another configuration.

    Raises:
        RulesDiffer: the ledger has other rules in force.
        Refused: it has another number of partitions, which never changes.
    """
    if record.digest != config.rules.digest:
        raise RulesDiffer(
            f"ledger {name} has other rules in force than this configuration; use the one it was "
            "made with, or another --ledger"
        )
    if record.partitions != config.fleet.partitions:
        raise Refused(
            f"ledger {name} has {record.partitions} partitions, this configuration says "
            f"{config.fleet.partitions}; the number never changes: set fleet.partitions to "
            f"{record.partitions}, or use another --ledger"
        )
