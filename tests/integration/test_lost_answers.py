"""An answer that is lost after its script has done its work: recognised, and nothing done twice.

Each process reaches the server through a proxy of its own, which lets every script take effect and
loses the answer once. What was done is counted in the append-only file, not asked of the fleet.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kernel.adapters.redis import keys
from tests.support.fleet import ENDS_S, Fleet, Member, config_file
from tests.support.history import cursor_moves, deeds
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.operating import flip, halted, spoken
from tests.support.proxy import Proxy
from tests.support.server import Server
from tests.support.waiting import wait_until

ROW = pytest.mark.row("an answer of Redis lost after its effect")
LINES = 2_400
CHUNK = 100
#: Whose script, and at which of its times the answer is lost.
SCRIPTS = {
    "produce": {"create": 1, "open": 1, "append": 3, "finish": 1, "leave": 1},
    "worker": {"tick": 1, "take": 2, "load": 2, "commit": 2, "end_shift": 1},
    "collect": {"open": 1, "ack": 1, "register": 1, "conclude": 1, "leave": 1},
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


@ROW
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
    assert spoken(fleet, "wait", "--run", fleet.run)[0] == 0
    view = fleet.run_view()
    assert view is not None
    assert (view.position, view.answers, sum(view.tally.values())) == (LINES, LINES, LINES)
    assert fleet.view().next_seq == LINES + 1
    assert deeds(server, fleet.ledger, since=since).appends == LINES // CHUNK
    for reaches in cursor_moves(server, fleet.ledger, since=since).values():
        assert reaches == sorted(set(reaches)), "a cursor went back, or the same way twice"


@ROW
def test_a_halt_and_its_end_happen_once_though_both_answers_are_lost(
    fleet: Fleet, server: Server
) -> None:
    """A worker reports a batch that it cannot trust; an operator resumes when it is mended."""
    source, output = fleet.folder / "sample", fleet.folder / "output"
    source.write_bytes(sample_bytes(LINES))
    config = config_file(fleet.folder, "experiment")
    assert fleet.produce(config, source).ends() == 0
    log = keys.beside(fleet.ledger, "log:3")
    flip(server, log)
    with Proxy(server.socket) as proxy:
        proxy.lose_answer("fail")
        proxy.lose_answer("resume")
        there = ("--redis-url", proxy.url, "--ledger", fleet.ledger)
        worker = fleet.start("worker", *there)
        wait_until(lambda: halted(fleet) == [3], within_s=ENDS_S, what="a halted partition")
        wait_until(lambda: "fail" in proxy.dropped, within_s=ENDS_S, what="the first loss")

        flip(server, log)
        resumed = fleet.start("partition", "resume", "3", *there)

        assert resumed.ends() == 0, resumed.said
        assert fleet.collect(output).ends() == 0
        assert worker.popen.poll() is None
        assert proxy.dropped["fail"].endswith(b"HALTED\r\n")
        assert b"RESUMED" in proxy.dropped["resume"]
    assert output.read_bytes() == memory_bytes(config, source)
    assert (fleet.counter("halts"), fleet.counter("resumes")) == (1, 1)


@ROW
def test_a_ledger_half_dropped_when_the_answer_is_lost_is_dropped_by_another_run(
    fleet: Fleet, server: Server
) -> None:
    """The run says so and is done; the next one on that server finds the rest."""
    source, output = fleet.folder / "sample", fleet.folder / "output"
    source.write_bytes(sample_bytes(300))
    config = config_file(fleet.folder, "baseline", throwaway_ms=1_000)
    client: Any = server.client()
    before = set(client.scan_iter("fl:*"))
    with Proxy(server.socket) as proxy:
        words = ("run", "--config", str(config), "--input", str(source), "--output", str(output))
        there = ("--redis-url", proxy.url, "--workers", "1")
        proxy.lose_answer("drop")

        run = fleet.start(*words, *there)

        assert run.ends() == 0, run.said
        assert proxy.dropped["drop"].endswith(b"MORE\r\n")
        assert "stays; a later run drops it" in run.said
        now = int(client.time()[0])
        wait_until(lambda: client.time()[0] > now + 1, within_s=ENDS_S, what="its time to be over")
        assert fleet.start(*words, *there, "--force").ends() == 0
    assert output.read_bytes() == memory_bytes(config, source)
    assert set(client.scan_iter("fl:*")) == before
    client.close()
