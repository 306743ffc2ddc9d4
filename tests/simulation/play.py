"""One seed played to its end, and what must hold then.

1. Every line of every run is answered exactly once, and as the oracle answers it, fed with the
   lines of all runs in the ledger's final order. Row, answer and reason count.
2. No day has more accepted primes than its quota. What the collector wrote is what was answered.
3. All partitions are idle at their ends, nothing waits, and it took not for ever: a world in which
   nothing gets on although nothing breaks any more is a stall.
4. Without faults the tick repairs nothing, and no lease is reclaimed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal, NamedTuple

from kernel.adapters.codec import Codec
from kernel.engine.keyring import FixedKeys
from kernel.ledger.record import LedgerRecord
from tests.simulation.actors import (
    RESTART_US,
    Station,
    producer_life,
    worker_life,
)
from tests.simulation.collecting import is_to_collect, life_of_collector, output_of
from tests.simulation.faults import ActorBell, Faults, WorldBell
from tests.simulation.lines import inputs
from tests.simulation.plan import Plan
from tests.simulation.poison import Sickness, operator_life
from tests.simulation.scheduler import Actor, World
from tests.simulation.shown import Answered, said
from tests.simulation.store import Link, SimulatedStore
from tests.support.oracle import Oracle, parse
from tests.support.other_primes import is_prime_otherwise
from tests.support.serial import rules_of

Verdict = Literal["fine", "divergence", "stall", "broken"]

#: A world that got nowhere for so long is stalled, in simulated time or in steps.
STALL_US = 30_000_000
STALL_STEPS = 15_000
#: Steps until somebody looks whether all is done and nobody missing.
STEPS_BETWEEN_LOOKS = 8

MASTER = bytes(range(32))


class Outcome(NamedTuple):
    """What a seed came to."""

    seed: int
    verdict: Verdict
    why: str
    counts: Counter[str]


class Stall(Exception):
    """Nothing gets on any more."""


class Divergence(Exception):
    """An answer is missing, twice there, or another than the oracle's."""


