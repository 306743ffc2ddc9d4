"""A client over a ledger in memory: the program's book, sequencer and reader, step by step.

Lives here: what `producer.session` wires over Redis, wired over the memory twin. The sequencer has
a thread, as there; worker and reader take their turns when a test says so. Not here: what must come
of it (the tests).
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from random import Random
from typing import Any, Self

from kernel.adapters.memory.ledger import MemoryLedger
from kernel.domain.ruleset import RuleSet
from kernel.engine.context import PER_RUN
from kernel.ledger.payloads import IDS, ORDER
from kernel.ledger.scenario import EGRESS, INGRESS, build_runner
from kernel.ledger.settings import FleetSettings
from kernel.runtime.channel import ChannelSeat, ReplyChannel
from producer.answers import AnswerReader
from producer.append import RunSeat
from producer.decision import Decision, line_of
from producer.sequencer import Sequencer
from producer.submissions import Submissions, Ticket
from tests.support.fleet import ENDS_S
from tests.support.waiting import wait_until
from tests.support.workshop import LEDGER, Workshop

SATURDAY = "2000-01-01T00:00:00Z"
TWO_PARTS = FleetSettings(partitions=2)


class Killed(Exception):
    """Stands for the death of a client: its threads end where they are."""


class OneAtATime:
    """A port of the memory ledger for several threads."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._lock = threading.RLock()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        step: Callable[..., Any] = getattr(self._ledger, name)

        def locked(*arguments: object, **named: object) -> object:
            with self._lock:
                return step(*arguments, **named)

        return locked


def attempt(number: int, *, customer: int = 7, cents: int = 100) -> dict[str, str]:
    """Return an attempt."""
    amount = f"${cents // 100}.{cents % 100:02d}"
    fields = {"id": str(number), "customer_id": str(customer), "load_amount": amount}
    return fields | {"time": SATURDAY}


class Counter:
    """One client on a run, from its opening to its end; several may follow each other."""

    def __init__(self, shop: Workshop, port: OneAtATime, run: str, owner: str) -> None:
        self.shop = shop
        self.run = run
        self._port: Any = port
        self.book = Submissions(run, clock=shop.clock, settings=shop.settings)
        views = {IDS: PER_RUN, ORDER: PER_RUN}
        partitions = shop.settings.partitions
        self._sequencer = Sequencer(
            seat=RunSeat(run, owner, shop.rules.digest),
            port=self._port,
            runner=build_runner(shop.rules, partitions, [INGRESS], views=views),
            codec=shop.codec,
            bell=shop.bell,
            clock=shop.clock,
            settings=shop.settings,
            rng=Random(owner),
        )
        self.totals = self._sequencer.totals
        self._channel = ReplyChannel(
            seat=ChannelSeat(LEDGER, run, owner),
            port=self._port,
            runner=build_runner(shop.rules, partitions, [EGRESS], views={}),
            codec=shop.codec,
            clock=shop.clock,
            settings=shop.settings,
        )
        self.reader = AnswerReader(
            self.book,
            self._channel,
            shop.clock,
            inflight_lines_max=shop.settings.inflight_lines_max,
            acknowledges=True,
        )
        self._feeder = threading.Thread(target=self._feed)

    def _feed(self) -> None:
        try:
            self._sequencer.run(self.book.opened, can_reopen=True)
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            self.book.fail(error)

    def open(self) -> Counter:
        """Begin, as a session does."""
        self._feeder.start()
        self.book.wait_until_fed()
        self._channel.lease()
        view, _ = self._channel.read(0)
        self.book.answered_before(view.written)
        self.read()
        return self

    def submit(self, attempt: object, *, number: int | None = None) -> Ticket:
        """Submit, without waiting for anything but the append."""
        ticket = self.book.offer(
            line_of(attempt), number=number, timeout_ms=1_000, wake=lambda: None
        )
        wait_until(self._is_appended, within_s=ENDS_S, what=f"submission {ticket.number}")
        return ticket

    def _is_appended(self) -> bool:
        run = self.shop.ledger.state.runs.get(self.run)
        return run is not None and run.position >= self.book.submitted

    def read(self) -> None:
        """Read all answers that there are."""
        self.reader.is_abreast = False
        self.reader.read_until(lambda: self.reader.is_abreast)

    def decide(self) -> None:
        """Let a worker decide all that there is, and read the answers."""
        self.shop.shift().work()
        self.read()

    def decided(self, attempt: object, *, number: int | None = None) -> Decision:
        """Submit and return the decision."""
        ticket = self.submit(attempt, number=number)
        self.decide()
        decision = self.book.outcome(ticket.number)
        assert decision is not None
        return decision

    def finish(self) -> None:
        """End in order."""
        self.book.end()
        self.join()

    def join(self) -> None:
        """Wait until the sequencer has ended."""
        self._feeder.join(ENDS_S)
        assert not self._feeder.is_alive()

    def die(self) -> None:
        """End as a killed process does: the run stays open."""
        self.book.fail(Killed())
        self.join()


class Counters:
    """A ledger in memory and its clients; as a context manager none of them outlives it."""

    def __init__(self, rules: RuleSet, settings: FleetSettings = TWO_PARTS) -> None:
        self.shop = Workshop(rules, settings)
        self._port = OneAtATime(self.shop.ledger)
        self._opened: list[Counter] = []

    def open(self, run: str = "till") -> Counter:
        """Open a client on a run."""
        counter = Counter(self.shop, self._port, run, f"owner {len(self._opened)}")
        self._opened.append(counter)
        return counter.open()

    def kept(self) -> object:
        """Return what the store holds now, to lose what comes after."""
        return copy.deepcopy(self.shop.ledger.state)

    def lose_tail(self, kept: Any) -> None:  # noqa: ANN401 - what `kept` returned
        """Let the store be what it was, untold."""
        self.shop.ledger.state = kept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for counter in self._opened:
            counter.die()


def row(number: int, *, customer: int = 7, accepted: bool = True) -> str:
    """Return a row as it stands in an output."""
    fields = {"id": str(number), "customer_id": str(customer), "accepted": accepted}
    return json.dumps(fields, separators=(",", ":")) + "\n"
