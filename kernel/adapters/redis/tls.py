"""TLS to the server: what is asked of an address, the first word on a connection, what went wrong.

The parameters are redis-py's own (`ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, ...), so they
travel in the address to every process and to RQ. Certificate and host name are always checked.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from typing import Any

from redis.connection import SSLConnection

from kernel.errors import UsageError

_UNCHECKED = re.compile(r"[?&]ssl_cert_reqs=(?:none|cert_none)(?:&|$)", re.IGNORECASE)
TLS_SCHEME = "rediss://"
WANTS_YOURS = "it hung up; it may want a certificate of yours, in ssl_certfile and ssl_keyfile"
WANTS_TLS = "it hung up; if it speaks TLS at that port, use rediss://"


def check_is_checked(url: str) -> None:
    """Refuse an address by which anybody could be the server.

    Raises:
        UsageError: says what to give instead.
    """
    if _UNCHECKED.search(url):
        raise UsageError(
            "ssl_cert_reqs=none would take anybody for the server; name the CA that signed its "
            "certificate in ssl_ca_certs"
        )


def greet(connection: Any) -> None:  # noqa: ANN401 - redis-py's own
    """Say and hear a first word on a TLS connection.

    A server sends session tickets behind the handshake. redis-py takes unread bytes for an answer
    that nobody asked for, and gives the connection up; the first answer takes the tickets with it.
    """
    if isinstance(connection, SSLConnection):
        connection.send_command("PING")
        connection.read_response()


def trouble(error: BaseException | None, url: str) -> str:
    """Return what is wrong with TLS, and what to do; nothing when TLS is not to blame."""
    is_tls = url.startswith(TLS_SCHEME)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the server's certificate is not accepted ({cause.verify_message}); name the CA "
                "that signed it in ssl_ca_certs, and the host as the certificate does"
            )
        if isinstance(cause, ssl.SSLError) and is_tls:
            if not cause.reason or "EOF" in cause.reason or "ALERT" in cause.reason:
                return WANTS_YOURS
            return (
                f"TLS cannot be set up ({cause.reason}); see to ssl_ca_certs, ssl_certfile and "
                "ssl_keyfile in the address"
            )
        if isinstance(cause, (FileNotFoundError, PermissionError)) and is_tls:
            return (
                "a file that the address names in ssl_ca_certs, ssl_certfile or ssl_keyfile "
                f"cannot be read ({cause.strerror})"
            )
        if "handshake operation timed out" in str(cause):
            return "it does not speak TLS at that port; use redis://, or the port at which it does"
        if "Connection closed by server" in str(cause) or isinstance(cause, ConnectionResetError):
            return WANTS_YOURS if is_tls else WANTS_TLS
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
