"""What only a real server can show: create and drop, the out-of-memory flags, lost tails, crashes.

Also that a client of ours repeats nothing by itself, and what it makes of a server that is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis

from kernel.adapters.redis import keys
from kernel.adapters.redis.client import check_server, connect
from kernel.adapters.redis.ledger import RedisLedger, create, find
from kernel.adapters.redis.scripts import FLAGS, source
from kernel.adapters.redis.status import read_ledger, read_run
from kernel.errors import LedgerGone, RedisUnsuitable
from kernel.ledger.ports import StoreFull, StoreUnavailable
from kernel.ledger.units import LoadRequest
from tests.contract.actors import Actors
from tests.support.ledger_state import ledger_keys
from tests.support.plausible import Line
from tests.support.server import Fsync, Server
from tests.support.stages import Clock, ServerStage, rule_set, server_stage, settings_of

if TYPE_CHECKING:
    from kernel.ledger.record import CreateAnswer

PRIME = Line(0, 1, candidate=True)
PLAIN = Line(1)


def make(
    client: redis.Redis, name: str, *, key: str = "aa", throwaway: bool = False
) -> CreateAnswer:
    """Create a ledger of two partitions."""
    return create(
        client,
        name,
        rules=rule_set(1),
        settings=settings_of(2),
        master_key=key,
        throwaway=throwaway,
    )


def test_a_ledger_is_created_once_and_found_as_it_was_made(
    client: redis.Redis, ledger_name: str
) -> None:
    """A second create, by a process with other wishes, is told what stands."""
    assert find(client, ledger_name) is None

    first = make(client, ledger_name, key="aa")
    second = make(client, ledger_name, key="bb")

    assert (first.status, second.status) == ("CREATED", "EXISTS")
    assert first.record == second.record == find(client, ledger_name)
    assert first.record.master_key == "aa"
    assert first.record.partitions == 2


def test_a_record_without_a_key_id_is_that_of_a_ledger_with_its_own_key(
    client: redis.Redis, ledger_name: str
) -> None:
    """And with neither of the two it is a throw-away one."""
    make(client, ledger_name)
    client.hdel(keys.record(ledger_name), "key_id")
    found = find(client, ledger_name)
    assert found is not None
    assert (found.master_key, found.key_id, found.is_throwaway) == ("aa", "", False)

    client.hdel(keys.record(ledger_name), "key")

    found = find(client, ledger_name)
    assert found is not None
    assert found.is_throwaway


def test_a_ledger_made_anew_has_another_incarnation(client: redis.Redis, ledger_name: str) -> None:
    """So a process of the old one is told GONE, and never takes the new one for its own."""
    old = make(client, ledger_name).record
    client.flushall()
    make(client, ledger_name)

    ledger = RedisLedger(client, ledger_name, old)

    assert ledger.open(run="r", owner="p", kind="produce").status == "GONE"
    with pytest.raises(LedgerGone):
        ledger.read_ids(["7"])


@pytest.mark.parametrize("most", [1, 3, 1_000])
def test_a_drop_in_steps_leaves_nothing_behind(
    client: redis.Redis, ledger_name: str, most: int
) -> None:
    """DBSIZE is what it was before, whatever the ledger had grown; its neighbour is not touched."""
    neighbour = server_stage(client, f"{ledger_name}x")
    size = client.dbsize()
    make(client, ledger_name, throwaway=True)
    record = find(client, ledger_name)
    assert record is not None
    stage = ServerStage(client, ledger_name, record, Clock())
    act = Actors(stage)
    act.append(PRIME, PLAIN, None, Line(1, 8, field="7"), Line(0, 15))
    act.worker("x").turn(limit=2)
    act.append(PRIME, PLAIN, run="r2")
    act.worker("y").turn(limit=3)
    assert int(client.dbsize()) > int(size) + 10

    steps = [stage.drop_step(most)]
    while steps[-1] != "DROPPED":
        steps.append(stage.drop_step(most))

    assert client.dbsize() == size
    assert set(steps[:-1]) == {"MORE"}
    assert neighbour.state().next_seq == 1
    assert stage.ledger.open(run="r1", owner="p", kind="produce").status == "GONE"
    assert stage.drop_step(most) == "DROPPED"


def test_a_ledger_that_is_being_dropped_can_be_looked_at(
    client: redis.Redis, ledger_name: str
) -> None:
    """Also when a commit that came too late has counted into a run that was removed already."""
    stage = server_stage(client, ledger_name)
    act = Actors(stage)
    act.append(PRIME, PLAIN)
    assert stage.drop_step(1_000) == "MORE"
    act.worker("x").turn(limit=2)

    assert client.exists(keys.beside(ledger_name, "run:r1"))
    assert read_run(client, ledger_name, "r1") is None
    seen = read_ledger(client, ledger_name)
    assert seen is not None
    assert seen.runs == {}


@pytest.mark.parametrize("script", FLAGS)
def test_only_the_scripts_that_make_a_ledger_grow_are_refused_when_the_server_is_full(
    script: str, client: redis.Redis
) -> None:
    """The flag in a script's first line is what lets it run at `maxmemory`; load may not write."""
    client.config_set("maxmemory", 1)
    text = source(script).decode()

    def runs() -> bool:
        try:
            client.eval(text, 1, "fl:{nobody}:record", "gone", "", *["0"] * 30)
        except redis.exceptions.OutOfMemoryError:
            return False
        return True

    assert runs() is (script not in {"create", "open", "append"})
    assert ("no-writes" in text.partition("\n")[0]) is (script == "load")


