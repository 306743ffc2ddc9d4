"""TLS to the server: every process speaks it, and whoever may not is told what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import redis

from kernel.adapters.redis.client import connect
from kernel.adapters.redis.tls import WANTS_TLS, trouble
from kernel.errors import EXIT_REDIS
from kernel.ledger.ports import StoreUnavailable
from kernel.runtime.build import reached
from tests.support.fleet import Fleet, config_file
from tests.support.guarded import binaries
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server, free_port
from tests.support.tls import TlsFront, make_certificates

GOOD: Final = (
    "rediss://localhost:{port}?ssl_ca_certs={folder}/ca.pem"
    "&ssl_certfile={folder}/client.pem&ssl_keyfile={folder}/client.key"
)
#: Addresses by which nobody gets in, and what is said.
WRONG: Final = {
    GOOD.replace("/ca.pem", "/other-ca.pem"): "self-signed certificate in certificate chain",
    "rediss://localhost:{port}": "name the CA that signed it in ssl_ca_certs",
    GOOD.replace("localhost", "127.0.0.1"): "certificate is not valid for '127.0.0.1'",
    "rediss://localhost:{port}?ssl_ca_certs={folder}/ca.pem": "it may want a certificate of yours",
    "redis://localhost:{port}": "if it speaks TLS at that port, use rediss://",
    GOOD.replace("/client.key", "/server.key"): "TLS cannot be set up (KEY_VALUES_MISMATCH)",
    GOOD.replace("/client.key", "/no.key"): "cannot be read (No such file or directory)",
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make certificates for this module."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on the PATH to make certificates with: TLS is not tried")
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    return folder


@pytest.fixture(params=["a front of ours", "redis-server"])
def port(request: pytest.FixtureRequest, server: Server, certificates: Path) -> Iterator[int]:
    """Listen with TLS at a port: in front of the suite's server, or as a server that knows TLS."""
    if request.param == "a front of ours":
        with TlsFront(server.socket, certificates) as front:
            yield front.port
        return
    binary = binaries().get(request.param)
    if binary is None:
        pytest.skip("no redis-server on the PATH: its own TLS is not tried")
    number = free_port()
    options = {"port": number, "auth-clients": "yes"}
    options |= {"cert-file": certificates / "server.pem", "key-file": certificates / "server.key"}
    options |= {"ca-cert-file": certificates / "ca.pem"}
    words = [word for name, value in options.items() for word in (f"--tls-{name}", str(value))]
    with Server(binary=binary, settings=words):
        yield number


def test_a_run_over_tls_is_the_same_bytes(port: int, certificates: Path, tmp_path: Path) -> None:
    """Supervisor, producer, worker with RQ, and collector, each with a certificate."""
    sample, output = tmp_path / "sample", tmp_path / "output"
    sample.write_bytes(sample_bytes(2_000))
    config = config_file(tmp_path, "experiment")
    url = GOOD.format(port=port, folder=certificates)
    files = ("--config", str(config), "--input", str(sample), "--output", str(output))

    with Fleet(url, "unused", tmp_path) as fleet:
        run = fleet.start("run", "--redis-url", url, "--workers", "1", *files)
        assert run.ends() == 0, run.said

    assert output.read_bytes() == memory_bytes(config, sample)


def test_who_may_not_is_told_what_is_wrong(
    port: int, server: Server, certificates: Path, tmp_path: Path
) -> None:
    """Another CA, another name, no TLS, no certificate, wrong files: exit 4, and one sentence."""
    places = {"port": port, "folder": certificates}

    for wrong, sentence in WRONG.items():
        with pytest.raises(StoreUnavailable) as refused:
            reached(wrong.format(**places))
        assert sentence in str(refused.value), wrong
        assert refused.value.exit_code == EXIT_REDIS

    with Fleet(server.url, "prod", tmp_path) as fleet:
        address = f"redis://localhost:{port}"
        typed = fleet.start("status", "--ledger", "prod", "--redis-url", address)
        assert typed.ends() == EXIT_REDIS
        assert f"Redis at {address}: {WANTS_TLS}" in typed.said
        assert "Traceback" not in typed.said


def test_a_server_that_speaks_no_tls_is_told(certificates: Path) -> None:
    """It waits for the end of what it takes for a command, and so does the client, for a while."""
    with Server(port=free_port()) as plain:
        address = GOOD.format(port=plain.port, folder=certificates)
        client = connect(address, timeout_s=0.3)

        with pytest.raises(redis.exceptions.TimeoutError) as refused:
            client.ping()

        client.close()
    assert "it does not speak TLS at that port; use redis://" in trouble(refused.value, address)
