"""The users of `deploy/users.acl`: each does its work, and the server refuses it everything else.

On each server there is to try: the suite's own, and `redis-server` where one is on the PATH.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from redis.exceptions import NoPermissionError, ResponseError

from kernel.adapters.redis.bell import shift_queue
from kernel.adapters.redis.client import command
from tests.support.counter import attempt
from tests.support.fleet import ENDS_S, PROJECT, Fleet, config_file
from tests.support.guarded import (
    PASSWORD,
    SHIPPED,
    GuardedServer,
    binaries,
    start_as,
    users_file,
)
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.operating import flip
from tests.support.roles import FOR_NOBODY, FORBIDDEN, NOT_HIS, SCRIPTS, calls_of
from tests.support.waiting import wait_until

#: Who tries another one's work, and how the sentence that tells him begins.
STRANGERS: Final = (
    ("collector", "produce", "Redis refuses user 'collector' the command EVALSHA"),
    ("producer", "worker", "Redis refuses user 'producer' the command "),
    ("worker", "collect", "Redis refuses user 'worker' the command "),
    ("worker", "status", "Redis refuses user 'worker' the command "),
    ("runner", "status", "Redis refuses user 'runner' the command HMGET"),
)


@pytest.fixture(scope="module", params=list(binaries()))
def guarded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedServer]:
    """Start a server with the shipped users."""
    folder = tmp_path_factory.mktemp("users")
    with GuardedServer(users_file(folder), binary=binaries()[request.param]) as running:
        yield running


@pytest.fixture
def shipped(guarded: GuardedServer, tmp_path: Path) -> Iterator[Fleet]:
    """Make a fleet on the ledger that the file speaks of; it looks on as the administrator."""
    with Fleet(guarded.url_of("admin"), SHIPPED, tmp_path) as made:
        yield made
    direct = guarded.client()
    direct.flushall()
    direct.close()


def words(fleet: Fleet, verb: str, config: Path, sample: Path) -> tuple[str, ...]:
    """Return a verb's command line without an address."""
    place = ("--ledger", fleet.ledger)
    return {
        "worker": ("worker", *place),
        "status": ("status", *place),
        "produce": (
            *("produce", *place, "--run", fleet.run),
            *("--config", str(config), "--input", str(sample)),
        ),
        "collect": (
            *("collect", *place, "--run", fleet.run),
            *("--output", str(fleet.folder / "output")),
        ),
    }[verb]


def refusals(server: GuardedServer) -> list[tuple[str, ...]]:
    """Return what the server has refused whom since it was last asked."""
    direct: Any = server.client()
    found = direct.acl_log()
    direct.acl_log_reset()
    direct.close()
    return [
        tuple(str(entry[name]) for name in ("username", "reason", "context", "object"))
        for entry in found
    ]


def test_each_role_does_its_work_and_an_operator_mends_a_ledger(
    shipped: Fleet, guarded: GuardedServer
) -> None:
    """A run with a batch that was tampered with, in four shells of four users, to its end."""
    fleet, server = shipped, guarded
    sample, output = fleet.folder / "sample", fleet.folder / "output"
    sample.write_bytes(sample_bytes(600))
    config = config_file(fleet.folder, "baseline", partitions=1, chunk_lines_max=200)
    refusals(server)
    producer = start_as(fleet, server, "producer", *words(fleet, "produce", config, sample))
    assert producer.ends() == 0, producer.said
    direct: Any = server.client()
    stream = f"fl:{{{SHIPPED}}}:log:0"
    flip(server, stream)
    worker = start_as(fleet, server, "worker", *words(fleet, "worker", config, sample))
    wait_until(lambda: fleet.view().partitions[0].state == "halted", within_s=ENDS_S, what="a halt")
    flip(server, stream)

    operator = ("--ledger", SHIPPED)
    for line in (("status",), ("partition", "show", "0"), ("partition", "resume", "0")):
        typed = start_as(fleet, server, "operator", *line, *operator)
        assert typed.ends() == 0, typed.said
    direct.hset(f"rq:job:{SHIPPED}-forged", mapping={"data": '["os.mkdir", null, ["x"], {}]'})
    shift_queue(direct, SHIPPED).push_job_id(f"{SHIPPED}-forged")
    collector = start_as(fleet, server, "collector", *words(fleet, "collect", config, sample))
    waits = start_as(fleet, server, "operator", "wait", *operator, "--run", fleet.run)
    assert (collector.ends(), waits.ends()) == (0, 0), collector.said + waits.said
    client = start_as(
        fleet, server, "client", "submit", *operator, "nonsense", json.dumps(attempt(1))
    )
    assert client.ends() == 0, client.said
    worker.wait_for("refused an RQ job")
    worker.tell(signal.SIGTERM)
    assert worker.ends() == 128 + signal.SIGTERM
    direct.close()

    assert output.read_bytes() == memory_bytes(config, sample)
    assert refusals(server) == []


