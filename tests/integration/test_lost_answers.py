"""An answer that is lost after its script has done its work: recognised, and nothing done twice.

Each process reaches the server through a proxy of its own, which lets every script take effect and
loses the answer once. What was done is counted in the append-only file, not asked of the fleet.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.fleet import ENDS_S, Fleet, Member, config_file
from tests.support.history import cursor_moves, deeds
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.proxy import Proxy
from tests.support.server import Server
from tests.support.waiting import wait_until

LINES = 2_400
CHUNK = 100
#: Whose script, and at which of its times the answer is lost.
SCRIPTS = {
    "produce": {"create": 1, "open": 1, "append": 3, "finish": 1},
    "worker": {"tick": 1, "take": 2, "load": 2, "commit": 2, "end_shift": 1},
    "collect": {"open": 1, "ack": 1},
}


def through(proxies: dict[str, Proxy], fleet: Fleet, config: Path, output: Path) -> list[Member]:
    """Start one process of each kind, each by its own way."""
    run = ("--run", fleet.run)
    words = {
        "produce": ("--config", str(config), "--input", str(fleet.folder / "sample"), *run),
        "worker": (),
        "collect": ("--output", str(output), *run),
    }
    return [
        fleet.start(verb, "--redis-url", proxies[verb].url, "--ledger", fleet.ledger, *more)
        for verb, more in words.items()
    ]


@pytest.mark.row("an answer of Redis lost after its effect")
@pytest.mark.parametrize("verb", SCRIPTS)
def test_a_lost_answer_of_any_script_is_no_second_effect(
    fleet: Fleet, server: Server, verb: str
) -> None:
    """Every script of one kind of process loses an answer: same bytes, each effect once."""
    source, output = fleet.folder / "sample", fleet.folder / "output"
    source.write_bytes(sample_bytes(LINES))
    since = server.hold_tail()
    config = config_file(
        fleet.folder, "experiment", chunk_lines_max=CHUNK, turn_attempts_max=64, linger_ms=50
    )
    with ExitStack() as stack:
        proxies = {name: stack.enter_context(Proxy(server.socket)) for name in SCRIPTS}
        for script, at in SCRIPTS[verb].items():
            proxies[verb].lose_answer(script, at=at)

        producer, _, collector = through(proxies, fleet, config, output)

        assert (producer.ends(), collector.ends()) == (0, 0)
        dropped = proxies[verb].dropped
        wait_until(lambda: set(dropped) == set(SCRIPTS[verb]), within_s=ENDS_S, what="every loss")
        assert not [answer for answer in dropped.values() if answer.startswith(b"-")]
    assert output.read_bytes() == memory_bytes(config, source)
    view = fleet.run_view()
    assert view is not None
    assert (view.position, view.answers, sum(view.tally.values())) == (LINES, LINES, LINES)
    assert fleet.view().next_seq == LINES + 1
    assert deeds(server, fleet.ledger, since=since).appends == LINES // CHUNK
    for reaches in cursor_moves(server, fleet.ledger, since=since).values():
        assert reaches == sorted(set(reaches)), "a cursor went back, or the same way twice"
