"""The client against a real server and real workers: threads, coroutines, a kill, a lost tail.

Lives here: what only threads, processes and a server can show. Not here: the core's own promises
(`tests/unit/producer`), the verb (`test_submit.py`).
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import IO

import pytest

from kernel.errors import FundloadError, LeaseHeld, Refused
from producer.client import AsyncClient, Client, Decision, Unanswered
from tests.support.counter import attempt, row
from tests.support.fleet import ENDS_S, Fleet, Member, config_file
from tests.support.history import appended
from tests.support.oracle import EXPERIMENT, Answer, Oracle, lines_of, output_bytes
from tests.support.proxy import Proxy
from tests.support.server import Server
from tests.support.streams import nasty_stream
from tests.support.waiting import wait_until

Lines = dict[int, bytes]


def threads_of_clients() -> list[str]:
    """Return the names of the threads that clients have left."""
    return [thread.name for thread in threading.enumerate() if "fundload" in thread.name]


def by_threads(
    url: str, ledger: str, lines: list[bytes], meanwhile: Callable[[], None]
) -> tuple[list[Decision], Lines]:
    """Submit from eight threads; return the decisions, and which line got which number."""
    with Client(url, ledger, run="threads") as client, ThreadPoolExecutor(8) as pool:

        def submit(line: bytes) -> Decision:
            meanwhile()
            return client.submit(line)

        decisions = list(pool.map(submit, lines))
    return decisions, {d.number: line for d, line in zip(decisions, lines, strict=True)}


async def by_coroutines(url: str, ledger: str, lines: list[bytes]) -> tuple[list[Decision], Lines]:
    """Submit from as many coroutines as there are lines."""
    async with AsyncClient(url, ledger, run="coroutines") as client:
        decisions = await asyncio.gather(*map(client.submit, lines))
    return decisions, {d.number: line for d, line in zip(decisions, lines, strict=True)}


class Piecewise:
    """A file that goes through a pipe piece by piece, while others submit."""

    def __init__(self, fleet: Fleet, producer: Member, lines: list[bytes]) -> None:
        self._fleet = fleet
        self._producer = producer
        self._lines = lines
        self._lock = threading.Lock()
        self._calls = self._fed = 0

    def __call__(self) -> None:
        """Each twentieth time, write sixty lines and wait until they are on the ledger."""
        with self._lock:
            self._calls += 1
            if self._calls % 20 == 0:
                piece = self._lines[self._fed : self._fed + 60]
                self._fed += len(piece)
                pipe = self._pipe()
                pipe.write(b"".join(line + b"\n" for line in piece))
                pipe.flush()
                wait_until(self._is_on_the_ledger, within_s=ENDS_S, what="sixty lines more")

    def _is_on_the_ledger(self) -> bool:
        return appended_lines(self._fleet) == self._fed

    def _pipe(self) -> IO[bytes]:
        pipe = self._producer.popen.stdin
        assert pipe is not None
        return pipe

    def end(self) -> None:
        """Close the pipe: that is the end of the file."""
        self._pipe().close()


def appended_lines(fleet: Fleet) -> int:
    """Return how many lines the fleet's run has on the ledger."""
    view = fleet.run_view()
    return 0 if view is None else view.position


def shown(decision: Decision) -> tuple[str | None, str, str]:
    """Return what the oracle says, too."""
    reason = "" if decision.accepted else decision.reason
    return decision.row, decision.answer, reason


def said_by(answer: Answer) -> tuple[str | None, str, str]:
    """Return an oracle's answer as a decision shows it."""
    return output_bytes([answer]).decode() or None, answer.answer, answer.reason


@pytest.mark.row("several producers with several runs on one ledger")
def test_clients_and_a_file_are_answered_in_the_ledgers_one_order(
    fleet: Fleet, server: Server
) -> None:
    """A pipe, eight threads and three hundred coroutines at once, over the same ids."""
    lines = lines_of(nasty_stream(7, 900))
    config = config_file(fleet.folder, "experiment", chunk_lines_max=16, turn_attempts_max=200)
    since = server.hold_tail()
    fleet.make_ledger(config)
    fleet.known_workers(2)
    fleet.run = "file"
    output = fleet.folder / "file.out"
    collector = fleet.collect(output)
    with ThreadPoolExecutor(2) as pool:
        producer = fleet.produce(config, "-", stdin=subprocess.PIPE)
        wait_until(fleet.run_view, within_s=ENDS_S, what="the producer")
        feed = Piecewise(fleet, producer, lines)
        threads = pool.submit(by_threads, server.url, fleet.ledger, lines[:300], feed)
        coroutines = pool.submit(
            lambda: asyncio.run(by_coroutines(server.url, fleet.ledger, lines[100:400]))
        )
        (decided_t, lines_t), (decided_c, lines_c) = threads.result(), coroutines.result()
        feed.end()

    assert (producer.ends(), collector.ends()) == (0, 0)
    inputs: dict[str, Lines] = {
        "file": dict(enumerate(lines, 1)),
        "threads": lines_t,
        "coroutines": lines_c,
    }
    order = appended(server, fleet.ledger, since=since)
    assert sum(a.run != b.run for a, b in pairwise(order)) >= 10, "fed one after another"
    oracle, answers = Oracle(EXPERIMENT), dict[tuple[str, int], Answer]()
    for each in order:
        for number in range(each.first_line, each.first_line + each.lines):
            answers[each.run, number] = oracle.feed(inputs[each.run][number])
    assert len(answers) == 900 + 300 + 300
    for decision in (*decided_t, *decided_c):
        assert shown(decision) == said_by(answers[decision.run, decision.number]), decision
    assert output.read_bytes() == output_bytes(answers["file", n] for n in range(1, 901))
    assert threads_of_clients() == []


