"""What a client refuses before it has connected to anything."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from kernel.errors import Refused, UsageError
from kernel.runtime import cli
from producer.client import AsyncClient, Client
from tests.support.counter import attempt

NOWHERE = "redis://127.0.0.1:1"


def test_nothing_is_submitted_by_a_client_that_is_not_open() -> None:
    """Neither before its `with` block nor by closing it."""
    client, other = Client(NOWHERE, "prod"), AsyncClient(NOWHERE, "prod")

    with pytest.raises(Refused, match="this client is not open"):
        client.submit(attempt(1))
    with pytest.raises(Refused, match="this client is not open"):
        client.submit_together([attempt(1)])
    with pytest.raises(Refused, match="this client is not open"):
        asyncio.run(other.submit(attempt(1)))
    client.close()
    assert client.run != other.run


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), float("inf")])
def test_a_time_out_that_is_none_is_refused(timeout_s: float) -> None:
    """Zero would never wait, and for ever is no time-out."""
    with pytest.raises(UsageError, match="give more than 0 seconds"):
        Client(NOWHERE, "prod").submit(attempt(1), timeout_s=timeout_s)


def test_a_run_needs_a_name_that_a_run_may_have() -> None:
    """As for every other verb, and before anything is done."""
    with pytest.raises(UsageError, match="run 'a b'"):
        Client(NOWHERE, "prod", run="a b")


def test_one_number_is_of_one_attempt(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither of several, nor of what comes through a pipe."""
    place = ["submit", "--redis-url", NOWHERE, "--ledger", "prod", "--number", "1"]

    for attempts in (["{}", "{}"], ["-"], []):
        assert cli.exit_code_of(partial(cli.run_verb, [*place, *attempts], cli.Verbs())) == 2
        assert "give exactly one" in capsys.readouterr().err
