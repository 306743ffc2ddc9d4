"""The memory profile: the whole graph in this process, without Redis.

One group, so nothing crosses a boundary; the units of work are applied once a chunk, in the order
append, commit, write. This is what the fleet's output is compared with, byte for byte.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from kernel.adapters.files.output import OutputFile
from kernel.adapters.files.source import SourceChunk
from kernel.adapters.memory.profile import IdsOfProfile, ProfileLedger, StateOfProfile
from kernel.domain.ruleset import RuleSet
from kernel.engine.envelope import Envelope
from kernel.engine.observers import Observer
from kernel.engine.runner import Runner
from kernel.ledger.order import HoldBack
from kernel.ledger.payloads import (
    BATCH,
    CHUNK,
    CLASSIFIED,
    DECIDED,
    DECLINED,
    IDS,
    ORDER,
    ROWS,
    STATE,
    Answers,
    Chunk,
    DecidedTurn,
    Rows,
)
from kernel.ledger.scenario import ALL_GROUPS, build_runner
from kernel.runtime.summary import Summary


class Lines(Protocol):
    """Where chunks come from; `LineSource` is the one for files."""

    def read_chunk(self, within_ms: int | None = None) -> SourceChunk | None:
        """Return the next lines, None at the end."""


class MemoryProfile:
    """Decides one run, chunk after chunk."""

    def __init__(
        self,
        rules: RuleSet,
        output: OutputFile,
        *,
        run: str,
        keep_ids: bool,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._ledger = ProfileLedger()
        self._output = output
        self._run = run
        self._keep_ids = keep_ids
        self._hold_back = HoldBack(output.codes, keep_ids=keep_ids)
        self._runner: Runner = build_runner(
            rules,
            1,
            ALL_GROUPS,
            observers,
            views={
                IDS: IdsOfProfile(self._ledger),
                ORDER: self._ledger,
                STATE: StateOfProfile(self._ledger),
            },
            run_id=run,
        )
        self.tally: Counter[int] = Counter()
        self.cents_accepted = 0

    def decide(self, chunk: SourceChunk) -> None:
        """Run the graph over a chunk and apply its effects."""
        trace_id = f"{self._run}:{chunk.first_line}"
        envelope = Envelope(
            Chunk(self._run, chunk.first_line, chunk.raw), CHUNK, trace_id, reply_to=self._run
        )
        result = self._runner.run([envelope])
        self._ledger.append(result.payloads(CLASSIFIED)[0], result.payloads(BATCH), chunk.lines)
        turns: list[DecidedTurn] = result.payloads(DECIDED)
        answered: list[Answers] = result.payloads(DECLINED)
        for turn in turns:
            assert turn.decided is not None
            self._ledger.commit(turn.decided)
            answered.extend(turn.answers)
        for answers in answered:
            self.cents_accepted += answers.cents_accepted
            self.tally.update({code: answers.codes.count(code) for code in set(answers.codes)})
        self._write(result.payloads(ROWS), answered)

    def _write(self, several: list[Rows], answered: list[Answers]) -> None:
        ids = {answers.lines[0]: answers.ids for answers in answered} if self._keep_ids else {}
        for rows in several:
            kept = ids.get(rows.lines[0], ())
            released = self._hold_back.add(rows.lines, rows.rows, rows.codes, kept)
            self._output.write(released.rows, released.codes, released.lines, released.ids)


def decide_in_memory(
    rules: RuleSet,
    source: Lines,
    output: OutputFile,
    *,
    run: str = "memory",
    keep_ids: bool = False,
    on_progress: Callable[[int], None] = lambda _lines: None,
    observers: Sequence[Observer] = (),
) -> Summary:
    """Decide a whole input and publish the output.

    Args:
        rules: The rule set in force.
        source: The input.
        output: Where rows go; finished here, abandoned by the caller when this raises.
        run: Name of the run, for traces.
        keep_ids: Whether the output also wants ids, for its reasons.
        on_progress: Told the number of lines decided, after each chunk.
        observers: Who watches the nodes.

    Raises:
        FundloadError: input or output failed; the sentence says how.
    """
    began = time.perf_counter()
    profile = MemoryProfile(rules, output, run=run, keep_ids=keep_ids, observers=observers)
    lines = 0
    while (chunk := source.read_chunk()) is not None:
        profile.decide(chunk)
        lines += chunk.lines
        on_progress(lines)
    output.finish()
    seconds = time.perf_counter() - began
    return Summary(lines, profile.tally, profile.cents_accepted, seconds, 0)
