"""TLS to the server: every process speaks it, and whoever may not is told what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.fleet import Fleet, config_file
from tests.support.guarded import binaries
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server, free_port
from tests.support.tls import TlsFront, make_certificates

GOOD: Final = (
    "rediss://localhost:{port}?ssl_ca_certs={folder}/ca.pem"
    "&ssl_certfile={folder}/client.pem&ssl_keyfile={folder}/client.key"
)
#: Addresses by which nobody gets in, and what is said; `{plain}` is a port without TLS.
WRONG: Final = {
    GOOD.replace("/ca.pem", "/other-ca.pem"): "self-signed certificate in certificate chain",
    "rediss://localhost:{port}": "name the CA that signed it in ssl_ca_certs",
    GOOD.replace("localhost", "127.0.0.1"): "certificate is not valid for '127.0.0.1'",
    "rediss://localhost:{port}?ssl_ca_certs={folder}/ca.pem": "it may want a certificate of yours",
    "redis://localhost:{port}": "if it speaks TLS at that port, use rediss://",
    GOOD.replace("{port}", "{plain}"): "it does not speak TLS at that port; use redis://",
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
    """Another CA, another name, no TLS on one side, no certificate, wrong files: exit 4."""
    with Server(port=free_port()) as plain, Fleet(server.url, "prod", tmp_path) as fleet:
        places = {"port": port, "plain": plain.port, "folder": certificates}
        asked = {
            wrong: fleet.start("status", "--ledger", "l", "--redis-url", wrong.format(**places))
            for wrong in WRONG
        }
        for wrong, member in asked.items():
            assert member.ends() == 4, member.said
            assert WRONG[wrong] in member.said
            assert "Traceback" not in member.said
