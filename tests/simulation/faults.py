"""What breaks, and when: faults are dealt by chance until the plan's number of them is used up.

Lives here: the faults and the bell (rings get lost, doubled, late). Lives elsewhere: what each must
not do to the answers (`play`). After the last fault the world is left alone, and must come to rest.
"""

from __future__ import annotations

from collections.abc import Callable

from kernel.ledger.units import CommitRequest
from tests.simulation.plan import Fault, Plan
from tests.simulation.scheduler import Actor, Role, World
from tests.simulation.store import SimulatedStore

#: Faults that come of a call or a ring; all others are dealt between steps.
_PASSIVE: frozenset[Fault] = frozenset(
    {"request lost", "answer lost", "ring lost", "ring doubled", "ring late"}
)
#: Faults that happen to actors of one role.
_ROLES: dict[Fault, Role] = {
    "worker killed": "worker",
    "producer killed": "producer",
    "collector killed": "collector",
    "worker stopped": "worker",
    "producer doubled": "producer",
}
#: No fault comes after so many steps, even if some are left: some kinds find no occasion.
FAULT_STEPS = 6_000
#: Longest sleep of a worker where what matters takes longer than a lease.
NAP_US = 1_500_000
#: Chance that a ring that may be lost, doubled or late is so.
_RING_SHARE = 0.3


class Faults:
    """Deals the faults of one world; the links ask it about each call."""

    def __init__(self, plan: Plan, world: World, store: SimulatedStore) -> None:
        self._plan = plan
        self._world = world
        self._store = store
        self._left = plan.faults
        self._between = [kind for kind in plan.kinds if kind not in _PASSIVE]
        self._full_until_us = 0
        #: Doubles a run's producer; given by the play.
        self.double: Callable[[str], None] = lambda _run: None
        self._effects: dict[Fault, Callable[[Actor], None]] = {
            "worker killed": world.kill,
            "producer killed": world.kill,
            "collector killed": world.kill,
            "worker stopped": self._stop,
            "producer doubled": lambda actor: self.double(actor.run),
            "actor frozen": self._freeze,
            "store rewound": self._lose_tail,
            "store full": self._fill,
        }

    @property
    def is_over(self) -> bool:
        """Whether nothing will break any more."""
        return not (self._may_break() or self._store.is_full)

    def _may_break(self) -> bool:
        return self._left > 0 and self._world.steps < FAULT_STEPS

    def _deal(self, kind: Fault, share: float) -> bool:
        """Tell whether a fault happens now; count it if so."""
        if kind not in self._plan.kinds or not self._may_break():
            return False
        if self._world.rng.random() >= share:
            return False
        self._left -= 1
        self._world.counts[f"fault: {kind}"] += 1
        return True

    # What the links ask.

    def before_call(self, actor: Actor) -> None:
        """Maybe remember the moment before a step, to go back to."""
        share = self._plan.snapshot_share
        if actor.step not in ("append", "commit"):
            share /= 4
        if self._may_break() and self._world.rng.random() < share:
            self._store.keep_snapshot()

    def loses_call(self) -> bool:
        """Tell whether the request never arrives."""
        return self._deal("request lost", self._plan.fault_share / 2)

    def loses_answer(self) -> bool:
        """Tell whether the answer never arrives."""
        return self._deal("answer lost", self._plan.fault_share / 2)

    def ring_times(self) -> tuple[int, int]:
        """Tell how often a ring is heard, and after how many microseconds."""
        if self._deal("ring lost", _RING_SHARE):
            return 0, 0
        times = 2 if self._deal("ring doubled", _RING_SHARE) else 1
        late = self._deal("ring late", _RING_SHARE)
        return times, self._world.rng.randrange(3_000_000) if late else 0

    # What happens between steps.

    def before_step(self, actor: Actor) -> bool:
        """Let something break before an actor's step; False: it does not make that step now."""
        if self._store.is_full and self._world.now_us >= self._full_until_us:
            self._store.is_full = False
            self._world.log("store", "has room again")
        if not self._may_break():
            return True
        if isinstance(actor.request, CommitRequest) and self._aims(actor.request):
            return True
        if not self._between or self._world.rng.random() >= self._plan.fault_share:
            return True
        self._break(self._world.rng.choice(self._between), actor)
        return actor.is_alive and actor.is_ready()

    def _aims(self, request: CommitRequest) -> bool:
        """Rewind just before a commit, so that entries survive other commits that it rests on."""
        if not self._plan.aimed_share:
            return False
        snapshots = reversed(self._store.snapshots)
        state = self._store.state
        is_behind = any(state.parts[move.partition].cursor != move.cursor for move in request.moves)
        if self._plan.style == "stale_reads" and not is_behind:
            return False
        tempting = [back for back, moment in enumerate(snapshots) if moment.tempts(request, state)]
        if not tempting or not self._deal("store rewound", self._plan.aimed_share):
            return False
        self._rewind(self._world.rng.choice(tempting))
        return True

    def _break(self, kind: Fault, actor: Actor) -> None:
        """Let one fault happen, if it can happen to this actor now."""
        share = 0.2 if kind == "actor frozen" and actor.role != "worker" else 1
        if self._can_happen(kind, actor) and self._deal(kind, share):
            self._effects[kind](actor)

    def _can_happen(self, kind: Fault, actor: Actor) -> bool:
        role = _ROLES.get(kind)
        if role is not None:
            return actor.role == role
        if kind == "actor frozen":
            if self._plan.style in ("zombies", "poison"):
                return actor.step == "commit"
            return bool(actor.step)
        if kind == "store rewound":
            return bool(self._store.snapshots)
        return not self._store.is_full

    def _stop(self, actor: Actor) -> None:
        actor.is_stopped = True

    def _fill(self, _actor: Actor) -> None:
        self._store.is_full = True
        self._full_until_us = self._world.now_us + self._world.rng.randrange(1, 2_000_000)
        self._world.log("store", "is full")

    def _lose_tail(self, _actor: Actor) -> None:
        """Go back a little or far; some notice that the server was restarted, some do not."""
        youngest = self._world.rng.choice((0, 0, 1, 2, 4, 15))
        self._rewind(min(youngest, len(self._store.snapshots) - 1))
        for other in self._world.actors:
            other.is_cut = other.is_cut or self._world.rng.choice((True, False))

    def _freeze(self, actor: Actor) -> None:
        """Let an actor sleep past its leases, before the step that it was about to make."""
        settings = self._plan.settings
        lease_ms = settings.run_lease_ms if actor.role == "producer" else settings.lease_ms
        asleep_us = int(lease_ms * 1000 * self._world.rng.uniform(0.5, 8))
        if self._plan.style == "poison":  # until others have failed twice, and the operator acted
            asleep_us = self._world.rng.randrange(NAP_US)
        actor.wake_us = self._world.now_us + asleep_us
        actor.until = None
        self._world.log(actor.name, f"freezes for {asleep_us} us before {actor.step}")

    def _rewind(self, back: int) -> None:
        self._store.rewind(back)
        self._world.log("store", f"loses its tail: back by {back + 1} snapshots")
        for actor in self._world.actors:
            if actor.role == "collector":
                actor.is_cut = True


