"""TLS for tests: certificates made by `openssl`, and a front that speaks TLS for a server.

The embedded server knows no TLS. So a front of ours ends it, on the standard library's own TLS, and
the client cannot tell the difference; a `redis-server` that knows TLS is tried where there is one.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.server import free_port

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
ENDS_S = 10.0


def make_certificates(folder: Path) -> None:
    """Make two authorities, a server called localhost, and a client, with their keys.

    Raises:
        FileNotFoundError: there is no `openssl`.
    """
    for name in ("ca", "other-ca"):
        _openssl(folder, "req", "-x509", *KEY, *_files(name), "-days", "2", "-subj", f"/CN={name}")
    for name, names in (("server", "DNS:localhost"), ("client", "DNS:client")):
        asked = ("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        _openssl(folder, "req", *KEY, *asked)
        (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n", "utf-8")
        signs = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
        made = ("-in", f"{name}.csr", "-out", f"{name}.pem", "-extfile", f"{name}.ext")
        _openssl(folder, "x509", "-req", *made, *signs)


def _files(name: str) -> tuple[str, ...]:
    return ("-keyout", f"{name}.key", "-out", f"{name}.pem")


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


class TlsFront:
    """Speaks TLS at a port for a server on a Unix socket; wants a certificate of its clients."""

    def __init__(self, socket: Path, certificates: Path) -> None:
        self.port = free_port()
        self._socket = socket
        self._context = ssl.create_default_context(
            ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.pem"
        )
        self._context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context)
        )
        self._is_up.set()
        self._loop.run_forever()
        listening.close()
        left = asyncio.all_tasks(self._loop)
        for one in left:
            one.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._socket)
        await asyncio.gather(_pump(reader, to_server), _pump(from_server, writer))

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        assert self._is_up.wait(ENDS_S), "the front does not listen"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ENDS_S)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        return  # who hung up has no further wishes
    finally:
        writer.close()
