"""The barrier on a server: whose word is taken, whose is not, and what it says nothing about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
import redis

from kernel.adapters.redis.client import command
from kernel.adapters.redis.durable import Barrier
from kernel.adapters.redis.ledger import RedisLedger
from kernel.errors import RedisUnsuitable
from kernel.ledger.ports import StoreUnavailable
from tests.contract.conftest import StageMaker
from tests.support.server import Server, free_port
from tests.support.stages import ServerStage, Stage, server_stage


@pytest.fixture
def synced() -> Iterator[Server]:
    """Start a server that syncs every write."""
    with Server(fsync="always") as server:
        yield server


@pytest.fixture
def old() -> Iterator[Server]:
    """Start a server that knows no WAITAOF, as those before 7.2."""
    with Server(fsync="always", settings=("--rename-command", "WAITAOF", "")) as server:
        yield server


def seconds(step: float) -> Iterator[float]:
    """Let so much time pass between two looks at the clock."""
    return count(0.0, step)


def test_what_was_acknowledged_is_settled(new_stage: StageMaker) -> None:
    """On both twins; on the server when every write is synced."""
    stage: Stage = new_stage()
    if isinstance(stage.ledger, RedisLedger):
        stage.ledger.attached.client.config_set("appendfsync", "always")
    try:
        stage.ledger.open(run="r1", owner="p", kind="produce")
        stage.ledger.open(run="r1", owner="c", kind="collect")
        settled = stage.ledger.settle(run="r1", owner="c", replicas=0)
        assert settled == "SETTLED"
        assert stage.ledger.settle(run="r1", owner="d", replicas=0) == "CLOSED"
        assert stage.ledger.settle(run="r2", owner="c", replicas=0) == "CLOSED"
    finally:
        if isinstance(stage.ledger, RedisLedger):
            stage.ledger.attached.client.config_set("appendfsync", "everysec")


@pytest.mark.parametrize(
    ("step", "is_fit"), [(0.7, True), (0.01, False)], ids=["waits", "does not"]
)
def test_waitaof_is_believed_when_it_waits_for_a_sync_each_second(
    client: redis.Redis, step: float, is_fit: bool
) -> None:
    """Three syncs in less than a second were none; some servers answer so."""
    clock = seconds(step)
    barrier = Barrier(client, 0, lambda: next(clock))

    if is_fit:
        assert barrier.wait()
        return
    with pytest.raises(
        RedisUnsuitable, match=r"before the file is synced .* set appendfsync always"
    ):
        barrier.wait()


def test_a_replica_that_is_not_there_is_not_settled(synced: Server) -> None:
    """Its own disk is not enough then."""
    client = synced.client()
    client.set("k", "v")

    assert Barrier(client, 0).wait()
    assert not Barrier(client, 1).wait()
    client.close()


def test_a_server_without_the_command_will_do_if_it_syncs_every_write(old: Server) -> None:
    """Its answer to a write says the same; of its replicas it can say nothing."""
    client = old.client()

    assert Barrier(client, 0).wait()
    with pytest.raises(RedisUnsuitable, match="--replicas needs WAITAOF"):
        Barrier(client, 1).wait()
    client.config_set("appendfsync", "everysec")
    with pytest.raises(RedisUnsuitable, match="set appendfsync always"):
        Barrier(client, 0).wait()
    client.close()


def test_a_file_that_is_given_up_meanwhile_is_noticed(synced: Server) -> None:
    """Exit 4 beats rows that nobody keeps."""
    client = synced.client()
    barrier = Barrier(client, 0)
    assert barrier.wait()
    client.config_set("appendonly", "no")

    with pytest.raises(RedisUnsuitable, match="keeps no append-only file"):
        barrier.wait()
    client.close()


def test_a_replica_has_nothing_to_say(synced: Server) -> None:
    """A fail-over that is not over: to be asked again."""
    client = synced.client()
    command(client, "REPLICAOF", "127.0.0.1", 1)

    with pytest.raises(StoreUnavailable, match="read-only replica"):
        Barrier(client, 0).wait()
    client.close()


def test_a_barrier_on_another_connection_says_nothing_about_what_was_read(
    synced: Server,
) -> None:
    """The server may have lost it in between; it must be read again."""
    client = synced.client()
    stage = collected(client)
    assert stage.ledger.settle(run="r1", owner="c", replicas=0) == "SETTLED"

    client.connection_pool.disconnect()

    with pytest.raises(StoreUnavailable, match="made anew"):
        stage.ledger.settle(run="r1", owner="c", replicas=0)
    client.close()


def test_what_others_wrote_must_have_reached_the_replica_as_well() -> None:
    """What was read is never one's own: all that is written until then counts."""
    with (
        Server(fsync="always", port=free_port()) as server,
        Server(fsync="always", port=free_port()) as replica,
    ):
        replica.follow(server)
        client, other = server.client(), server.client()
        stage = collected(client)
        assert stage.ledger.settle(run="r1", owner="c", replicas=1) == "SETTLED"

        replica.stand_still()
        other.set("a worker's", "answers")

        assert stage.ledger.settle(run="r1", owner="c", replicas=1) == "LATE"
        replica.go_on()
        assert stage.ledger.settle(run="r1", owner="c", replicas=1) == "SETTLED"
        for connection in (client, other):
            connection.close()


def collected(client: redis.Redis) -> ServerStage:
    """Make a ledger with a run that is collected, and read from."""
    stage: ServerStage = server_stage(client, "t")
    stage.ledger.open(run="r1", owner="p", kind="produce")
    stage.ledger.open(run="r1", owner="c", kind="collect")
    stage.ledger.read(run="r1", after="0", wait_ms=0, count=1)
    return stage