class WorldBell:
    """The RQ queue and the bell list of one ledger."""

    def __init__(self, world: World, store: SimulatedStore, faults: Faults) -> None:
        self.world = world
        self.store = store
        self.faults = faults
        #: When each enqueued shift is to be seen.
        self.jobs: list[int] = []

    def ring(self) -> None:
        """Enqueue a shift, or what becomes of it."""
        times, late_us = self.faults.ring_times()
        self.world.counts["rings"] += 1
        self.jobs += [self.world.now_us + late_us] * times

    def has_job(self) -> bool:
        """Tell whether a shift is there by now."""
        return bool(self.jobs) and min(self.jobs) <= self.world.now_us

    def take_job(self) -> bool:
        """Take a shift that is there."""
        there = [at for at in self.jobs if at <= self.world.now_us]
        if there:
            self.jobs.remove(there[0])
        return bool(there)


class ActorBell:
    """The bell as one actor has it."""

    def __init__(self, actor: Actor, bell: WorldBell) -> None:
        self._actor = actor
        self._bell = bell

    def ring(self) -> None:
        """Ring."""
        self._actor.world.log(self._actor.name, "rings")
        self._bell.ring()

    def wait(self, timeout_ms: int) -> bool:
        """Linger for a token on the bell list."""
        store = self._bell.store
        self._actor.wait(timeout_ms * 1000, lambda: store.state.bell > 0)
        if store.state.bell <= 0:
            return False
        store.state.bell -= 1
        return True

    def has_job(self) -> bool:
        """Tell whether a shift is enqueued."""
        return self._bell.has_job()

    def take_job(self) -> bool:
        """Take one shift."""
        return self._bell.take_job()
