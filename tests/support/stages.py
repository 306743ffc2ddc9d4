"""Both twins of the ports behind one face, so that one test plays on either.

A stage is a ledger with what a test needs around it: a clock that only the test moves, the whole
state to look at, a mark to go back to (a lost tail), a store that refuses to grow. What goes back
on the server is every key of the ledger; cutting the real append-only file is `server.py`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kernel.adapters.memory.ledger import MemoryLedger
from kernel.adapters.redis import keys
from kernel.adapters.redis.attached import Attached
from kernel.adapters.redis.client import command
from kernel.adapters.redis.ledger import RedisLedger, create
from kernel.adapters.redis.scripts import Scripts, source
from kernel.domain.ruleset import PrimeGate, RuleSet
from kernel.ledger.record import LedgerRecord
from kernel.ledger.settings import FleetSettings
from tests.support.ledger_state import ledger_keys, read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import redis

    from kernel.adapters.memory.state import LedgerState
    from kernel.adapters.redis.client import Argument

#: Any moment will do; this one has microseconds that are not zero.
START_US = 1_700_000_000_123_457


class Clock:
    """Microseconds since the epoch, moved by the test; a step itself takes one."""

    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        """Return the time."""
        return self.now_us

    @property
    def now_ms(self) -> int:
        """The time as the ledger's deadlines are counted."""
        return self.now_us // 1000

    def advance(self, ms: int, us: int = 0) -> None:
        """Let time pass, or jump back."""
        self.now_us += ms * 1000 + us


class Stage(Protocol):
    """What a test sees of a twin."""

    clock: Clock

    @property
    def ledger(self) -> MemoryLedger | RedisLedger:
        """The ports."""

    def state(self) -> LedgerState:
        """Return everything that the store holds now."""

    def mark(self) -> object:
        """Return what `rewind` goes back to."""

    def rewind(self, mark: Any) -> None:  # noqa: ANN401 - each stage has marks of its own
        """Lose everything since the mark."""

    def refuse_growth(self, *, full: bool) -> None:
        """Make the store refuse to grow, or let it."""


class MemoryStage:
    """The memory twin."""

    def __init__(self, record: LedgerRecord, clock: Clock) -> None:
        self.clock = clock
        self.ledger = MemoryLedger(record, clock)

    def state(self) -> LedgerState:
        """Return the state itself; to keep it, take a mark."""
        return self.ledger.state

    def mark(self) -> LedgerState:
        """Copy the state."""
        return self.ledger.state.snapshot()

    def rewind(self, mark: LedgerState) -> None:
        """Put the copy back."""
        self.ledger.state = mark.snapshot()

    def refuse_growth(self, *, full: bool) -> None:
        """Flip the twin's switch."""
        self.ledger.is_full = full


class ServerStage:
    """The ledger on a server."""

    def __init__(self, client: redis.Redis, name: str, record: LedgerRecord, clock: Clock) -> None:
        self.client = client
        self.name = name
        self.record = record
        self.clock = clock
        self.ledger = RedisLedger(client, name, record, clock)

    def state(self) -> LedgerState:
        """Read every key."""
        return read_state(self.client, self.name)

    def mark(self) -> dict[bytes, bytes]:
        """Dump every key."""
        there = ledger_keys(self.client, self.name)
        pipe: Any = self.client.pipeline(transaction=True)
        for key in there:
            pipe.dump(key)
        return dict(zip(there, pipe.execute(), strict=True))

    def rewind(self, mark: Mapping[bytes, bytes]) -> None:
        """Restore every key, and remove those that are newer."""
        pipe: Any = self.client.pipeline(transaction=True)
        for key in ledger_keys(self.client, self.name):
            pipe.delete(key)
        for key, dumped in mark.items():
            pipe.restore(key, 0, dumped)
        pipe.execute()

    def refuse_growth(self, *, full: bool) -> None:
        """Lower the server's memory limit to nothing, or lift it."""
        self.client.config_set("maxmemory", 1 if full else 0)

    def drop_step(self, most: int) -> str:
        """Remove some of the ledger's keys; MORE or DROPPED."""
        answer = Scripts(self.client).run(
            "drop",
            [keys.record(self.name), keys.THROWAWAY],
            [self.record.incarnation, "", self.name, most],
        )
        return str(answer[0].decode())

    def weaken(self, *changes: Change) -> None:
        """Run some scripts without a guard from here on."""
        texts: dict[str, str] = {}
        for script, guard, instead in changes:
            texts[script] = without(texts.get(script, source(script).decode()), guard, instead)
        self.ledger.attached = Weakened(self.client, self.name, self.record, self.clock, texts)


