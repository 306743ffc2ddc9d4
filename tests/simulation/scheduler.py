"""Actors, their time, and who goes next: everything between two port calls happens by chance.

Lives here: coroutines (greenlets), the simulated clock and the draw of the next actor. Lives
elsewhere: what actors do (`actors`), what breaks (`faults`), the store (`store`).

1. An actor gives way before every step of the store, and nowhere else; so one step is atomic, and
   what an actor saw may be as old as chance likes when it acts on it.
2. Time passes only here: a little with every step, and by leaps when everybody waits.
3. All chance comes from one seeded source: a seed is a whole history, and can be played again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final, Literal

# It carries no types that mypy takes; only this file touches it.
from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]

Role = Literal["worker", "producer", "collector", "operator"]

#: Any moment will do, as long as deadlines are far from zero.
START_US: Final = 1_700_000_000_000_000
#: How many steps of others a delayed step waits for, on average.
STEPS_OF_DELAY: Final = 20


class Actor:
    """One process of the fleet, as a coroutine that can be frozen, stopped and killed."""

    def __init__(self, world: World, name: str, role: Role, life: Callable[[Actor], None]) -> None:
        self.world = world
        self.name = name
        self.role = role
        self.run = ""
        #: The step it stands before, and with what; empty while it only waits.
        self.step = ""
        self.request: object = None
        self.wake_us = 0
        self.until: Callable[[], bool] | None = None
        #: Its connection breaks: the next step is never sent.
        self.is_cut = False
        #: It was told to end: shifts look at this between turns.
        self.is_stopped = False
        #: How often it is drawn when it is ready.
        self.pace = float(world.rng.choice((1, 1, 1, 3, 9)))
        self._life = life
        self._coroutine = greenlet(self._live)

    @property
    def is_alive(self) -> bool:
        """Whether it may still be scheduled."""
        return not self._coroutine.dead

    def _live(self) -> None:
        self._life(self)

    def is_ready(self) -> bool:
        """Tell whether it may go on now."""
        if self.world.now_us >= self.wake_us:
            return True
        return self.until is not None and self.until()

    def resume(self) -> None:
        """Go on until it gives way again; what it raises comes out here."""
        self.wake_us, self.until = 0, None
        self._coroutine.switch()

    def kill(self) -> None:
        """End it where it stands, as kill -9 does between two steps."""
        if self.is_alive:
            self._coroutine.throw(GreenletExit)

    def give_way(self, step: str, request: object = None) -> None:
        """Stand before a step until the scheduler says so."""
        assert getcurrent() is self._coroutine, "an actor gives way itself"
        self.step, self.request = step, request
        self.wake_us = self.world.delayed_us()
        self.world.main.switch()

    def has_made_step(self) -> None:
        """Say that the step is over, one way or the other."""
        self.step, self.request = "", None

    def wait(self, duration_us: int, until: Callable[[], bool] | None = None) -> None:
        """Let time pass, or less of it when something comes true."""
        self.wake_us = self.world.now_us + duration_us
        self.until = until
        self.world.main.switch()

    # The clock of `kernel.runtime.patience`: simulated time, its pauses are waits.

    def now_ms(self) -> int:
        """Return the simulated milliseconds."""
        return self.world.now_us // 1000

    def pause_ms(self, duration: int) -> None:
        """Wait that long, unless told to stop."""
        self.wait(duration * 1000, lambda: self.is_stopped)


class World:
    """Time, chance, the actors, and what was counted on the way."""

    def __init__(
        self,
        seed: int,
        *,
        step_us: int,
        delay_share: float,
        listener: Callable[[str], None] | None,
    ) -> None:
        self.rng = Random(seed)
        self.now_us = START_US
        self.main = getcurrent()
        self.actors: list[Actor] = []
        self.counts: Counter[str] = Counter()
        self.steps = 0
        self._step_us = step_us
        self._delay_share = delay_share
        self._listener = listener
        self._names: Counter[str] = Counter()

    def spawn(
        self, role: Role, life: Callable[[Actor], None], *, run: str = "", pace: float = 1
    ) -> Actor:
        """Start an actor under a new name."""
        kind = role[0] + (run.removeprefix("run-") if run else "")
        self._names[kind] += 1
        actor = Actor(self, f"{kind}.{self._names[kind]}", role, life)
        actor.run = run
        actor.pace *= pace
        self.actors.append(actor)
        self.log(actor.name, "starts")
        return actor

    def log(self, who: str, what: str) -> None:
        """Tell the listener, if there is one."""
        if self._listener is not None:
            ms = (self.now_us - START_US) / 1000
            self._listener(f"{ms:12.3f} ms  {who:<8} {what}")

    @property
    def is_heard(self) -> bool:
        """Whether anybody reads the log; making its lines costs more than a step."""
        return self._listener is not None

    def clock_us(self) -> int:
        """Return the store's time; no two steps see the same."""
        return self.now_us

    def delayed_us(self) -> int:
        """Return from when on a step may be made: mostly at once, sometimes many steps later."""
        if self.rng.random() >= self._delay_share:
            return 0
        return self.now_us + int(self.rng.expovariate(1 / (STEPS_OF_DELAY * self._step_us)))

    def next_actor(self) -> Actor:
        """Draw who goes on; if everybody waits, let time leap to the first who need not."""
        self.now_us += 1 + int(self.rng.expovariate(1 / self._step_us))
        self.steps += 1
        ready = [actor for actor in self.actors if actor.is_ready()]
        if not ready:
            self.now_us = max(self.now_us, min(actor.wake_us for actor in self.actors))
            ready = [actor for actor in self.actors if actor.is_ready()]
        if len(ready) == 1:
            return ready[0]
        return self.rng.choices(ready, [actor.pace for actor in ready])[0]

    def resume(self, actor: Actor) -> None:
        """Let an actor make its step; take it off the list when that was its last."""
        actor.resume()
        if not actor.is_alive:
            self.actors.remove(actor)
            self.log(actor.name, "ends")

    def kill(self, actor: Actor) -> None:
        """End an actor where it stands."""
        actor.kill()
        self.actors.remove(actor)
        self.log(actor.name, f"is killed before {actor.step or 'going on'}")

    def end(self) -> None:
        """End everybody, so that no coroutine outlives its world."""
        for actor in self.actors:
            actor.kill()
        self.actors.clear()
