"""Waits on a server: held to the form in memory by chance, seen from elsewhere, gone with a ledger.

What both forms promise, one by one, is in `test_ports_outcomes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kernel.adapters.redis import keys
from kernel.adapters.redis.scripts import Scripts
from kernel.engine.errors import AlreadyInFlight
from kernel.engine.replies import Outcome, Waiter
from kernel.errors import LedgerGone
from kernel.ledger.ports import StoreUnavailable
from tests.contract.outcomes import KEEP_MS, OUTCOMES_MAX, outcomes_of
from tests.contract.twins.answers import OUTCOMES
from tests.support.stages import server_stage
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

    from kernel.ledger.ports import OutcomePort

calls = st.lists(
    st.tuples(
        st.sampled_from(("register", "extend", "complete", "fail", "cancel", "expire")),
        st.sampled_from("abcde"),
        st.integers(1, 400),
    ),
    min_size=15,
    max_size=60,
)


def answer_of(port: OutcomePort, what: str, trace_id: str, number: int, now: int) -> object:
    """Make one call, and return its answer, or what it was refused with."""
    if what in ("register", "extend"):
        act = port.register if what == "register" else port.extend
        try:
            return act(trace_id, now=now, timeout_ms=number)
        except AlreadyInFlight:
            return "in flight"
    if what == "expire":
        return port.expire(now)
    ends = {"complete": port.complete, "fail": port.fail, "cancel": port.cancel}
    return ends[what](trace_id, f"{number}", now=now)


@pytest.fixture
def names(ledger_name: str) -> Iterator[str]:
    """Names of ledgers, a new one for each example."""
    return (f"{ledger_name}-{number}" for number in count())


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves=calls)
@example(
    moves=[
        *(("register", trace_id, 1) for trace_id in "abcd"),
        ("extend", "a", 1),
        ("expire", "a", 1),
        *(("complete", trace_id, 1) for trace_id in "abcd"),
    ]
)
def test_the_two_forms_answer_alike_whatever_is_asked(
    client: redis.Redis, names: Iterator[str], moves: list[tuple[str, str, int]]
) -> None:
    """Same answers, outcomes, counts and events; and a dropped ledger leaves no key of them."""
    size = client.dbsize()
    stage = server_stage(client, next(names))
    memory = Waiter(keep_ms=KEEP_MS, outcomes_max=OUTCOMES_MAX)
    server = outcomes_of(stage)

    now = 1_000
    for what, trace_id, number in moves:
        now += number
        assert answer_of(server, what, trace_id, number, now) == answer_of(
            memory, what, trace_id, number, now
        )
    assert server.counters() == memory.counters()
    assert server.diagnostics() == memory.diagnostics()
    assert [server.poll(name) for name in "abcde"] == [memory.poll(name) for name in "abcde"]

    while stage.drop_step(64) != "DROPPED":
        continue
    assert client.dbsize() == size


def test_every_answer_of_the_scripts_is_met(client: redis.Redis, ledger_name: str) -> None:
    """The list of answers is held to the scripts' own words; this holds the scripts to the list."""
    stage = server_stage(client, ledger_name)
    scripts, met = Scripts(client), set()

    def step(script: str, *arguments: str | int, incarnation: str = "") -> None:
        first = (incarnation or stage.record.incarnation, 1_000_000)
        record = keys.record(ledger_name)
        answer = scripts.run(script, [record], (*first, *arguments, KEEP_MS, OUTCOMES_MAX, 9))
        met.add((script, answer[0].decode()))

    for incarnation in ("", "another"):
        for _ in range(2):
            step("register", "r", 10, incarnation=incarnation)
        for trace_id, status in (("r", "success"), ("r", "error"), ("s", "error")):
            step("conclude", trace_id, status, "{}", incarnation=incarnation)
        step("conclude", "s", "cancelled", "{}", incarnation=incarnation)
        step("expire", "{}", incarnation=incarnation)

    assert met == {(script, answer) for script, given in OUTCOMES.items() for answer in given}


def test_another_process_sees_what_became_of_it_and_the_server_tells_the_time(
    client: redis.Redis, ledger_name: str
) -> None:
    """What one registered and nobody answered expires for another one, by the server's clock."""
    stage = server_stage(client, ledger_name)
    one, other = outcomes_of(stage), outcomes_of(stage)
    one.register("soon", timeout_ms=1)
    one.register("later", timeout_ms=600_000)
    assert other.is_in_flight("later")
    assert other.extend("later", timeout_ms=600_000)

    assert other.complete("later", {"lines": 1})

    assert one.poll("later") == Outcome("success", {"lines": 1})
    assert not one.is_in_flight("later")
    assert wait_until(other.expire, within_s=5, what="a millisecond to pass") == ("soon",)
    assert one.poll("soon") == Outcome("timeout", None, "no answer in time")


def test_a_server_that_takes_no_write_for_a_while_is_away(
    client: redis.Redis, ledger_name: str
) -> None:
    """Also where a plain command is the one refused, and redis-py puts its own words before."""
    port = outcomes_of(server_stage(client, ledger_name))
    port.register("r", timeout_ms=600_000)
    client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
            port.extend("r", timeout_ms=600_000)
    finally:
        client.config_set("min-replicas-to-write", 0)

    assert port.extend("r", timeout_ms=600_000)


def test_waits_on_a_ledger_that_is_gone_say_so(client: redis.Redis, ledger_name: str) -> None:
    """Each method raises it, so nobody waits for ever for what was flushed."""
    port = outcomes_of(server_stage(client, ledger_name))
    client.flushall()
    acts: list[Callable[[], object]] = [
        lambda: port.register("r", timeout_ms=1),
        lambda: port.extend("r", timeout_ms=1),
        lambda: port.complete("r", None),
        lambda: port.fail("r", ""),
        lambda: port.cancel("r", ""),
        port.expire,
        lambda: port.poll("r"),
        lambda: port.is_in_flight("r"),
        port.counters,
        port.diagnostics,
    ]

    for act in acts:
        with pytest.raises(LedgerGone):
            act()
    assert client.dbsize() == 0
