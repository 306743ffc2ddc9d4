"""Forged RQ jobs: whoever can write to Redis cannot have a worker call what he likes.

Each forgery is one job record as RQ keeps it, put on the queue of a real worker. What it would do
leaves a trace: a folder is made, something is printed, or somebody calls at a socket of ours.
"""

from __future__ import annotations

import json
import pickle
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from rq.command import send_command
from rq.serializers import JSONSerializer

from kernel.adapters.redis import keys
from kernel.adapters.redis.bell import FAILURE_TTL_S, JOB_TIMEOUT_S, SHIFT, ShiftJob, shift_queue
from tests.support.fleet import ENDS_S, Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server
from tests.support.waiting import wait_until

Record = dict[str, str | bytes]


class MakesFolder:
    """An object whose unpickling makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self._folder,)


def called(*data: object) -> Record:
    """Return a job's record that calls something: function, instance, arguments, named ones."""
    return {"data": zlib.compress(json.dumps(data).encode())}


def forgeries(ledger: str, folder: Path, port: int) -> dict[str, Record]:
    """Return records that each would do something if they were believed, by what they forge."""
    shift = called(SHIFT, None, [ledger], {})
    poison = pickle.dumps(MakesFolder(folder))
    other = called("os.mkdir", None, [str(folder)], {})
    at_the_end: Record = {
        f"{when}_callback_name": "builtins.print" for when in ("success", "failure", "stopped")
    }
    hook = {"url": f"http://127.0.0.1:{port}/", "statuses": None}
    webhooks = json.dumps([hook | {"statuses": [status]} for status in ("finished", "failed")])
    return {
        "another function": other,
        "another function, not packed": {"data": json.dumps(["os.mkdir", None, ["x"], {}])},
        "a function of ours": called("consumers.shift.listen", None, ["x"], {}),
        "a shift of another ledger": called(SHIFT, None, ["another"], {}),
        "a method": called("upper", "instance", [], {}),
        "a shift without an argument": called(SHIFT, None, [], {}),
        "a shift with odd arguments": called(SHIFT, None, {"ledger": ledger}, {}),
        "a shift with an instance": called(SHIFT, "instance", [ledger], {}),
        "pickled": {"data": zlib.compress(poison)},
        "pickled, not packed": {"data": poison},
        "no JSON": {"data": b"\xff\x00"},
        "JSON of another shape": {"data": zlib.compress(b'{"a": 1}')},
        "deep JSON": {"data": zlib.compress(b"[" * 100_000)},
        "a bomb": {"data": zlib.compress(bytes(50_000_000))},
        "callbacks": shift | at_the_end,
        "callbacks of a refused one": other | at_the_end,
        "webhooks": shift | {"webhooks": webhooks},
        "webhooks of a refused one": other | {"webhooks": webhooks},
        "pickled meta and result": shift | {"meta": poison, "result": poison},
        "tried again without end": other | {"retries_left": "1000000"},
        "repeated without end": shift | {"repeats_left": "1000000", "repeat_intervals": "[0]"},
        "a limit of its own": shift | {"rate_limit_key": "x", "rate_limit_concurrency": "1"},
        "odd values": shift | {"status": "?", "timeout": "x", "created_at": "x", "origin": b"\xff"},
        "odd numbers": shift | {"retries_left": "x", "result_ttl": "x", "dependency_ids": "x"},
    }


def names_of_workers(direct: redis.Redis, ledger: str) -> list[str]:
    """Return the names of the workers that RQ knows on a ledger's queue."""
    found: Any = direct.smembers(f"rq:workers:{keys.rq_name(ledger)}")
    return [key.decode().removeprefix("rq:worker:") for key in found]


@pytest.fixture
def direct(server: Server) -> Iterator[redis.Redis]:
    """Connect to the session's server, beside the fleet."""
    connection = server.client()
    yield connection
    connection.close()


def test_forged_jobs_do_nothing_and_the_worker_works_on(fleet: Fleet, direct: redis.Redis) -> None:
    """Two dozen of them before a run: nothing is called, and the same worker decides the run."""
    made, output, source = fleet.folder / "made", fleet.folder / "output", fleet.folder / "sample"
    source.write_bytes(sample_bytes(500))
    config = config_file(fleet.folder, "baseline", linger_ms=10)
    fleet.make_ledger(config)
    (worker,) = fleet.known_workers(1)
    rq = shift_queue(direct, fleet.ledger)
    (name,) = names_of_workers(direct, fleet.ledger)

    with socket.create_server(("127.0.0.1", 0)) as called_at:
        called_at.setblocking(False)
        forged = forgeries(fleet.ledger, made, called_at.getsockname()[1])
        for number, record in enumerate(forged.values()):
            untyped: Any = direct
            job = f"{fleet.ledger}-forged-{number}"
            fields = {"origin": rq.name, "created_at": "2000-01-01T00:00:00.000000Z"} | record
            untyped.hset(f"rq:job:{job}", mapping=fields)
            untyped.rpush(rq.key, job)
        direct.rpush(rq.key, "", "no such job", b"\xff\xfe", "a:b:c")
        send_command(direct, name, "shutdown")
        send_command(direct, name, "kill-horse")
        wait_until(lambda: rq.count == 0, within_s=ENDS_S, what="the forged jobs to be taken")
        collector = fleet.collect(output)
        assert fleet.produce(config, source).ends() == 0
        assert collector.ends() == 0

        with pytest.raises(BlockingIOError):
            called_at.accept()
    assert output.read_bytes() == memory_bytes(config, source)
    assert not made.exists()
    assert worker.popen.poll() is None
    assert fleet.stop_workers([worker])[0] > 0
    assert worker.popen.stdout is not None
    assert worker.popen.stdout.read() == b""
    assert "Traceback" not in worker.said
    assert worker.said.count("refused an RQ job that is no shift") >= 12, worker.said


def test_a_jobs_record_sets_nothing_but_what_it_calls(server: Server, ledger_name: str) -> None:
    """Time-outs, retries, hooks and meta that somebody wrote there are as every ring has them."""
    direct = server.client()
    wanted = called(SHIFT, None, [ledger_name], {}) | {
        "timeout": "1",
        "result_ttl": "-1",
        "failure_ttl": "-1",
        "retries_left": "9",
        "success_callback_name": "builtins.print",
        "webhooks": '[{"url": "http://127.0.0.1:1/", "statuses": ["finished"]}]',
        "meta": '{"a": 1}',
        "group_id": "group",
    }
    untyped: Any = direct
    untyped.hset(f"rq:job:{ledger_name}", mapping=wanted)

    job = ShiftJob.fetch(ledger_name, connection=direct, serializer=JSONSerializer)
    direct.close()

    assert (job.func_name, job.args, job.kwargs) == (SHIFT, [ledger_name], {})
    assert (job.timeout, job.result_ttl, job.failure_ttl) == (JOB_TIMEOUT_S, 0, FAILURE_TTL_S)
    assert (job.retries_left, job.success_callback, job.webhooks) == (None, None, [])
    assert (job.meta, job.group_id) == ({}, None)
