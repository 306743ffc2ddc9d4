"""Acts of an operator that no operator did: believed by no worker, told apart in the audit."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from kernel.adapters.redis import keys
from kernel.errors import EXIT_DONE
from tests.support.fleet import ENDS_S, Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.operating import halted, spoken
from tests.support.server import Server
from tests.support.waiting import wait_until

LINES = 200


@pytest.mark.row("skip note or audit entry that no operator wrote")
def test_a_skip_that_nobody_asked_for_halts_its_partition_and_a_resume_goes_on(
    fleet: Fleet, server: Server
) -> None:
    """No attempt is given up; what is put into the audit by hand is shown as such; same bytes."""
    config = config_file(fleet.folder, "baseline", partitions=2)
    source, output = fleet.folder / "source", fleet.folder / "output"
    source.write_bytes(sample_bytes(LINES))
    assert fleet.produce(config, source).ends() == EXIT_DONE
    client: Any = server.client()
    client.hset(keys.beside(fleet.ledger, "notes"), "1:0", "1")
    forged = [str(time.time_ns() // 10**6), "boss@here", "skip", "1", "0", "1", "why", "halt", ""]
    client.rpush(keys.beside(fleet.ledger, "audit"), json.dumps(forged))
    (worker,) = fleet.known_workers(1)

    wait_until(lambda: halted(fleet) == [1], within_s=ENDS_S, what="the partition to be halted")

    assert fleet.view().partitions[1].reason.startswith("Undecodable: ")
    assert fleet.counter("halts:Undecodable") == 1
    assert client.hlen(keys.beside(fleet.ledger, "notes")) == 0
    client.close()
    assert spoken(fleet, "partition", "resume", "1")[0] == EXIT_DONE
    assert fleet.collect(output).ends() == EXIT_DONE
    assert output.read_bytes() == memory_bytes(config, source)
    said = spoken(fleet, "partition", "show", "1")[1].splitlines()
    acts = [line for line in said if "halt" in line]
    assert [line.endswith("NOT SEALED by an operator") for line in acts] == [True, False]
    assert "boss@here" in acts[0]
    fleet.stop_workers([worker])
