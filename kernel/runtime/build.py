"""The composition root of a fleet process: an address and a ledger's name to its wired parts.

Boring on purpose: nothing here decides anything, and nothing is built anywhere else. What differs
between producer, worker and collector is which of these parts they take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kernel.adapters.codec import Codec
from kernel.adapters.redis import keys
from kernel.adapters.redis.client import LOGIN_REFUSED, Client, check_server, connect, shown
from kernel.adapters.redis.durable import Barrier
from kernel.adapters.redis.ledger import RedisLedger, find
from kernel.adapters.redis.tls import trouble
from kernel.domain.ruleset import ENGINE_VERSION, RuleSet, engine_of
from kernel.engine.keyring import Keys
from kernel.errors import Incomplete, IntegrityError, RulesDiffer
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.record import LedgerRecord
from kernel.ledger.settings import FleetSettings
from kernel.runtime.bootstrap import check_bundle, check_record
from kernel.runtime.bundle import Bundle
from kernel.runtime.ledger_keys import bundled_keys, keys_of
from kernel.runtime.patience import LOOK_MS, Clock, patiently

#: How often a wait for a ledger is said.
SAID_MS = 5_000


@dataclass(frozen=True)
class Attachment:
    """A process's hold on one ledger."""

    url: str
    name: str
    client: Client
    record: LedgerRecord
    ledger: RedisLedger
    codec: Codec
    rules: RuleSet
    settings: FleetSettings


def attach(
    url: str,
    name: str,
    *,
    group: str,
    clock: Clock,
    wait_ms: int | None,
    say: Callable[[str], None],
    bundle: Bundle | None = None,
    given: Keys | None = None,
) -> Attachment:
    """Connect to a ledger, waiting until it is there.

    Args:
        url: Address of the server; a bundle's own goes first.
        name: Name of the ledger.
        group: The group that runs in this process.
        clock: Whose time passes.
        wait_ms: How long to wait for the ledger; None is for ever.
        say: Told each few seconds what is waited for.
        bundle: What a supervisor told this process. It has seen the server and the ledger, so the
            one is waited for when it is away, and the other never.
        given: The keys of a key file; None takes those of the bundle, or of the ledger's record.

    Raises:
        BundleMalformed: the bundle is for another process.
        Incomplete: the ledger did not appear in time.
        LedgerGone: the ledger that the bundle is for is not there any more.
        RedisUnsuitable, StoreUnavailable: the server is not fit, or does not answer.
        KeysDiffer, Refused, SealBroken: these are not the ledger's keys, or none can be had.
        RulesDiffer: this version of the engine does not decide by the ledger's rules.
    """
    keys.check_name(name, "ledger")
    if bundle is None:
        client = reached(url)
        return attached(url, name, client, awaited(client, name, clock, wait_ms, say), given)
    check_bundle(bundle, ledger=name, group=group)
    url = bundle.redis_url
    client = patiently(clock, lambda: reached(url))
    record = check_record(bundle, patiently(clock, lambda: find(client, name)))
    return attached(url, name, client, record, bundled_keys(bundle, say))


def reached(url: str) -> Client:
    """Connect to a server for the first time, and see whether a ledger can be kept there.

    Asked once, without patience: an address where nobody answers is a mistake more often than an
    outage. Whoever was connected before waits for a server to come back.

    Raises:
        RedisUnsuitable, StoreUnavailable: the server is not fit, or does not answer.
    """
    client = connect(url)
    try:
        check_server(client)
    except StoreUnavailable as error:
        reason = error.__cause__  # the client's own error; ours would only say the same again
        if isinstance(reason, LOGIN_REFUSED):
            raise StoreUnavailable(
                f"Redis at {shown(url)} refuses the login; give the right name and password in "
                "--redis-url: redis://name:password@host:port"
            ) from reason
        blamed = trouble(reason, url)
        if blamed:
            raise StoreUnavailable(f"Redis at {shown(url)}: {blamed}") from reason
        raise StoreUnavailable(
            f"no Redis answers at {shown(url)} ({type(reason).__name__}); start one there, or "
            "correct --redis-url"
        ) from reason
    return client


def check_keeps(url: str, replicas: int) -> None:
    """Refuse a server that cannot say what is on its disk (`--durability strict`).

    Raises:
        RedisUnsuitable, StoreUnavailable: the server is not fit, or does not answer.
    """
    client = reached(url)
    try:
        Barrier(client, replicas).check()
    finally:
        client.close()


def attached(
    url: str, name: str, client: Client, record: LedgerRecord, given: Keys | None = None
) -> Attachment:
    """Wire the parts for a ledger whose record is known.

    Raises:
        KeysDiffer, Refused, SealBroken: these are not the ledger's keys, or none can be had.
        RulesDiffer: this version of the engine does not decide by the ledger's rules.
    """
    rules = rules_of(name, record)
    codec = Codec(name, record, keys_of(name, record, given))
    ledger = RedisLedger(client, name, record)
    ledger.preload()
    settings = FleetSettings.from_json(record.settings)
    return Attachment(url, name, client, record, ledger, codec, rules, settings)


def rules_of(name: str, record: LedgerRecord) -> RuleSet:
    """Return the rules that a ledger is under.

    Raises:
        RulesDiffer: another version of the engine made them; naming both versions.
        IntegrityError: no version did: the record is not what was written.
    """
    made_by = engine_of(record.digest, record.rules)
    if made_by is None:
        raise IntegrityError(f"ledger {name} holds rules that are not those of its digest")
    if made_by != ENGINE_VERSION:
        raise RulesDiffer(
            f"ledger {name} is decided by version {made_by} of the engine, and this is version "
            f"{ENGINE_VERSION}: use version {made_by} on it, or begin another ledger"
        )
    return RuleSet.from_json(record.rules)


@contextmanager
def naming_versions(hold: Attachment) -> Iterator[None]:
    """Let a refusal for other rules name both versions of the engine, if that is what differs.

    The store says only that the rules are others than those that this process was attached under.
    """
    try:
        yield
    except RulesDiffer:
        record = find(hold.client, hold.name)
        if record is not None:
            rules_of(hold.name, record)
        raise


def awaited(
    client: Client,
    name: str,
    clock: Clock,
    wait_ms: int | None,
    say: Callable[[str], None],
) -> LedgerRecord:
    """Return a ledger's record, waiting until it is there.

    Raises:
        Incomplete: it did not appear in time.
        StoreUnavailable: the server stayed away.
    """
    began = said = clock.now_ms()
    while True:
        record = patiently(clock, lambda: find(client, name))
        if record is not None:
            return record
        now = clock.now_ms()
        if wait_ms is not None and now - began >= wait_ms:
            waited = f" after {wait_ms / 1000:g} s" if wait_ms else ""
            raise Incomplete(f"there is no ledger {name}{waited}; `fundload produce` makes it")
        if now - said >= SAID_MS:
            say(f"waiting for ledger {name}; `fundload produce` makes it")
            said = now
        clock.pause_ms(LOOK_MS)