def test_a_full_server_refuses_to_create_a_ledger(client: redis.Redis, ledger_name: str) -> None:
    """And leaves nothing half made."""
    client.config_set("maxmemory", 1)

    with pytest.raises(StoreFull):
        make(client, ledger_name)
    assert ledger_keys(client, ledger_name) == []


def test_the_servers_own_clock_is_used_where_no_test_brings_one(
    client: redis.Redis, ledger_name: str
) -> None:
    """Leases and entry ids then carry the server's time."""
    record = make(client, ledger_name).record
    ledger = RedisLedger(client, ledger_name, record)

    before: Any = client.time()
    ledger.open(run="r", owner="p", kind="produce")
    after: Any = client.time()
    deadline = ledger.open(run="r", owner="q", kind="produce").deadline

    first, last = (seconds * 1_000_000 + us for seconds, us in (before, after))
    assert first // 1_000 <= deadline - 5_000 <= last // 1_000


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_a_worker_that_holds_what_a_crash_took_away_is_told_rewound(fsync: Fsync) -> None:
    """The tail is really cut off the append-only file; then the same bytes are appended again."""
    with Server(fsync=fsync) as server:
        client = server.client()
        act = Actors(server_stage(client, "tail"))
        ledger = act.stage.ledger
        act.append(PLAIN)
        size = server.hold_tail()
        lost = act.append(PLAIN, PRIME)
        x = act.worker("x")
        x.take()
        x.load()
        newer = x.request()

        server.cut_tail(size)

        assert act.state().next_seq == 2
        assert ledger.commit(newer).status == "REWOUND"
        act.stage.clock.advance(1)
        assert ledger.append(lost).base == 2
        assert ledger.commit(newer).status == "REWOUND"
        assert act.worker("y").turn().status == "APPLIED"
        client.close()


def test_a_load_goes_through_on_a_server_that_was_started_anew(
    client: redis.Redis, ledger_name: str
) -> None:
    """It knows no script, and says so in the middle of what was to be one atomic step."""
    ledger = server_stage(client, ledger_name).ledger
    client.script_flush()

    answer = ledger.load(LoadRequest([0], {0: ["1"]}, [1]))

    assert (answer.status, answer.packed) == ("LOADED", {0: [None]})


def test_what_was_answered_survives_a_kill(ledger_name: str) -> None:
    """SIGKILL of the server loses nothing that it had written, and scripts are sent anew."""
    with Server(fsync="always") as server:
        client = server.client()
        act = Actors(server_stage(client, ledger_name))
        act.append(PRIME, PLAIN, None)
        act.worker("x").turn()
        before = act.state()

        server.kill()
        with pytest.raises(StoreUnavailable):
            act.stage.ledger.tick(worker="x")
        server.start()

        assert act.state() == before
        act.append(PLAIN)
        assert act.worker("x").turn().status == "APPLIED"
        client.close()


def test_a_server_that_would_evict_keys_is_unsuitable(client: redis.Redis) -> None:
    """It would lose money silently; the check names the setting."""
    check_server(client)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(RedisUnsuitable, match="noeviction"):
            check_server(client)
    finally:
        client.config_set("maxmemory-policy", "noeviction")


def test_a_time_out_is_an_unknown_outcome_and_is_not_repeated(
    server: Server, client: redis.Redis, ledger_name: str
) -> None:
    """A busy server: the call ends in StoreUnavailable, and whatever became of it, once is once.

    A server that sees the hang-up first drops what was sent; one that reads first carries it out.
    """
    act = Actors(server_stage(client, ledger_name))
    request = act.chunk(PLAIN)
    hasty = connect(server.url, timeout_s=0.05)
    ledger = RedisLedger(hasty, ledger_name, act.state().record, act.stage.clock)
    ledger.preload()
    busy: Any = client.connection_pool.get_connection()
    busy.send_command("EVAL", "local s = os.clock() while os.clock() - s < 0.4 do end", 0)

    with pytest.raises(StoreUnavailable):
        ledger.append(request)

    busy.read_response()
    client.connection_pool.release(busy)
    assert act.stage.ledger.append(request).status in ("ALREADY", "APPENDED")
    assert act.stage.ledger.append(request).status == "ALREADY"
    assert [part.end for part in act.state().parts] == [0, 1]
    hasty.close()


def test_replies_read_over_a_new_connection_are_not_taken_for_what_followed(
    server: Server, ledger_name: str
) -> None:
    """A server that was away between two reads may have lost its tail; the reader begins again."""
    client = connect(server.url)
    record = make(client, ledger_name).record
    ledger = RedisLedger(client, ledger_name, record)
    ledger.open(run="r", owner="o", kind="produce")

    def read() -> str:
        return ledger.read(run="r", after="0", wait_ms=0, count=1).status

    assert (read(), read()) == ("READ", "READ")
    server.restart()
    with pytest.raises(StoreUnavailable, match="made anew"):
        read()
    assert read() == "READ"
    client.close()
