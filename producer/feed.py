"""The verb `produce`, wired: an input file to a run on a ledger."""

from __future__ import annotations

from random import Random

from kernel.adapters.config import read_config
from kernel.adapters.files.source import STANDARD, LineSource
from kernel.adapters.redis import keys
from kernel.adapters.redis.bell import RqBell
from kernel.adapters.redis.client import connect
from kernel.engine.context import PER_RUN
from kernel.ledger.payloads import IDS, ORDER
from kernel.ledger.scenario import INGRESS, build_runner
from kernel.runtime.build import attach, attached, reached
from kernel.runtime.child import enter
from kernel.runtime.ledgers import named_ledger
from kernel.runtime.patience import SystemClock
from kernel.runtime.verbs import say
from producer.append import RunSeat
from producer.sequencer import ProducerTotals, Sequencer


def feed(
    *,
    config_path: str,
    input_path: str,
    redis_url: str,
    ledger: str,
    run: str,
    owner: str,
    rng: Random,
) -> ProducerTotals:
    """Append an input to a run and finish it.

    Raises:
        FundloadError: whatever stood in the way; the sentence says what to do.
    """
    keys.check_name(run, "run")
    keys.check_name(ledger, "ledger")
    config = read_config(config_path)
    source = LineSource(input_path, chunk_lines_max=config.fleet.chunk_lines_max)
    clock = SystemClock()
    child = enter()
    if child is not None:
        hold = attach(
            child.bundle.redis_url,
            ledger,
            clock=clock,
            wait_ms=0,
            say=say,
            master_key=child.bundle.master_key,
            is_supervised=True,
        )
        child.ready(hold.rules.digest)
    else:
        client = reached(redis_url)
        record = named_ledger(client, ledger, config, clock=clock, say=say)
        hold = attached(redis_url, ledger, client, record)
    runner = build_runner(
        hold.rules, hold.settings.partitions, [INGRESS], views={IDS: PER_RUN, ORDER: PER_RUN}
    )
    sequencer = Sequencer(
        seat=RunSeat(run, owner, hold.rules.digest),
        port=hold.ledger,
        runner=runner,
        codec=hold.codec,
        bell=RqBell(connect(hold.url), hold.ledger.attached),
        clock=clock,
        settings=hold.settings,
        rng=rng,
    )
    sequencer.say = say
    chunk_lines_max = hold.settings.chunk_lines_max
    source.chunk_lines_max = chunk_lines_max
    can_reopen = input_path != STANDARD
    sources = [source]

    def open_source() -> LineSource:
        if sources:
            return sources.pop()
        return LineSource(input_path, chunk_lines_max=chunk_lines_max)

    return sequencer.run(open_source, can_reopen=can_reopen)