def test_a_throw_away_run_has_a_user_of_its_own(shipped: Fleet, guarded: GuardedServer) -> None:
    """Supervisor, workers, producer, collector and the removal at the end, all as one user."""
    fleet, server = shipped, guarded
    sample, output = fleet.folder / "sample", fleet.folder / "output"
    sample.write_bytes(sample_bytes(500))
    config = config_file(fleet.folder, "experiment")
    direct: Any = server.client()
    before = direct.dbsize()
    refusals(server)

    files = ("--config", str(config), "--input", str(sample), "--output", str(output))
    run = start_as(fleet, server, "runner", "run", "--workers", "1", *files)

    assert run.ends() == 0, run.said
    assert output.read_bytes() == memory_bytes(config, sample)
    assert refusals(server) == []
    assert direct.dbsize() == before
    direct.close()


@pytest.mark.parametrize("role", FORBIDDEN)
def test_a_role_may_nothing_else(guarded: GuardedServer, role: str) -> None:
    """Not what nobody needs, not another ledger, and not what another role is for."""
    client = guarded.as_user(role)
    allowed = []

    for line in (*FOR_NOBODY, *FORBIDDEN[role]):
        try:
            command(client, *line.split())
        except NoPermissionError:
            continue
        except ResponseError as error:
            if "DEBUG command not allowed" in str(error):
                continue  # a lock of its own comes before the list
            raise
        allowed.append(line)

    client.close()
    assert allowed == []


def test_nobody_gets_in_without_a_password() -> None:
    """The user that a server begins with is off, and so is, in the file as shipped, everybody."""
    file = (PROJECT / "deploy" / "users.acl").read_text("utf-8")

    assert "nopass" not in file
    assert re.findall(r"^user default .*$", file, re.MULTILINE) == [
        "user default off resetchannels -@all"
    ]
    assert len(re.findall(r" #0{64} ", file)) == len(SCRIPTS) + 1
    assert not re.findall(r" #(?!0{64} )| >", file)


@pytest.mark.parametrize("role", SCRIPTS)
def test_no_script_of_a_role_is_refused_half_way(guarded: GuardedServer, role: str) -> None:
    """A script may not end between two writes, so each command in it is allowed: also rare ones."""
    direct: Any = guarded.client()
    ledger = "run-1" if role == "runner" else SHIPPED
    refused = []

    for script in SCRIPTS[role]:
        for name, key in calls_of(script, ledger):
            arity = abs(direct.execute_command("COMMAND", "INFO", name)[name.lower()]["arity"])
            others = ("1",) * max(0, arity - 2)
            answer = direct.execute_command("ACL", "DRYRUN", role, name, key, *others)
            if answer not in (b"OK", "OK") and (role, script, name) not in NOT_HIS:
                refused.append((script, name, key, answer))

    direct.close()
    assert refused == []
    assert sum(len(calls_of(script, ledger)) for script in SCRIPTS[role]) > 4


def test_a_missing_right_is_told_with_user_and_command(
    shipped: Fleet, guarded: GuardedServer
) -> None:
    """Exit 4 at once, what to do, and never the password: not said, and not on a command line."""
    sample = shipped.folder / "sample"
    sample.write_bytes(sample_bytes(10))
    config = config_file(shipped.folder, "baseline")
    made = start_as(shipped, guarded, "producer", *words(shipped, "produce", config, sample))
    assert made.ends() == 0, made.said

    strangers = [
        (start_as(shipped, guarded, user, *words(shipped, verb, config, sample)), sentence)
        for user, verb, sentence in STRANGERS
    ]

    for stranger, sentence in strangers:
        assert stranger.ends() == 4, stranger.said
        assert sentence in stranger.said
        assert "deploy/users.acl" in stranger.said
        assert "Traceback" not in stranger.said
        assert PASSWORD not in stranger.said + stranger.name
