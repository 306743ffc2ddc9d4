"""Answers out, on Redis: the collector's reads in one round trip, and `ack.lua`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel.adapters.redis.client import command, connects_of, store_errors
from kernel.ledger.ports import StoreUnavailable
from kernel.ledger.units import AckAnswer, ReadAnswer, Reply, RunView

#: One of the record's field `cents_high`: the server's own numbers end at 2**63.
CENTS_HIGH = 10**12

MADE_ANEW = "the connection to Redis was made anew; read again from the start"

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kernel.adapters.redis.attached import Attached
    from kernel.ledger.ports import Settled


def sum_of(high: bytes | None, low: bytes) -> int:
    """Put the sum of the accepted together: `commit.lua` keeps it in two fields."""
    return int(high or 0) * CENTS_HIGH + int(low)


def count_refused(ledger: Attached, why: str) -> None:
    """Count an answer that was not believed: in all, and by the check that refused it.

    Raises:
        StoreUnavailable, RightMissing: it is not counted.
    """
    with store_errors():
        for name in ("replies_refused", f"replies_refused:{why}"):
            ledger.client.hincrby(ledger.key("counters"), name, 1)


def view(record: Mapping[bytes, bytes]) -> RunView:
    """Show a run's record; its fields are listed in `open.lua`."""
    lines = record.get(b"lines")
    tally = {int(name[2:]): int(n) for name, n in record.items() if name.startswith(b"n:")}
    return RunView(
        int(record[b"position"]),
        int(record[b"answers"]),
        int(record[b"written"]),
        int(lines) if lines else None,
        sum_of(record.get(b"cents_high"), record[b"cents"]),
        dict(sorted(tally.items())),
    )


def read(ledger: Attached, *, run: str, after: str, wait_ms: int, count: int) -> ReadAnswer:
    """Read replies behind an entry, waiting for one if there is none, and the run's record.

    The record is read behind the replies: when it says that all is answered, all is there.

    Raises:
        StoreUnavailable: no answer; or it came over a new connection. The server may have lost its
            tail in between, and what lies behind `after` now may not be what followed it.
    """
    run_key = ledger.key(f"run:{run}")
    with store_errors():
        pipe = ledger.client.pipeline(transaction=False)
        blocking = ("BLOCK", wait_ms) if wait_ms else ()
        command(pipe, "XREAD", "COUNT", count, *blocking, "STREAMS", f"{run_key}:replies", after)
        pipe.hget(ledger.record_key, "incarnation")
        pipe.hgetall(run_key)
        streams, incarnation, record = pipe.execute()
    before, ledger.reads_on = ledger.reads_on, connects_of(ledger.client)
    if before not in (0, ledger.reads_on):
        raise StoreUnavailable(MADE_ANEW)
    if incarnation is None or incarnation.decode() != ledger.record.incarnation:
        return ReadAnswer("GONE")
    if not record:
        return ReadAnswer("ABSENT")
    return ReadAnswer("READ", view(record), tuple(_replies(streams)))


def _replies(streams: Any) -> list[Reply]:  # noqa: ANN401 - redis-py's own shape, by protocol version
    """Unpack XREAD's answer for one stream, as redis-py hands it over."""
    if not streams:
        return []
    entries = next(iter(streams.values()))[0] if isinstance(streams, dict) else streams[0][1]
    return [Reply(entry_id.decode(), fields[b"b"]) for entry_id, fields in entries]


def ack(ledger: Attached, *, run: str, owner: str, entry: str, written: int) -> AckAnswer:
    """Run `ack.lua`."""
    answer = ledger.step("ack", run, owner, entry, written, ledger.settings.run_lease_ms)
    return AckAnswer(answer[0].decode())


def settle(ledger: Attached, *, run: str, owner: str, replicas: int) -> Settled:
    """Wait at the barrier, on the connection that the replies came over, behind a small write.

    The lease's will do: it is taken by a full server, too. What is on disk is so in the order in
    which it was written, so with the last write all before it are, whoever made them.

    Raises:
        RedisUnsuitable: the server cannot keep what it says it has.
        StoreUnavailable: no answer; or the connection is another one. What was read before may be
            lost already, and a barrier behind the loss says nothing about it.
    """
    barrier = ledger.barrier(replicas)
    barrier.check()
    renewed = ack(ledger, run=run, owner=owner, entry="", written=0).status
    if renewed != "ACKED":
        return "GONE" if renewed == "GONE" else "CLOSED"
    is_settled = barrier.wait()
    if ledger.reads_on not in (0, connects_of(ledger.client)):
        raise StoreUnavailable(MADE_ANEW)
    return "SETTLED" if is_settled else "LATE"