#: A script, the part of its text that is the guard, and what stands there instead.
Change = tuple[str, str, str]


def without(text: str, guard: str, instead: str) -> str:
    """Return a script's text with its guard replaced; the guard must be there exactly once."""
    times = text.count(guard)
    assert times == 1, f"the guard is there {times} times: {guard}"
    return text.replace(guard, instead)


class Weakened(Attached):
    """A ledger some of whose scripts lack a guard: to show what the guard is for."""

    def __init__(
        self,
        client: redis.Redis,
        name: str,
        record: LedgerRecord,
        clock: Callable[[], int],
        texts: Mapping[str, str],
    ) -> None:
        super().__init__(client, name, record, clock)
        self._clock = clock
        self._texts = texts

    def step(self, script: str, *arguments: Argument) -> list[Any]:
        """Run a script, the changed text where there is one."""
        text = self._texts.get(script)
        if text is None:
            return super().step(script, *arguments)
        return self.step_with(script, arguments, ())[0]  # type: ignore[no-any-return]

    def step_with(
        self, script: str, arguments: Sequence[Argument], reads: Sequence[Sequence[Argument]]
    ) -> list[Any]:
        """Run a script, the changed text where there is one, and reads beside it."""
        text = self._texts.get(script)
        if text is None:
            return super().step_with(script, arguments, reads)
        pipe = self.client.pipeline(transaction=True)
        first = (self.record.incarnation, self._clock())
        command(pipe, "EVAL", text, 1, self.record_key, *first, *arguments)
        for read in reads:
            command(pipe, *read)
        return pipe.execute()


def rule_set(quota: int) -> RuleSet:
    """Return rules with this many primes a day; 0 has no gate at all."""
    gate = PrimeGate(global_per_day=quota, amount_cap_cents=999_900) if quota else None
    return RuleSet(
        daily_amount_cents=500_000, weekly_amount_cents=2_000_000, daily_attempts=3, prime_gate=gate
    )


def settings_of(
    partitions: int, *, inflight_lines_max: int = 1_000, ring_ms: int = 2_000
) -> FleetSettings:
    """Return settings with small bounds, so that a test meets them."""
    return FleetSettings(
        partitions=partitions,
        chunk_lines_max=min(8, inflight_lines_max),
        inflight_lines_max=inflight_lines_max,
        ring_ms=ring_ms,
    )


def server_stage(
    client: redis.Redis, name: str, *, quota: int = 1, settings: FleetSettings | None = None
) -> ServerStage:
    """Create a ledger on the server."""
    fleet = settings or settings_of(2)
    answer = create(client, name, rules=rule_set(quota), settings=fleet, master_key="00" * 32)
    assert answer.status == "CREATED"
    return ServerStage(client, name, answer.record, Clock())


def memory_stage(
    record: LedgerRecord | None = None,
    *,
    quota: int = 1,
    settings: FleetSettings | None = None,
    clock: Clock | None = None,
) -> MemoryStage:
    """Make a memory ledger, with the record of another one or with one of its own."""
    chosen = record or _record(quota, settings or settings_of(2))
    return MemoryStage(chosen, clock or Clock())


def _record(quota: int, settings: FleetSettings) -> LedgerRecord:
    rules = rule_set(quota)
    return LedgerRecord(
        "incarnation-of-a-test",
        settings.partitions,
        rules.digest,
        rules.to_json(),
        settings.to_json(),
        "00" * 32,
    )
