"""Addresses of servers: what is shown of one, and which ones are refused."""

from __future__ import annotations

import pytest

from kernel.adapters.redis.client import connect, has_password, shown
from kernel.errors import UsageError
from kernel.runtime import cli

SHOWN = {
    "redis://127.0.0.1:6379/0": "redis://127.0.0.1:6379/0",
    "unix:///run/redis.sock": "unix:///run/redis.sock",
    "redis://worker:sesame@db:6379": "redis://***@db:6379",
    "rediss://:sesame@db:6379/1?ssl_ca_certs=/etc/ca.pem": (
        "rediss://***@db:6379/1?ssl_ca_certs=/etc/ca.pem"
    ),
    "redis://worker:ses/ame@db": "redis://***@db",
    "redis://worker:ses@ame@db": "redis://***@db",
    "redis://worker:ses?ame@db": "redis://***@db",
    "redis://worker:ses#ame@db": "redis://***@db",
    "worker:sesame@db": "***@db",
    "unix://worker:sesame@/run/redis.sock": "unix://***@/run/redis.sock",
    "redis://db?username=worker&password=sesame&db=1": (
        "redis://db?username=worker&password=***&db=1"
    ),
    "rediss://db?ssl_password=sesame": "rediss://db?ssl_password=***",
}


@pytest.mark.parametrize("url", SHOWN)
def test_an_address_is_shown_without_its_password(url: str) -> None:
    """However it is written, also wrongly."""
    assert shown(url) == SHOWN[url]
    assert has_password(url) == ("***" in SHOWN[url])


@pytest.mark.parametrize(
    "url",
    [
        "http://worker:sesame@db",
        "redis://worker:ses/ame@db",
        "redis://worker:sesame@db:sesame",
        "redis://worker:sesame@db/sesame?db=sesame",
        "redis://worker:sesame@db?sesame=1",
        "worker:sesame@db",
    ],
)
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    """The sentence says how an address is written, not what the wrong one holds."""
    with pytest.raises(UsageError, match="not a Redis address; use redis://") as refused:
        connect(url)

    assert "ame@" not in str(refused.value)
    assert "worker:" not in str(refused.value)


@pytest.mark.parametrize("parameter", ["ssl_cert_reqs=none", "db=1&ssl_cert_reqs=NONE&db=1"])
def test_a_server_that_nobody_checks_is_refused(parameter: str) -> None:
    """Encrypted, but to whom? Anybody could answer there."""
    with pytest.raises(UsageError, match="name the CA that signed its certificate"):
        connect(f"rediss://localhost:1?{parameter}")


def test_a_password_on_a_command_line_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everybody on the machine can read it there; in the environment its owner alone can."""
    url, status = "redis://me:sesame@127.0.0.1:1", ["status", "--ledger", "prod"]

    assert cli.exit_code_of(lambda: cli.run_verb([*status, "--redis-url", url], cli.Verbs())) == 4
    typed = capsys.readouterr().err
    monkeypatch.setenv("FUNDLOAD_REDIS_URL", url)
    assert cli.exit_code_of(lambda: cli.run_verb(status, cli.Verbs())) == 4
    kept = capsys.readouterr().err

    assert "give the address as FUNDLOAD_REDIS_URL instead" in typed
    assert "the password in" not in kept
    assert "sesame" not in typed + kept
