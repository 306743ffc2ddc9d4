"""The lives of a world's processes: workers, producers and collectors.

The worker lives by the real shift and turn, the producer by the real sequencer. The collector here
is a stand-in for worlds in which answers may come again otherwise (`collecting` has the real one):
reads, keeps what is in line order, acknowledges. What outlives a kill is what is on disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import NamedTuple, Protocol

from consumers.shift import Shift
from consumers.turn import Seat, Turn
from kernel.adapters.codec import Codec
from kernel.adapters.files.source import SourceChunk
from kernel.domain.ruleset import RuleSet
from kernel.engine.context import PER_RUN
from kernel.engine.errors import HandoffFailed
from kernel.errors import Incomplete, LeaseHeld
from kernel.ledger.payloads import IDS, ORDER, STATE
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.scenario import INGRESS, LIMITS, build_runner
from kernel.ledger.settings import FleetSettings
from kernel.ledger.units import Reply
from kernel.runtime.patience import leased, patiently
from producer.append import RunSeat
from producer.sequencer import Sequencer
from tests.simulation.scheduler import Actor
from tests.simulation.shown import Answered
from tests.simulation.store import Link

#: Longest pause of a process before it starts again.
RESTART_US = 10_000


class Bell(Protocol):
    """The bell of a world, as one actor has it."""

    def ring(self) -> None:
        """Say that there is work."""

    def wait(self, timeout_ms: int) -> bool:
        """Linger for a token."""

    def has_job(self) -> bool:
        """Tell whether a shift is enqueued."""

    def take_job(self) -> bool:
        """Take one shift from the queue, if there is one."""


class Station(NamedTuple):
    """What every actor of a ledger is given."""

    ledger: str
    rules: RuleSet
    settings: FleetSettings
    codec: Codec


class ListSource:
    """An input held in memory; gives chunks of chance sizes, and sometimes nothing for a while."""

    def __init__(self, lines: Sequence[bytes], chunk_lines: int, actor: Actor) -> None:
        self._lines = lines
        self._chunk_lines = chunk_lines
        self._actor = actor
        self._rng = actor.world.rng
        self._at = 0

    def read_chunk(self, within_ms: int | None = None) -> SourceChunk | None:
        """Return the next lines."""
        if self._at == len(self._lines):
            return None
        first = self._at + 1
        if self._rng.random() < 0.03:
            self._actor.pause_ms(self._rng.choice((1, 20, within_ms or 0)))
            return SourceChunk(b"", 0, first, *self._stand())
        size = self._rng.randrange(1, self._chunk_lines + 1)
        piece = self._lines[self._at : self._at + size]
        self._at += len(piece)
        raw = b"".join(line + b"\n" for line in piece)
        return SourceChunk(raw, len(piece), first, *self._stand())

    def skip_to(self, offset: int, digest: str, line: int) -> None:
        """Go to where the run stands; it must be the end of that line."""
        self._at = line
        assert self._stand() == (offset, digest), "a run stands where its input does not"

    def _stand(self) -> tuple[int, str]:
        read = b"".join(line + b"\n" for line in self._lines[: self._at])
        return len(read), hashlib.sha256(read).hexdigest()


def worker_life(station: Station, link: Link, bell: Bell) -> Callable[[Actor], None]:
    """Wait for shifts and work them, tick meanwhile."""

    def live(actor: Actor) -> None:
        world = actor.world
        seat = Seat(station.ledger, actor.name, station.settings)
        rng = Random(world.rng.getrandbits(64))
        views = {STATE: PER_RUN}
        shift = Shift(
            turn=Turn(
                port=link,
                runner=build_runner(
                    station.rules, station.settings.partitions, [LIMITS], views=views
                ),
                codec=station.codec,
                rules=station.rules,
                seat=seat,
                rng=rng,
            ),
            port=link,
            bell=bell,
            clock=actor,
            seat=seat,
            should_stop=lambda: actor.is_stopped,
            new_token=lambda: str(rng.getrandbits(32)),
        )
        while True:
            actor.wait(station.settings.tick_ms * 1000, bell.has_job)
            try:
                if bell.take_job():
                    shift.work()
                    world.counts["turns"] += shift.totals.turns
                    world.counts["turns refused STALE"] += shift.totals.refused.get("STALE", 0)
                    shift.totals.turns = 0
                    shift.totals.refused.clear()
                else:
                    shift.tick()
            except (StoreUnavailable, HandoffFailed) as error:
                world.log(actor.name, f"gives up: {error}")
            if actor.is_stopped:
                return

    return live


def producer_life(
    station: Station, link: Link, bell: Bell, lines: Sequence[bytes], *, chunk: int, reopen: bool
) -> Callable[[Actor], None]:
    """Feed one run to its end; leave it when another feeds it."""

    def live(actor: Actor) -> None:
        sequencer = Sequencer(
            seat=RunSeat(actor.run, actor.name, station.rules.digest),
            port=link,
            runner=build_runner(
                station.rules,
                station.settings.partitions,
                [INGRESS],
                views={IDS: PER_RUN, ORDER: PER_RUN},
            ),
            codec=station.codec,
            bell=bell,
            clock=actor,
            settings=station.settings,
            rng=Random(actor.world.rng.getrandbits(64)),
        )
        try:
            sequencer.run(lambda: ListSource(lines, chunk, actor), can_reopen=reopen)
        except (LeaseHeld, Incomplete, StoreUnavailable, HandoffFailed) as error:
            actor.world.log(actor.name, f"leaves: {type(error).__name__}: {error}")
            actor.world.counts[f"producer left: {type(error).__name__}"] += 1

    return live


class Output:
    """A run's output file: what the stand-in has written, which outlives it.

    With several runs on a ledger, or an operator, a lost tail may come again in another way: then
    an answer may come again otherwise (the durability chosen decides about that).
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.answers: dict[int, Answered] = {}
        self.written = 0

    def keep(self, line: int, answer: Answered) -> None:
        """Keep an answer; the last one counts."""
        self.answers[line] = answer

    def holds(self, line: int, answer: Answered) -> bool:
        """Tell whether this is what is kept of a line."""
        return self.answers.get(line) == answer

    def forget_held_back(self) -> None:
        """Lose what was only in memory: answers behind a gap."""
        self.answers = {line: self.answers[line] for line in range(1, self.written + 1)}