class Play:
    """One world: its store, its actors, its end."""

    def __init__(self, plan: Plan, *, listener: Callable[[str], None] | None) -> None:
        self.plan = plan
        self.world = world = World(
            plan.seed, step_us=plan.step_us, delay_share=plan.delay_share, listener=listener
        )
        rules = rules_of(plan.config)
        record = LedgerRecord(
            "incarnation",
            plan.settings.partitions,
            rules.digest,
            rules.to_json(),
            plan.settings.to_json(),
            "",
        )
        self.store = SimulatedStore(record, world)
        self.codec = Codec("simulated", record, FixedKeys(MASTER))
        self.station = Station("simulated", rules, plan.settings, self.codec)
        self.faults = Faults(plan, world, self.store)
        self.faults.double = self._spawn_producer
        self.bell = WorldBell(world, self.store, self.faults)
        runs = inputs(world.rng, plan.shape)
        self.lines = {f"run-{number}": lines for number, lines in enumerate(runs, 1)}
        self.sickness = Sickness(world.rng, plan.poison_odds)
        self.outputs = {run: output_of(run, plan, len(runs)) for run in self.lines}

    def run(self) -> None:
        """Play until everything is written and everybody idle.

        Raises:
            Stall: it does not come to that.
        """
        world, before = self.world, -1
        moved_us, moved_steps = world.now_us, 0
        while True:
            if self._is_done():
                return
            self._fill_gaps()
            for _ in range(STEPS_BETWEEN_LOOKS):
                if not world.actors:
                    break
                actor = world.next_actor()
                if self.faults.before_step(actor):
                    world.resume(actor)
            now = self.store.advance()
            # Where the last worker was just killed, the next thing to happen may be a minute away.
            if now != before or not self.faults.is_over or not self._has_workers():
                before, moved_us, moved_steps = now, world.now_us, world.steps
            if world.now_us - moved_us > STALL_US or world.steps - moved_steps > STALL_STEPS:
                raise Stall(self._where_it_stands())

    def _is_done(self) -> bool:
        state = self.store.state
        return (
            len(state.runs) == len(self.lines)
            and all(run.lines == run.answers for run in state.runs.values())
            and not any(map(is_to_collect, state.runs.values()))
            and all(part.state == "idle" for part in state.parts)
            and not state.shifts
        )

    def _where_it_stands(self) -> str:
        state = self.store.state
        parts = [
            f"{number}:{part.state} {part.cursor}/{part.end}"
            for number, part in enumerate(state.parts)
            if part.cursor < part.end
        ]
        runs = {
            name: (run.position, run.answers, run.written, run.lines)
            for name, run in state.runs.items()
        }
        return f"parts {parts}, waits {state.waits}, fronts {state.front}, runs {runs}"

    # Who is there.

    def _has_workers(self) -> bool:
        return any(actor.role == "worker" for actor in self.world.actors)

    def _fill_gaps(self) -> None:
        """Start whoever is missing: processes that died, and producers of runs that went back."""
        actors = self.world.actors
        for _ in range(self.plan.workers - sum(actor.role == "worker" for actor in actors)):
            self._spawn_worker()
        if self.plan.shape.poison and not any(actor.role == "operator" for actor in actors):
            self._spawn_operator()
        collected = {actor.run for actor in actors if actor.role == "collector"}
        fed = {actor.run for actor in actors if actor.role == "producer"}
        for run in self.lines:
            there = self.store.state.runs.get(run)
            if run not in collected and (there is None or is_to_collect(there)):
                self._spawn_collector(run)
            if run not in fed and (there is None or there.lines is None):
                self._spawn_producer(run)

    def _spawn_worker(self) -> None:
        def live(actor: Actor) -> None:
            link, bell = Link(actor, self.store, self.faults), ActorBell(actor, self.bell)
            worker_life(self.station, link, bell)(actor)

        self.world.spawn("worker", live, pace=self.plan.worker_pace)

    def _spawn_operator(self) -> None:
        def live(actor: Actor) -> None:
            link, bell = Link(actor, self.store, self.faults), ActorBell(actor, self.bell)
            operator_life(self.store, self.codec, link, bell, self.sickness)(actor)

        self.world.spawn("operator", live)

    def _spawn_producer(self, run: str) -> None:
        def live(actor: Actor) -> None:
            actor.wait(self.world.rng.randrange(RESTART_US))
            link, bell = Link(actor, self.store, self.faults), ActorBell(actor, self.bell)
            producer_life(
                self.station,
                link,
                bell,
                self.lines[run],
                chunk=self.plan.chunk_lines,
                reopen=self.plan.can_reopen,
            )(actor)

        self.world.spawn("producer", live, run=run)

    def _spawn_collector(self, run: str) -> None:
        def live(actor: Actor) -> None:
            actor.wait(self.world.rng.randrange(RESTART_US))
            link = Link(actor, self.store, self.faults)
            life_of_collector(self.station, link, self.outputs[run])(actor)

        self.world.spawn("collector", live, run=run)

    # What must hold.

    def check(self) -> None:
        """Hold the end to the promises at the head of this file.

        Raises:
            Divergence: one of them is broken.
        """
        given = self._given()
        accepted: Counter[object] = Counter()
        for (run, line), expected in zip(self._order(), self._expected(), strict=True):
            answer = given[run].pop(line, None)
            if answer is None:
                raise Divergence(f"line {line} of {run} has no answer")
            if said(answer) != expected:
                raise Divergence(
                    f"line {line} of {run}: {said(answer)}, but the oracle says {expected}"
                )
            if not self.outputs[run].holds(line, answer):
                raise Divergence(f"line {line} of {run} was not collected as it was answered")
            accepted[self._prime_day(run, line, answer)] += 1
        if any(given.values()):
            raise Divergence(f"answers to lines that are not in the ledger: {given}")
        del accepted[None]
        if self.plan.quota and any(count > self.plan.quota for count in accepted.values()):
            raise Divergence(f"more primes accepted than the quota: {accepted}")
        self._check_rest()

    def _given(self) -> dict[str, dict[int, Answered]]:
        """Collect every answer that was given and not lost, each line once."""
        given: dict[str, dict[int, Answered]] = {run: {} for run in self.lines}
        for run, reply in self.store.replies:
            answers = self.codec.answers(run, reply)
            columns = zip(answers.lines, answers.ids, answers.customers, answers.codes, strict=True)
            for line, id_text, customer, code in columns:
                if line in given[run]:
                    raise Divergence(f"line {line} of {run} is answered twice")
                given[run][line] = Answered(id_text, customer, code)
        return given

    def _order(self) -> list[tuple[str, int]]:
        """Recover the ledger's final order from the appends that survived."""
        order: list[tuple[str, int]] = []
        for base, run, first_line, lines in self.store.appends:
            if base != len(order) + 1:
                raise Divergence(f"sequence numbers have a gap or an overlap at {base}")
            order += [(run, first_line + offset) for offset in range(lines)]
        for run, lines_of_run in self.lines.items():
            appended = [line for name, line in order if name == run]
            if appended != list(range(1, len(lines_of_run) + 1)):
                raise Divergence(f"{run} is not in the ledger line by line: {appended}")
        return order

    def _expected(self) -> list[tuple[str, str, str]]:
        oracle = Oracle(self.plan.config)
        answers = [
            oracle.feed(self.lines[run][line - 1], skipped=seq in self.store.skips)
            for seq, (run, line) in enumerate(self._order(), 1)
        ]
        return [(answer.row or "", answer.answer, answer.reason) for answer in answers]

    def _prime_day(self, run: str, line: int, answer: Answered) -> object:
        if answer.code or not is_prime_otherwise(int(answer.id)):
            return None
        parsed = parse(self.lines[run][line - 1])
        return getattr(parsed, "instant").date()  # noqa: B009 - an accepted line is well formed

    def _check_rest(self) -> None:
        state = self.store.state
        if any(part.cursor != part.end or part.log for part in state.parts) or state.waits:
            raise Divergence(f"something is left: {self._where_it_stands()}")
        if state.leases or state.ready:
            raise Divergence(f"an idle ledger has leases {state.leases}, ready {state.ready}")
        counts = self.world.counts
        if not self.plan.faults and (counts["tick repairs"] or counts["leases reclaimed"]):
            raise Divergence(f"{counts['tick repairs']} tick repairs without faults")


def played(plan: Plan, *, listener: Callable[[str], None] | None = None) -> Outcome:
    """Play a plan; whatever goes wrong becomes the verdict."""
    play = Play(plan, listener=listener)
    counts = play.world.counts
    verdict: Verdict = "fine"
    why = ""
    try:
        with play.sickness.spread():
            play.run()
        play.check()
    except Stall as stall:
        verdict, why = "stall", str(stall)
    except Divergence as divergence:
        verdict, why = "divergence", str(divergence)
    except Exception as error:  # noqa: BLE001 - a bug of ours is a verdict with its seed
        verdict, why = "broken", f"{type(error).__name__}: {error}"
    finally:
        play.world.end()
    counts["steps"] = play.world.steps
    counts["lines"] = plan.shape.lines
    return Outcome(plan.seed, verdict, why, counts)
