"""Connections: no retries behind our back, short time-outs, and a server that is fit for a ledger.

redis-py 8 repeats every command up to ten times by default, which doubles any write whose answer is
lost. Here a lost answer is an error (`StoreUnavailable`), and the caller repeats with its token.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kernel.adapters.redis.rights import NamingClient, missing
from kernel.adapters.redis.tls import check_is_checked, greet
from kernel.errors import RedisUnsuitable, UsageError
from kernel.ledger.ports import StoreFull, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis.client import Pipeline

    Argument = str | bytes | int

#: The client, for those above the adapters who hand it on without looking inside.
Client = redis.Redis
#: What the client raises when the server is away or refuses; RQ lets it through as it is.
AWAY = (redis.exceptions.RedisError, OSError)
#: What it raises when the server has no room; one of the above.
FULL = redis.exceptions.OutOfMemoryError
#: What it raises when the server's access list says no; also one of the above.
NO_RIGHT = redis.exceptions.NoPermissionError
#: What it raises when the server answers, but not to this name and password.
LOGIN_REFUSED = (redis.exceptions.AuthenticationError, redis.exceptions.AuthorizationError)
#: Longer than any script; a server busy for longer is taken for one that is away.
SOCKET_TIMEOUT_S = 5.0
#: How refusals begin that pass: it starts, fails over, waits for its replicas, or cannot write to
#: its disk. None of them is given in the middle of a script.
PASSING = (
    "LOADING",
    "READONLY",
    "MASTERDOWN",
    "BUSY",
    "UNKILLABLE",
    "NOREPLICAS",
    "MISCONF",
    "CLUSTERDOWN",
    "TRYAGAIN",
)
#: What redis-py writes before the server's own words when the command was one of several.
_PIPED = re.compile(r"Command # \d+ \(.*\) of pipeline caused error: ", re.DOTALL)
#: A password among an address's parameters: of the user, or of a key file.
_SECRET = re.compile(r"([?&](?:ssl_)?password=)[^&]*")
#: Scripts with flags (`allow-oom`) need it.
OLDEST_SERVER = (7, 0)


class _Packer:
    """Packs commands with hiredis alone: redis-py's own packer looks at every argument first."""

    def pack(self, *args: Argument) -> list[bytes]:
        """Return one command in wire format; a command of two words becomes two arguments."""
        name = args[0]
        if isinstance(name, str) and " " in name:
            args = (*name.split(), *args[1:])
        whole: Any = args  # its stub says a tuple of one
        return [hiredis.pack_command(whole)]


class Connects:
    """Counts a client's connections: redis-py makes a new one for a dead one without a word."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, connection: Any) -> None:  # noqa: ANN401 - redis-py calls with its own
        """Greet the server as redis-py would, and count."""
        connection.on_connect()
        greet(connection)
        self.count += 1


def connects_of(client: redis.Redis) -> int:
    """Return how often a client of `connect` has connected so far."""
    counted: Connects = client.connection_pool.connection_kwargs["redis_connect_func"]
    return counted.count


def connect(url: str, *, timeout_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """Make a client for an address; connects when first used.

    Raises:
        UsageError: the address is not a Redis URL, or asks not to check who the server is.
    """
    check_is_checked(url)
    # A Unix socket's connection does not know the option at all, not even as "off".
    keepalive = {} if url.startswith("unix") else {"socket_keepalive": True}
    try:
        client = NamingClient.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            decode_responses=False,
            protocol=2,
            command_packer=_Packer(),
            redis_connect_func=Connects(),
            driver_info=None,
            **keepalive,
        )
        client.connection_pool.make_connection()  # only here an unknown parameter is noticed
    except (ValueError, TypeError, redis.exceptions.RedisError) as error:
        # The client's own words may hold a piece of the password.
        msg = (
            f"{shown(url)}: not a Redis address; use redis://host:port or unix:///path, rediss:// "
            "for TLS, and redis://name:password@host:port for a user (with %2F and the like for "
            "what is special in a password)"
        )
        raise UsageError(msg) from error
    return client


def shown(url: str) -> str:
    """Return the address without name and password, also one that is written wrongly."""
    scheme, credentials, place = _parts(url)
    return _SECRET.sub(r"\1***", f"{scheme}{'***@' if credentials else ''}{place}")


def has_password(url: str) -> bool:
    """Say whether an address holds a password."""
    return ":" in _parts(url)[1] or _SECRET.search(url) is not None


def _parts(url: str) -> tuple[str, str, str]:
    """Split at the last @, since a password may hold what else divides an address."""
    scheme = url[: url.find("://") + 3] if "://" in url else ""
    credentials, _, place = url.removeprefix(scheme).rpartition("@")
    return scheme, credentials, place


def command(client: redis.Redis | Pipeline, *parts: Argument) -> Any:  # noqa: ANN401 - any reply
    """Send one command as it stands; redis-py gives its replies no types."""
    untyped: Any = client
    return untyped.execute_command(*parts)


@contextlib.contextmanager
def store_errors() -> Iterator[None]:
    """Turn the client's errors into the ports' two: outcome unknown, or the store is full.

    Raises:
        RightMissing: the server's access list refuses what was asked; asking again is no use.
    """
    try:
        yield
    except redis.exceptions.OutOfMemoryError as error:
        msg = "Redis is full and refuses to grow; raise maxmemory or let the workers drain it"
        raise StoreFull(msg) from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
        msg = f"Redis does not answer ({type(error).__name__}); is it running and reachable?"
        raise StoreUnavailable(msg) from error
    except redis.exceptions.NoPermissionError as error:
        raise missing(error) from error
    except redis.exceptions.ReadOnlyError as error:
        msg = "Redis is a read-only replica here; point --redis-url at the primary"
        raise StoreUnavailable(msg) from error
    except redis.exceptions.ResponseError as error:
        said = _PIPED.sub("", str(error), count=1)
        if said.startswith(PASSING):
            raise StoreUnavailable(f"Redis is not ready: {said}") from error
        if "OOM" in said:
            msg = "Redis is full and refuses to grow; raise maxmemory or let the workers drain it"
            raise StoreFull(msg) from error
        raise


def check_server(client: redis.Redis) -> None:
    """Refuse a server on which a ledger cannot be kept.

    Raises:
        RedisUnsuitable: too old, or it would evict keys when full.
        StoreUnavailable: it does not answer.
    """
    with store_errors():
        about: Any = client.info("server")
        version = str(about.get("valkey_version") or about.get("redis_version") or "0")
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
            msg = f"Redis {version} is too old: scripts with flags need Redis >= 7.0 or Valkey"
            raise RedisUnsuitable(msg)
        memory: Any = client.info("memory")
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        msg = (
            f"Redis would evict keys when it is full (maxmemory-policy {policy}), and a ledger "
            "would lose money; set it to noeviction"
        )
        raise RedisUnsuitable(msg)
