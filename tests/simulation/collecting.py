"""The real collector in a simulated world, and the file that it writes.

Lives here: an output in memory that tells what is safe from what a kill loses, and the life of a
process that collects one run to its end. Lives elsewhere: the stand-in (`actors`) for worlds in
which answers may rightly come again otherwise; the real one must refuse those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from consumers.collector import Collector, CollectorSeat
from kernel.adapters.files.output import OutputFile
from kernel.adapters.memory.state import Run
from kernel.domain.decision import row_of
from kernel.errors import LeaseHeld
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.scenario import EGRESS, build_runner
from tests.simulation.actors import Output, Station, collector_life
from tests.simulation.plan import Plan
from tests.simulation.scheduler import Actor
from tests.simulation.shown import Answered
from tests.simulation.store import Link


class FileOfRun:
    """A run's output file in memory: rows and codes, and how many lines a checkpoint covers."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.lines = 0
        self.codes = bytearray()
        self._rows: list[str] = []
        self._safe = 0

    def write(
        self,
        rows: Sequence[str],
        codes: Sequence[int],
        lines: Sequence[int],
        ids: Sequence[str] = (),
    ) -> None:
        """Write the rows of the next lines."""
        del ids
        if not lines:
            return
        assert lines[0] == self.lines + 1
        assert lines[-1] == self.lines + len(lines)
        assert len(rows) == len(codes) == len(lines)
        self._rows += rows
        self.codes += bytes(codes)
        self.lines += len(lines)

    def checkpoint(self) -> int:
        """Make safe what is written."""
        self._safe = self.lines
        return self.lines

    def lose_unsafe(self) -> None:
        """Go back to the checkpoint, as the next process does that opens the file."""
        self.lines = self._safe
        del self.codes[self._safe :], self._rows[self._safe :]

    def holds(self, line: int, answer: Answered) -> bool:
        """Tell whether this is what is written in a line's place."""
        if not 0 < line <= self.lines:
            return False
        return (self._rows[line - 1], self.codes[line - 1]) == (row_of(*answer), answer.code)


def is_to_collect(run: Run) -> bool:
    """Say whether something is left to read: what comes again after a lost tail, too."""
    return run.lines != run.written or len(run.replies) > 1  # the floor is never trimmed


def output_of(run: str, plan: Plan, runs: int) -> Output | FileOfRun:
    """Make the output of a run: for the stand-in where answers may come again otherwise."""
    comes_again = runs == 1 and not plan.shape.poison
    return FileOfRun(run) if comes_again or "store rewound" not in plan.kinds else Output(run)


def life_of_collector(
    station: Station, link: Link, output: Output | FileOfRun
) -> Callable[[Actor], None]:
    """Return the life of whoever collects into this output."""
    if isinstance(output, Output):
        return collector_life(station, link, output)
    return collecting_life(station, link, output)


def collecting_life(station: Station, link: Link, file: FileOfRun) -> Callable[[Actor], None]:
    """Collect one run until it is complete."""

    def live(actor: Actor) -> None:
        file.lose_unsafe()
        collector = Collector(
            seat=CollectorSeat(station.ledger, file.run, actor.name),
            port=link,
            runner=build_runner(station.rules, station.settings.partitions, [EGRESS], views={}),
            codec=station.codec,
            clock=actor,
            settings=station.settings,
        )
        try:
            collector.wait_for_run(lambda _sentence: None)
            collector.collect(cast("OutputFile", file), follow=False, should_stop=lambda: False)
        except (LeaseHeld, StoreUnavailable) as error:
            actor.world.log(actor.name, f"gives up: {error}")

    return live
