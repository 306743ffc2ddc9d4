"""The rule set: limits and switches a ledger decides by, and their digest.

Here: the values and what must hold of them. Not here: where they come from (the configuration file
belongs to the adapters) and what they mean for an attempt (`decide.py`). Two ledgers under equal
rule sets have equal digests, so a batch or a commit carries sixty-four letters in place of rules.

1. Money is whole cents, the multiplier whole ten-thousandths; there is no float in this file.
2. A feature is on or it is None: there is no second switch that could contradict the first.
3. An impossible rule set cannot be built: every way in goes through `__post_init__`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, get_args

DuplicateScope = Literal["id", "customer_and_id"]
DuplicateAnswer = Literal["decline", "drop"]
AttemptsCounted = Literal["all", "accepted"]
MalformedAnswer = Literal["decline", "skip"]

#: Raised whenever equal rules would decide otherwise than before; part of every digest. A whole
#: number, so that a digest's version can be found again.
ENGINE_VERSION = "1"
ENGINE_VERSION_MAX = 999
#: Largest limit in cents. Window sums stay at or below it, hence exact in any 64-bit number.
LIMIT_CENTS_MAX = 10**15
#: Largest limit on a count: attempts of a day, accepted primes of a day.
LIMIT_COUNT_MAX = 10**9
#: The multiplier is counted in this part of one.
MULTIPLIER_UNIT = 10_000
#: Largest multiplier, in ten-thousandths: x100.
MULTIPLIER_MAX = 100 * MULTIPLIER_UNIT
#: Names of the days a week may start on, in the order of `week_start`.
WEEK_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


@dataclass(frozen=True)
class PrimeGate:
    """Limits on attempts whose id is a prime: how many a UTC day over all customers, how large."""

    global_per_day: int
    amount_cap_cents: int

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        _check_whole("global_per_day", self.global_per_day, 0, LIMIT_COUNT_MAX)
        _check_whole("amount_cap_cents", self.amount_cap_cents, 0, LIMIT_CENTS_MAX)


@dataclass(frozen=True)
class RuleSet:
    """Limits and switches in force; a limit of 0 lets nothing above 0 pass.

    `week_start` counts from 0 (Monday) to 6 (Sunday); `monday_multiplier` is in ten-thousandths.
    """

    daily_amount_cents: int
    weekly_amount_cents: int
    daily_attempts: int
    week_start: int = 0
    monday_multiplier: int | None = None
    prime_gate: PrimeGate | None = None
    duplicate_scope: DuplicateScope = "id"
    on_replay: DuplicateAnswer = "decline"
    on_conflict: DuplicateAnswer = "decline"
    attempts_counted: AttemptsCounted = "all"
    malformed: MalformedAnswer = "decline"

    def __post_init__(self) -> None:
        """Refuse values outside their range, each by its name."""
        _check_whole("daily_amount_cents", self.daily_amount_cents, 0, LIMIT_CENTS_MAX)
        _check_whole("weekly_amount_cents", self.weekly_amount_cents, 0, LIMIT_CENTS_MAX)
        _check_whole("daily_attempts", self.daily_attempts, 0, LIMIT_COUNT_MAX)
        _check_whole("week_start", self.week_start, 0, len(WEEK_DAYS) - 1)
        if self.monday_multiplier is not None:
            _check_whole("monday_multiplier", self.monday_multiplier, 1, MULTIPLIER_MAX)
        if self.prime_gate is not None and type(self.prime_gate) is not PrimeGate:
            raise ValueError("prime_gate must be a PrimeGate or None")
        _check_choice("duplicate_scope", self.duplicate_scope, get_args(DuplicateScope))
        _check_choice("on_replay", self.on_replay, get_args(DuplicateAnswer))
        _check_choice("on_conflict", self.on_conflict, get_args(DuplicateAnswer))
        _check_choice("attempts_counted", self.attempts_counted, get_args(AttemptsCounted))
        _check_choice("malformed", self.malformed, get_args(MalformedAnswer))

    @property
    def quota(self) -> int:
        """Accepted primes a UTC day may have; 0 when the gate is off, and then nothing waits."""
        return 0 if self.prime_gate is None else self.prime_gate.global_per_day

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex over the canonical text of the rules and the engine version."""
        return digest_of(ENGINE_VERSION, self.to_json())

    def to_json(self) -> str:
        """Return the canonical text: equal rule sets give equal bytes."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> RuleSet:
        """Read what `to_json` wrote.

        Raises:
            ValueError: not such a text; a missing or an unknown field is never guessed at.
        """
        fields = _fields_of(cls, json.loads(text))
        if fields["prime_gate"] is not None:
            fields["prime_gate"] = PrimeGate(**_fields_of(PrimeGate, fields["prime_gate"]))
        return cls(**fields)


def digest_of(engine_version: str, text: str) -> str:
    """Return the digest of rules, given as canonical text, under a version of the engine."""
    return hashlib.sha256(f"{engine_version}\n{text}".encode()).hexdigest()


def engine_of(digest: str, text: str) -> str | None:
    """Return the version of the engine under which rules of this text have this digest.

    None when there is none: the text is not what the digest was made from. It needs no rule set, so
    that a text with fields of another version can be named as well as refused.
    """
    versions = (str(number) for number in range(1, ENGINE_VERSION_MAX + 1))
    return next((version for version in versions if digest_of(version, text) == digest), None)


def _fields_of(owner: type[RuleSet | PrimeGate], value: object) -> dict[str, Any]:
    """Return the value as keyword arguments of its owner, if the names fit exactly."""
    names = set(owner.__dataclass_fields__)
    if not isinstance(value, dict) or set(value) != names:
        raise ValueError(f"not a {owner.__name__}: it has exactly the fields {sorted(names)}")
    return dict(value)


def _check_whole(name: str, value: object, low: int, high: int) -> None:
    # `type is int` and not isinstance: True is an int to Python, but never a limit.
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}")
