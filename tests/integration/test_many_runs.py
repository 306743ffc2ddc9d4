"""Several producers feed several runs into one ledger at the same time: all proceed, in one order.

Nobody knows that order beforehand. It is read back from the append-only file, and the oracle is fed
in it: then every output must be what the oracle says, across the runs.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Final

import pytest

from tests.support.fleet import Fleet, config_file
from tests.support.history import appended
from tests.support.oracle import EXPERIMENT, Answer, Oracle, lines_of, output_bytes
from tests.support.server import Server
from tests.support.streams import nasty_stream

RUNS: Final = ("one", "two", "three")


@pytest.mark.row("several producers with several runs on one ledger")
def test_runs_fed_at_once_are_answered_in_the_ledgers_one_order(
    fleet: Fleet, server: Server
) -> None:
    """Duplicates, sums and gates count across the runs, as the order of the appends has it."""
    lines = lines_of(nasty_stream(11, 1_000))
    # The same ids in each, in another order: so appends meet whose ids are claimed in between.
    parts = {run: Random(run).sample(lines, len(lines)) for run in RUNS}
    config = config_file(fleet.folder, "experiment", chunk_lines_max=16, turn_attempts_max=200)
    since = server.hold_tail()
    fleet.make_ledger(config)
    fleet.known_workers(2)
    members = []
    for run, part in parts.items():
        fleet.run = run
        source = fleet.folder / f"{run}.in"
        source.write_bytes(b"".join(line + b"\n" for line in part))
        members += [fleet.produce(config, source), fleet.collect(fleet.folder / run)]

    assert [member.ends() for member in members] == [0] * len(members)

    order = appended(server, fleet.ledger, since=since)
    assert sum(a.run != b.run for a, b in pairwise(order)) >= 10, "fed one after another"
    oracle, answers = Oracle(EXPERIMENT), dict[str, list[Answer]]()
    for each in order:
        for line in parts[each.run][each.first_line - 1 :][: each.lines]:
            answers.setdefault(each.run, []).append(oracle.feed(line))
    for run in RUNS:
        assert (fleet.folder / run).read_bytes() == output_bytes(answers[run])