def collector_life(station: Station, link: Link, output: Output) -> Callable[[Actor], None]:
    """Read answers for ever; the world ends when everything is written."""

    def live(actor: Actor) -> None:
        output.forget_held_back()
        leased(
            actor,
            link,
            run=output.run,
            owner=actor.name,
            kind="collect",
            lease_ms=station.settings.run_lease_ms,
        )
        after, unacknowledged = "0", list[tuple[str, int]]()
        block_us = station.settings.run_lease_ms * 1000 // 3
        while True:
            try:
                count = actor.world.rng.randrange(1, 9)
                found = link.read(run=output.run, after=after, wait_ms=0, count=count)
                for reply in found.replies:
                    unacknowledged.append((reply.id, _kept(station, output, reply)))
                    after = reply.id
                while output.written + 1 in output.answers:
                    output.written += 1
                entry = _acknowledgeable(unacknowledged, output.written)
                if found.replies and not entry:
                    continue
                if not entry:
                    actor.wait(block_us, partial(link.has_news, output.run, after))
                acked = link.ack(
                    run=output.run, owner=actor.name, entry=entry, written=output.written
                )
                if acked.status == "CLOSED":
                    return
                if acked.status == "REWOUND":
                    after, unacknowledged = "0", []
            except StoreUnavailable:  # whoever connects again reads again from the ack floor
                after, unacknowledged = "0", []
                _open_again(actor, link, output.run)

    return live


def _open_again(actor: Actor, link: Link, run: str) -> None:
    patiently(actor, lambda: link.open(run=run, owner=actor.name, kind="collect"))


def _kept(station: Station, output: Output, reply: Reply) -> int:
    """Keep an entry's answers; return its last line."""
    answers = station.codec.answers(output.run, reply)
    columns = zip(answers.lines, answers.ids, answers.customers, answers.codes, strict=True)
    for line, id_text, customer, code in columns:
        output.keep(line, Answered(id_text, customer, code))
    return max(answers.lines)


def _acknowledgeable(entries: list[tuple[str, int]], written: int) -> str:
    """Drop the entries that are written whole from the front; return the last of them."""
    entry = ""
    while entries and entries[0][1] <= written:
        entry = entries.pop(0)[0]
    return entry
