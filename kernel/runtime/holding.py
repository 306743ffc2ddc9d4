"""The ledger of a run: made or found, kept alive, dropped with the run if it was a throw-away one.

Here: what the supervisor's process does to a ledger itself. Not here: deciding anything on it.

1. The key of a throw-away ledger exists in this process and in the bundles of its children only.
2. A throw-away ledger is dropped when its run ends, whatever the reason; if this process is killed
   first, another run drops it once its deadline has passed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from kernel.adapters.config import Config
from kernel.adapters.redis import keys, throwaway
from kernel.adapters.redis.attached import Attached
from kernel.adapters.redis.client import Client, connect
from kernel.adapters.redis.ledger import create, find
from kernel.adapters.redis.outcomes import RedisOutcomes
from kernel.adapters.redis.status import read_ledger, read_run
from kernel.engine.replies import Outcome
from kernel.errors import EXIT_DONE, EXIT_REFUSED, LedgerGone, Refused
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.record import LedgerRecord
from kernel.ledger.scenario import GRAPH, LIMITS
from kernel.ledger.settings import FleetSettings
from kernel.ledger.status import LedgerView
from kernel.ledger.units import RunView
from kernel.runtime.build import attach, reached
from kernel.runtime.bundle import Bundle
from kernel.runtime.ledger_keys import given_keys, keys_of
from kernel.runtime.ledgers import named_ledger
from kernel.runtime.patience import SystemClock
from kernel.runtime.run_wait import code_of, tell

#: The supervisor has more to do than to wait for Redis.
TIMEOUT_S = 1.0
UNNAMED = "-"


@dataclass
class Holding:
    """A run's hold on its ledger."""

    url: str
    name: str
    run: str
    record: LedgerRecord
    master_key: str
    keys_file: str
    throwaway_ms: int
    is_throwaway: bool
    _client: Client

    def bundle(self) -> Bundle:
        """Return what the processes of the run have in common."""
        return Bundle(
            redis_url=self.url,
            ledger=self.name,
            incarnation=self.record.incarnation,
            master_key=self.master_key,
            keys_file=self.keys_file,
            digest=self.record.digest,
            run=self.run,
            worker=UNNAMED,
            generation=1,
            scenario=GRAPH.scenario_id,
            group=UNNAMED,
            modules=GRAPH.modules,
        )

    def renew(self) -> None:
        """Give a sign of life, if the ledger needs one.

        Raises:
            StoreUnavailable: the server does not answer.
        """
        if self.is_throwaway:
            throwaway.renew(self._client, self.name, self.throwaway_ms)

    def view(self) -> RunView | None:
        """Return how far the run is; None before its producer has opened it.

        Raises:
            StoreUnavailable: the server does not answer.
        """
        return read_run(self._client, self.name, self.run)

    def look(self) -> LedgerView | None:
        """Return what there is to see of the ledger but its runs; None where it is gone.

        Raises:
            StoreUnavailable: the server does not answer.
        """
        return read_ledger(self._client, self.name, with_runs=False)

    def is_there(self) -> bool:
        """Say whether the ledger is still the one that was made or found.

        Raises:
            StoreUnavailable: the server does not answer.
        """
        record = find(self._client, self.name)
        return record is not None and record.incarnation == self.record.incarnation

    def leave(self) -> None:
        """Drop a throw-away ledger; nobody may be at work on it. A named one stays as it is.

        Raises:
            StoreUnavailable: the server does not answer; another run drops the rest.
        """
        if self.is_throwaway:
            throwaway.drop(self._client, self.name)

    def tell(self, outcome: Outcome) -> bool:
        """Tell the ledger what became of the run, when the processes of the run are gone.

        The collector has told of an end that it knew of. One that was refused may have left the
        run to another one, which will tell. False: the server does not answer.
        """
        if code_of(outcome) in (EXIT_DONE, EXIT_REFUSED):
            return True
        outcomes = RedisOutcomes(Attached(self._client, self.name, self.record))
        try:
            if outcomes.is_in_flight(self.run):
                tell(outcomes, self.run, outcome)
        except LedgerGone:
            return True  # so is everybody who could have asked there
        except StoreUnavailable:
            return False
        return True

    def sweep(self, say: Callable[[str], None]) -> None:
        """Drop the throw-away ledgers of runs that give no sign of life any more.

        Raises:
            StoreUnavailable: the server does not answer.
        """
        for name in throwaway.sweep(self._client, spare=self.name):
            say(f"dropped the throw-away ledger {name}: its run is gone")


def hold_throwaway(url: str, name: str, run: str, config: Config) -> Holding:
    """Make a throw-away ledger.

    Raises:
        RedisUnsuitable, StoreUnavailable, StoreFull: the server is not fit, or does not answer.
    """
    client = reached(url)
    answer = create(
        client, name, rules=config.rules, settings=config.fleet, master_key="", throwaway=True
    )
    client.close()
    key = secrets.token_hex(32)
    return _holding(url, name, run, answer.record, config.fleet, key=key)


def hold_named(
    url: str,
    name: str,
    run: str,
    config: Config,
    say: Callable[[str], None],
    keys_path: str | None = None,
) -> Holding:
    """Find a named ledger, or make it.

    Raises:
        KeyFileUnusable, KeysDiffer: the key file is none, or not the ledger's.
        RedisUnsuitable, StoreUnavailable: the server is not fit, or does not answer.
        RulesDiffer, Refused: the ledger is not one for this configuration.
    """
    keys.check_name(name, "ledger")
    given = given_keys(keys_path, say)
    client = reached(url)
    record = named_ledger(client, name, config, clock=SystemClock(), say=say, given=given)
    client.close()
    if record.is_throwaway:
        raise Refused(f"ledger {name} is another run's throw-away one; use another --ledger")
    keys_of(name, record, given)
    return _holding(
        url, name, run, record, config.fleet, keys_file="" if given is None else str(given.path)
    )


def hold_found(
    url: str,
    name: str,
    say: Callable[[str], None],
    *,
    keys_path: str | None,
    wait_ms: int | None,
) -> Holding:
    """Find a named ledger for workers that are kept for any run, waiting until it is there.

    Raises:
        Incomplete: it did not appear in time.
        KeyFileUnusable, KeysDiffer: the key file is none, or not the ledger's.
        RedisUnsuitable, StoreUnavailable: the server is not fit, or does not answer.
        RulesDiffer, Refused: the ledger is not one for this program.
    """
    given = given_keys(keys_path, say)
    clock = SystemClock()
    hold = attach(url, name, group=LIMITS, clock=clock, wait_ms=wait_ms, say=say, given=given)
    hold.client.close()
    keys_file = "" if given is None else str(given.path)
    return _holding(url, name, "", hold.record, hold.settings, keys_file=keys_file)


def _holding(
    url: str,
    name: str,
    run: str,
    record: LedgerRecord,
    settings: FleetSettings,
    *,
    key: str = "",
    keys_file: str = "",
) -> Holding:
    client = connect(url, timeout_s=TIMEOUT_S)
    return Holding(
        *(url, name, run, record, key or record.master_key, keys_file),
        *(settings.throwaway_ms, record.is_throwaway, client),
    )
