"""Guards taken out one at a time: what the simulator must miss, or it proves nothing.

Lives here: the list of guards, each with the style of seeds that needs it. Lives elsewhere: why it
is there (`consumers`, `producer`, `kernel.adapters.memory`), and the directed tests of guards that
chance hardly ever hits: a zombie's commit onto a parked partition, the park of a head that was
lost, an entry id made of the request alone.
"""

from __future__ import annotations

from consumers.state import StateOfTurn
from consumers.turn import Turn
from kernel.adapters.memory import commits, ingress, partitions, state
from kernel.domain import gate
from tests.simulation.collector_guards import COLLECTING
from tests.simulation.planted import Change, Planted

PLANTED: tuple[Planted, ...] = (
    Planted(
        "append: run position",
        (Change(ingress, "_refusal", "if run.position != request.position:", "if False:"),),
        style="lost_commits",
        seeds=60,
    ),
    Planted(
        "append: read set",
        (Change(ingress, "_refusal", "if stale or any(", "if False and any("),),
        style="dense",
        seeds=200,
    ),
    Planted(
        "append: nobody else appended since",
        (Change(ingress, "_refusal", "request.after == state.tail", "True"),),
        style="dense",
        seeds=200,
    ),
    Planted(
        "append: predecessor from the ledger, not only from the chunk",
        (Change(ingress, "append", "state.last.get(day, 0)", "0"),),
        style="dense",
        seeds=60,
    ),
    Planted(
        "append: rings",
        (Change(ingress, "append", "ring=state.ask_ring(now, settings)", "ring=False"),),
        style="none",
        seeds=60,
    ),
    Planted(
        "finish: run position",
        (Change(ingress, "finish", "if there.position != lines:", "if False:"),),
        style="stale_reads",
        seeds=250,
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
        style="dense",
        seeds=60,
    ),
    Planted(
        "load: cursors unlike the take's end the turn",
        (Change(StateOfTurn, "read", " or found.cursors != self._cursors", ""),),
        style="stale_reads",
        seeds=250,
    ),
    Planted(
        "load: cursors, windows and gates in one atomic read",
        (
            Change(
                StateOfTurn,
                "read",
                "found = self._port.load(LoadRequest(list(self._cursors), asked, days, runs))",
                "found = self._port.load(LoadRequest(list(self._cursors), {}, [], runs))\n"
                "    late = self._port.load(LoadRequest([], asked, days))\n"
                "    found = found._replace(packed=late.packed, gates=late.gates)",
            ),
        ),
        style="stale_reads",
        seeds=250,
    ),
    Planted(
        "load: front and used in one atomic read",
        (
            Change(
                StateOfTurn,
                "read",
                "found = self._port.load(LoadRequest(list(self._cursors), asked, days, runs))",
                "early = self._port.load(LoadRequest([], {}, days)).gates\n"
                "    found = self._port.load(LoadRequest(list(self._cursors), asked, days, runs))\n"
                "    found = found._replace(\n"
                "        gates={day: (front, early[day][1])"
                " for day, (front, _) in found.gates.items()}\n"
                "    )",
            ),
        ),
        style="lost_commits",
        seeds=500,
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
        style="dense",
        seeds=60,
    ),
    Planted(
        "commit: cursor",
        (Change(commits, "_refusal", "part.cursor != move.cursor", "False"),),
        style="zombies",
        seeds=200,
    ),
    Planted(
        "commit: the last entry decided from still exists",
        (Change(commits, "_refusal", "state.entry(move.partition, move.entry) is None", "False"),),
        style="lost_commits",
        seeds=200,
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
        style="lost_commits",
        seeds=100,
    ),
    Planted(
        "commit: halt token",
        (Change(commits, "_refusal", " or part.halt != move.halt", ""),),
        style="poison",
        seeds=300,
    ),
    Planted(
        "commit: a halted partition refuses",
        (
            Change(
                commits,
                "_refusal",
                'part.state == "halted" or part.halt != move.halt',
                "False",
            ),
        ),
        style="poison",
        seeds=100,
    ),
    Planted(
        "commit: compare on front",
        (Change(commits, "_refusal", "state.front.get(gate.day, 0) != gate.before", "False"),),
        style="lost_commits",
        seeds=100,
    ),
    Planted(
        "wake: at all",
        (Change(commits, "_wake", "gate is not None and opens(", "False and opens("),),
        style="dense",
        seeds=60,
    ),
    Planted(
        "wake: everybody when the quota is used up",
        (
            Change(
                commits, "_wake", "opens(gate.front, gate.used, pred, quota)", "pred <= gate.front"
            ),
        ),
        style="dense",
        seeds=100,
    ),
    Planted(
        "wake: whose predecessor is settled",
        (
            Change(
                commits, "_wake", "opens(gate.front, gate.used, pred, quota)", "gate.used >= quota"
            ),
        ),
        style="dense",
        seeds=60,
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
        style="dense",
        seeds=200,
    ),
    Planted(
        "next step: for the holder alone",
        (
            Change(
                commits,
                "_step",
                'if state.leases.get(step.partition, (0, ""))[1] != lease[1]:',
                "if False:",
            ),
        ),
        style="zombies",
        seeds=60,
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
        style="dense",
        seeds=100,
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
        style="dense",
        seeds=60,
    ),
    Planted(
        "take and tick: leases that ran out",
        (
            Change(
                partitions, "take", "and expired(deadline, now, settings.lease_ms)", "and False"
            ),
            Change(partitions, "tick", "if expired(end, now, settings.lease_ms)", "if False"),
        ),
        style="all",
        seeds=100,
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
        style="all",
        seeds=100,
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
        style="all",
        seeds=100,
    ),
    *COLLECTING,
)
