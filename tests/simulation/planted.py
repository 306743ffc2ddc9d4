"""Guards taken out one at a time: what the simulator must catch, or it proves nothing.

Lives here: how a guard is taken out of a function's text while a world is played, and the list of
guards. Lives elsewhere: why each is there (`scheduling.md` numbers them), and the directed tests of
those that chance does not hit. A guard whose text is not found exactly once is an error: the code
has moved on, and this list must follow.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from consumers.state import StateOfTurn
from consumers.turn import Turn
from kernel.adapters.memory import commits, ingress, partitions, state
from kernel.domain import gate
from tests.simulation.plan import Style


class Change(NamedTuple):
    """A function, the part of its text that is the guard, and what stands there instead."""

    owner: ModuleType | type[Any]
    function: str
    guard: str
    instead: str


class Planted(NamedTuple):
    """One guard taken out; which seeds catch it, and within how many."""

    name: str
    changes: tuple[Change, ...]
    style: Style = "all"
    seeds: int = 60


PLANTED: tuple[Planted, ...] = (
    Planted(
        "append: run position",
        (Change(ingress, "_refusal", "if run.position != request.position:", "if False:"),),
    ),
    Planted(
        "append: read set",
        (Change(ingress, "_refusal", "if stale or any(", "if False and any("),),
    ),
    Planted(
        "append: predecessor from the ledger, not only from the chunk",
        (Change(ingress, "append", "state.last.get(day, 0)", "0"),),
    ),
    Planted(
        "append: rings",
        (Change(ingress, "append", "ring=state.ask_ring(now, settings)", "ring=False"),),
        style="none",
    ),
    Planted(
        "finish: run position",
        (Change(ingress, "finish", "if there.position != lines:", "if False:"),),
    ),
    Planted(
        "decide: the gate",
        (
            Change(
                gate,
                "may_decide",
                "return gate.used >= quota or gate.front == pred",
                "return True",
            ),
        ),
        style="none",
    ),
    Planted(
        "load: cursors unlike the take's end the turn",
        (Change(StateOfTurn, "read", " or found.cursors != self._cursors", ""),),
        style="lost_commits",
    ),
    Planted(
        "load: cursors, windows and gates in one atomic read",
        (
            Change(
                StateOfTurn,
                "read",
                "found = self._port.load(LoadRequest(list(self._cursors), asked, days))",
                "found = self._port.load(LoadRequest(list(self._cursors), {}, []))\n"
                "    late = self._port.load(LoadRequest([], asked, days))\n"
                "    found = found._replace(packed=late.packed, gates=late.gates)",
            ),
        ),
        style="lost_commits",
    ),
    Planted(
        "load: front and used in one atomic read",
        (
            Change(
                StateOfTurn,
                "read",
                "found = self._port.load(LoadRequest(list(self._cursors), asked, days))",
                "early = self._port.load(LoadRequest([], {}, days)).gates\n"
                "    found = self._port.load(LoadRequest(list(self._cursors), asked, days))\n"
                "    found = found._replace(\n"
                "        gates={day: (front, early[day][1])"
                " for day, (front, _) in found.gates.items()}\n"
                "    )",
            ),
        ),
        style="none",
    ),
    Planted(
        "commit: the prefix, before keep or park",
        (
            Change(
                Turn,
                "_request",
                "decided = None if turn is None else turn.decided",
                "decided = None if turn is None or turn.decided.blocked else turn.decided",
            ),
        ),
        style="none",
    ),
    Planted(
        "commit: cursor",
        (Change(commits, "_refusal", "part.cursor != move.cursor", "False"),),
        style="zombies",
    ),
    Planted(
        "commit: the last entry decided from still exists",
        (Change(commits, "_refusal", "state.entry(move.partition, move.entry) is None", "False"),),
    ),
    Planted(
        "commit: all or nothing",
        (
            Change(
                commits,
                "commit",
                "refusal = _refusal(state, request)",
                "fitting = [m for m in request.moves"
                " if state.parts[m.partition].cursor == m.cursor]\n"
                "    refusal = _refusal(state, request._replace(moves=fitting))\n"
                "    request = request._replace(moves=fitting)",
            ),
        ),
        style="zombies",
    ),
    Planted(
        "commit: compare on front",
        (Change(commits, "_refusal", "state.front.get(gate.day, 0) != gate.before", "False"),),
        style="lost_commits",
    ),
    Planted(
        "wake: at all",
        (Change(commits, "_wake", "gate is not None and opens(", "False and opens("),),
        style="none",
    ),
    Planted(
        "wake: everybody when the quota is used up",
        (
            Change(
                commits, "_wake", "opens(gate.front, gate.used, pred, quota)", "pred <= gate.front"
            ),
        ),
        style="none",
    ),
    Planted(
        "wake: whose predecessor is settled",
        (
            Change(
                commits, "_wake", "opens(gate.front, gate.used, pred, quota)", "gate.used >= quota"
            ),
        ),
        style="none",
    ),
    Planted(
        "park: the gate is looked at again",
        (
            Change(
                commits,
                "_step",
                "if opens(state.front.get(step.day, 0), "
                "state.used.get(step.day, 0), step.pred, quota):",
                "if False:",
            ),
        ),
        style="none",
    ),
    Planted(
        "release: the log is looked at",
        (
            Change(
                commits,
                "_step",
                'state.free(step.partition, "release")',
                'state.enter(step.partition, "release", "idle")\n'
                "        del state.leases[step.partition]",
            ),
        ),
        style="none",
    ),
    Planted(
        "end of a shift: what is ready is looked at",
        (
            Change(
                partitions,
                "end_shift",
                "if not forced and state.ready and shift in state.shifts:",
                "if False:",
            ),
            Change(partitions, "end_shift", ", state.ask_ring(now, settings)", ""),
        ),
        style="none",
    ),
    Planted(
        "take and tick: leases that ran out",
        (
            Change(
                partitions, "take", "and expired(deadline, now, settings.lease_ms)", "and False"
            ),
            Change(partitions, "tick", "if expired(end, now, settings.lease_ms)", "if False"),
        ),
        style="zombies",
    ),
    Planted(
        "tick: a lost bell",
        (
            Change(
                partitions,
                "tick",
                "bool(state.ready) and not state.live_shifts(now, settings)",
                "False",
            ),
        ),
    ),
    Planted(
        "ring pending: only for a while",
        (
            Change(
                state.LedgerState,
                "ring_pending",
                " and not expired(self.ring, now, settings.ring_ms)",
                "",
            ),
        ),
    ),
)


@contextmanager
def taken_out(planted: Planted) -> Iterator[None]:
    """Play without the guard for a while: the functions get other code, whoever refers to them."""
    texts: dict[FunctionType, str] = {}
    for change in planted.changes:
        function = getattr(change.owner, change.function)
        text = texts.get(function) or textwrap.dedent(inspect.getsource(function))
        texts[function] = without(text, change)
    before = {function: function.__code__ for function in texts}
    try:
        for function, text in texts.items():
            function.__code__ = compiled(function, text)
        yield
    finally:
        for function, code in before.items():
            function.__code__ = code


def without(text: str, change: Change) -> str:
    """Return a function's text with the guard replaced; it must be there exactly once."""
    times = text.count(change.guard)
    assert times == 1, f"{change.function} has this {times} times: {change.guard}"
    return text.replace(change.guard, change.instead)


def compiled(function: FunctionType, text: str) -> CodeType:
    """Compile a function's changed text among the names of its module."""
    flags = __future__.annotations.compiler_flag
    found: dict[str, Any] = {}
    code = compile(text, f"<{function.__name__} without a guard>", "exec", flags=flags)
    exec(code, dict(function.__globals__), found)  # noqa: S102 - our own text, changed above
    changed: FunctionType = found[function.__name__]
    return changed.__code__
