"""Named ledgers: found or made, and held to the configuration that a process was given."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from kernel.adapters.config import Config
from kernel.adapters.files.keyfile import KeyFile
from kernel.adapters.redis.client import Client
from kernel.adapters.redis.ledger import create
from kernel.errors import Refused, RulesDiffer
from kernel.ledger.record import LedgerRecord
from kernel.runtime.build import rules_of
from kernel.runtime.patience import Clock, patiently


def named_ledger(
    client: Client,
    name: str,
    config: Config,
    *,
    clock: Clock,
    say: Callable[[str], None],
    given: KeyFile | None = None,
) -> LedgerRecord:
    """Return a named ledger's record, making the ledger if there is none.

    Made without a key file, it has its key in its record: that guards against accidents, not
    against somebody who can read Redis.

    Raises:
        RulesDiffer: the ledger has other rules in force.
        Refused: it has another number of partitions, which never changes.
        StoreUnavailable: the store stayed away.
    """
    key = secrets.token_hex(32) if given is None else ""
    key_id = "" if given is None else given.ids[-1]
    answer = patiently(
        clock,
        lambda: create(
            client, name, rules=config.rules, settings=config.fleet, master_key=key, key_id=key_id
        ),
    )
    record = answer.record
    if answer.status == "CREATED":
        kept = f"key {key_id}" if key_id else "its key lies in Redis too; --keys FILE avoids that"
        say(f"made ledger {name} ({kept})")
    hold_to(name, record, config)
    return record


def hold_to(name: str, record: LedgerRecord, config: Config) -> None:
    """Refuse a ledger that is under another configuration.

    Raises:
        RulesDiffer: the ledger has other rules in force.
        Refused: it has another number of partitions, which never changes.
    """
    if record.digest != config.rules.digest:
        rules_of(name, record)  # another version of the engine is named first
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