def test_who_stops_waiting_is_told_the_number_and_may_ask_again(
    fleet: Fleet, server: Server
) -> None:
    """Out of time, or cancelled, while there is no worker: the attempts are decided later, once.

    The answer of the first append is lost on the way, too.
    """
    config = config_file(fleet.folder, "baseline")
    fleet.make_ledger(config)

    async def give_up(client: AsyncClient) -> None:
        with pytest.raises(Unanswered) as ended:
            await client.submit(attempt(1), timeout_s=0.05)
        assert (ended.value.run, ended.value.number) == ("till", 1)
        waiting = asyncio.create_task(client.submit(attempt(2)))
        await asyncio.sleep(0)  # it goes as far as it can without an answer
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    async def ask_again(url: str) -> list[Decision]:
        async with AsyncClient(url, fleet.ledger, run="till") as client:
            await give_up(client)
            fleet.known_workers(1)
            decisions = [await client.submit(attempt(n), number=n) for n in (1, 2)]
            with pytest.raises(Refused, match="submission 2 of run till was another attempt"):
                await client.submit(attempt(2, cents=101), number=2)
            return [*decisions, await client.submit(attempt(2))]

    with Proxy(server.socket) as proxy:
        proxy.lose_answer("append")
        decisions = asyncio.run(ask_again(proxy.url))
        assert b"APPENDED" in proxy.dropped["append"]

    fleet.run = "till"
    assert appended_lines(fleet) == 3
    assert [decision.reason for decision in decisions[:2]] == ["ACCEPTED", "ACCEPTED"]
    assert (decisions[2].number, decisions[2].reason) == (3, "ID_DUPLICATE_REPLAY")
    assert threads_of_clients() == []


def test_a_client_that_was_killed_is_followed_by_another_one(fleet: Fleet) -> None:
    """Killed while it waits: the next one has its numbers, and the answers to them."""
    config = config_file(fleet.folder, "baseline", run_lease_ms=600)
    fleet.make_ledger(config)
    fleet.run = "till"
    words = ("submit", "--redis-url", fleet.url, "--ledger", fleet.ledger, "--run", fleet.run)
    killed = fleet.start(*words, row_as_line(1), row_as_line(2))

    wait_until(lambda: appended_lines(fleet) == 2, within_s=ENDS_S, what="two lines")
    killed.kill()
    fleet.known_workers(1)

    with Client(fleet.url, fleet.ledger, run=fleet.run) as client:
        assert client.submitted == 2
        assert client.submit(row_as_line(1), number=1).row == row(1)
        with pytest.raises(Refused, match="submission 2 of run till was another attempt"):
            client.submit(row_as_line(3), number=2)
        assert client.submit(row_as_line(2), number=2).accepted
        assert client.submit(row_as_line(3), number=3).accepted
        with pytest.raises(Refused, match="the next one is 4"):
            client.submit(row_as_line(5), number=5)
        with pytest.raises(LeaseHeld, match="run till is being fed by another process"):
            Client(fleet.url, fleet.ledger, run=fleet.run).__enter__()
        ours = threads_of_clients()
        with pytest.raises(TimeoutError):
            asyncio.run(opened_within(0.05, fleet))
        wait_until(lambda: threads_of_clients() == ours, within_s=ENDS_S, what="its end")
    view = fleet.run_view()
    assert view is not None
    assert (view.lines, view.answers) == (3, 3)


async def opened_within(seconds: float, fleet: Fleet) -> None:
    """Open a client, and give up when it takes longer."""
    async with asyncio.timeout(seconds), AsyncClient(fleet.url, fleet.ledger, run=fleet.run):
        pass


def row_as_line(number: int) -> str:
    """Return an attempt as a text."""
    return str(attempt(number)).replace("'", '"')


def test_a_client_outlives_a_lost_tail_and_ends_without_a_server(tmp_path: Path) -> None:
    """What was lost is sent again, and answered as it was told; its end is bounded."""
    lines = lines_of(nasty_stream(5, 300))
    with Server() as server, Fleet(server.url, "prod", tmp_path) as fleet:
        fleet.make_ledger(config_file(tmp_path, "experiment"))
        fleet.known_workers(1)
        client = Client(server.url, fleet.ledger, run="till")
        with client:
            decisions = list(client.submit_together(lines[:100]))
            size = server.hold_tail()
            decisions += client.submit_together(lines[100:200])
            server.cut_tail(size)
            decisions += client.submit_together(lines[200:])
            asked = [client.submit(lines[n - 1], number=n) for n in (101, 150, 200)]

            server.kill()
            with pytest.raises(Unanswered, match="no answer in time"):
                client.submit(attempt(1), timeout_s=0.05)
            with pytest.raises(FundloadError):
                client.close(within_s=0.2)

    oracle = Oracle(EXPERIMENT)
    assert [shown(decision) for decision in decisions] == [
        said_by(oracle.feed(line)) for line in lines
    ]
    assert [decision.number for decision in decisions] == list(range(1, 301))
    assert asked == [decisions[number - 1] for number in (101, 150, 200)]
    assert threads_of_clients() == []
