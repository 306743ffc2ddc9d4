"""The verb `produce`, wired: an input file to a run on a ledger."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from kernel.adapters.config import Config, read_config
from kernel.adapters.files.source import STANDARD, LineSource
from kernel.adapters.redis import keys
from kernel.adapters.redis.bell import RqBell
from kernel.adapters.redis.client import connect
from kernel.engine.context import PER_RUN
from kernel.ledger.payloads import IDS, ORDER
from kernel.ledger.scenario import INGRESS, build_runner
from kernel.runtime.build import Attachment, attach, attached, naming_versions, reached
from kernel.runtime.child import enter
from kernel.runtime.faults import mortal
from kernel.runtime.ledger_keys import given_keys
from kernel.runtime.ledgers import named_ledger
from kernel.runtime.patience import SystemClock, leaving
from kernel.runtime.traced import observers_for
from kernel.runtime.verbs import say, settle
from producer.append import RunSeat
from producer.sequencer import ProducerTotals, Sequencer


class Feeding(NamedTuple):
    """What to feed, and where to."""

    config_path: str
    input_path: str
    redis_url: str
    ledger: str
    run: str
    trace: str | None
    keys_path: str | None = None


def feed(what: Feeding, *, owner: str, rng: Random) -> ProducerTotals:
    """Append an input to a run and finish it.

    Raises:
        FundloadError: whatever stood in the way; the sentence says what to do.
    """
    keys.check_name(what.run, "run")
    keys.check_name(what.ledger, "ledger")
    config = read_config(what.config_path)
    source = LineSource(what.input_path, chunk_lines_max=config.fleet.chunk_lines_max)
    clock = SystemClock()
    hold = _attached(what, config, clock)
    chunk_lines_max = source.chunk_lines_max = hold.settings.chunk_lines_max
    first = [source]

    def open_source() -> LineSource:
        if first:
            return first.pop()
        return LineSource(what.input_path, chunk_lines_max=chunk_lines_max)

    port = mortal("producer", hold.ledger)
    lease = leaving(port, run=what.run, owner=owner, kind="produce")
    with observers_for(what.trace) as observers, naming_versions(hold), lease:
        sequencer = Sequencer(
            seat=RunSeat(what.run, owner, hold.rules.digest),
            port=port,
            runner=build_runner(
                hold.rules,
                hold.settings.partitions,
                [INGRESS],
                observers,
                views={IDS: PER_RUN, ORDER: PER_RUN},
            ),
            codec=hold.codec,
            bell=mortal("producer", RqBell(connect(hold.url), hold.ledger.attached)),
            clock=clock,
            settings=hold.settings,
            rng=rng,
        )
        sequencer.say = say
        settle()
        return sequencer.run(
            open_source, can_reopen=source.can_reopen and what.input_path != STANDARD
        )


def _attached(what: Feeding, config: Config, clock: SystemClock) -> Attachment:
    """Take hold of the ledger: the supervisor's, or a named one, made if there is none."""
    child = enter()
    if child is None:
        given = given_keys(what.keys_path, say)
        client = reached(what.redis_url)
        record = named_ledger(client, what.ledger, config, clock=clock, say=say, given=given)
        return attached(what.redis_url, what.ledger, client, record, given)
    hold = attach(
        what.redis_url,
        what.ledger,
        group=INGRESS,
        clock=clock,
        wait_ms=0,
        say=say,
        bundle=child.bundle,
    )
    child.ready(hold.rules.digest)
    return hold
