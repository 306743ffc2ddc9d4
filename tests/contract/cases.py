"""Ways into every state of a partition, and what may happen to it there.

Each is one function over a case: a ledger of three partitions, whose partition A is looked at. Its
head is a candidate that waits for b in B, and a plain line is behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kernel.ledger.units import Step
from tests.support.plausible import Line

if TYPE_CHECKING:
    from kernel.ledger.schedule import State
    from tests.contract.actors import Actors, Worker

A, B, C = 0, 1, 2
B_HEAD, A_WAITS, A_PLAIN = Line(B, 1, candidate=True), Line(A, 1, candidate=True), Line(A)


class Case:
    """A ledger with A in some state: its head waits for b in B, and a plain line is behind it."""

    def __init__(self, act: Actors) -> None:
        self.act = act
        self.x: Worker = act.worker("x", accepts=False)
        self.zombie: Worker = act.worker("z", accepts=False)
        act.append(B_HEAD, A_WAITS, A_PLAIN)

    def freeze_zombie(self) -> None:
        """Let a worker read everything and stand still past its lease."""
        self.zombie.take("all")
        self.zombie.load()
        self.act.pass_lease()

    def hold(self) -> None:
        """Lease A to x, who reads it."""
        self.x.take("one", prefer=A)
        self.x.load()

    def state(self) -> State:
        """Where A is now."""
        return self.act.state().parts[A].state


def idle(case: Case) -> None:
    """All decided."""
    case.act.worker("i").turn()
    case.act.stage.ledger.end_shift(shift="i/shift", worker="i", forced=False)


def ready(case: Case) -> None:
    """As appended."""


def ready_again(case: Case) -> None:
    """Taken by somebody who froze, and free again."""
    case.freeze_zombie()
    case.act.stage.ledger.tick(worker="x")


def leased(case: Case) -> None:
    """Held by x."""
    case.hold()


def leased_again(case: Case) -> None:
    """Held by x after somebody froze on it."""
    case.freeze_zombie()
    case.hold()


def parked(case: Case) -> None:
    """Held by x, found to wait, given back."""
    case.hold()
    assert case.x.commit().outcomes == ("parked",)


def parked_again(case: Case) -> None:
    """The same after somebody froze on it."""
    case.freeze_zombie()
    parked(case)


def halted(case: Case) -> None:
    """Held by x, whose head cannot be trusted."""
    case.hold()
    case.x.fail(A, fatal=True)


def halted_again(case: Case) -> None:
    """The same after somebody froze on it."""
    case.freeze_zombie()
    halted(case)


def append(case: Case) -> None:
    """Another batch for it."""
    case.act.append(A_PLAIN, run="r2")


def take(case: Case) -> None:
    """Another shift takes all that is ready."""
    case.act.worker("y").take("all")


def take_again(case: Case) -> None:
    """The holder renews."""
    case.x.take("one")


def take_late(case: Case) -> None:
    """Another shift takes one that is elsewhere, after the lease ran out."""
    case.act.pass_lease()
    case.act.worker("y").take("one", prefer=B)


def tick(case: Case) -> None:
    """A tick while leases hold."""
    case.act.stage.ledger.tick(worker="y")


def tick_late(case: Case) -> None:
    """A tick after the lease ran out."""
    case.act.pass_lease()
    tick(case)


def zombie_part(case: Case) -> None:
    """The frozen worker commits b and A's head."""
    assert case.zombie.commit(limit=2).status == "APPLIED"


def zombie_all(case: Case) -> None:
    """The frozen worker commits everything."""
    assert case.zombie.commit().status == "APPLIED"


def zombie_refused(case: Case) -> None:
    """The frozen worker is told that the partition is halted."""
    assert case.zombie.commit().status == "HALTED"


def settle(case: Case) -> None:
    """Another decides b, for which A's head waits."""
    y = case.act.worker("y", accepts=False)
    y.take("one", prefer=B)
    y.load()
    assert y.commit().status == "APPLIED"


def settle_elsewhere(case: Case) -> None:
    """Another decides a candidate of another day."""
    case.act.append(Line(C, 2, candidate=True), run="r2")
    y = case.act.worker("y", accepts=False)
    y.take("one", prefer=C)
    y.load()
    assert [gate.day for gate in y.request().settled] == [2]
    assert y.commit().status == "APPLIED"


def step(kind: Step) -> Callable[[Case], None]:
    """Make the holder take only this next step."""

    def commit(case: Case) -> None:
        part = case.act.state().parts[A]
        head = part.log[0].id if part.log else ""
        named = kind._replace(entry=kind.entry or head)
        request = case.x.request()._replace(moves=[], replies=[], settled=[], windows={})
        case.act.stage.ledger.commit(request._replace(steps=[named]))

    return commit


def keep(case: Case) -> None:
    """The holder keeps it."""
    step(Step(A, "keep"))(case)


def release(case: Case) -> None:
    """The holder releases it undecided."""
    step(Step(A, "release"))(case)


def park(case: Case) -> None:
    """The holder parks it where its head waits."""
    step(Step(A, "park", 1, 1))(case)


def settle_and_park(case: Case) -> None:
    """The gate opens, and then the holder parks."""
    settle(case)
    park(case)


def settle_and_park_below(case: Case) -> None:
    """The holder parks for somebody whom the front has passed."""
    settle(case)
    step(Step(A, "park", 1, 0))(case)


def park_elsewhere(case: Case) -> None:
    """The holder parks at a cursor where the partition is not."""
    step(Step(A, "park", 1, 1, cursor=5))(case)


def park_another_head(case: Case) -> None:
    """The holder parks a head that is not there."""
    step(Step(A, "park", 1, 1, entry="2-2"))(case)


def decide(case: Case) -> None:
    """The holder decides all there is and releases it."""
    settle(case)
    case.x.load()
    assert case.x.commit().outcomes == ("freed",)


def park_when_emptied(case: Case) -> None:
    """A zombie decides all, and the holder parks what is no more."""
    zombie_all(case)
    park(case)


def end(case: Case) -> None:
    """The holder's shift ends."""
    case.act.stage.ledger.end_shift(shift=case.x.shift, worker="x", forced=True)


def end_when_emptied(case: Case) -> None:
    """A zombie decides all, and the holder's shift ends."""
    zombie_all(case)
    end(case)


def expire_when_emptied(case: Case) -> None:
    """A zombie decides all, and the holder's lease runs out."""
    zombie_all(case)
    tick_late(case)


def fail(case: Case) -> None:
    """The head raises."""
    case.x.fail(A)


def fail_twice(case: Case) -> None:
    """The head raises again."""
    case.x.fail(A)
    case.x.fail(A)


def resume(case: Case) -> None:
    """An operator lets it go on."""
    assert case.act.resume(A).status == "RESUMED"


def skip(case: Case) -> None:
    """An operator gives its head up."""
    assert case.act.resume(A, skip=2).status == "RESUMED"
