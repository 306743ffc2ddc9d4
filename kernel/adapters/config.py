"""Configuration: one YAML file to a rule set and the settings of a fleet.

Here: the keys of the file, their types, and what is said about a wrong one. Not here: what must
hold of the values (`RuleSet` and `FleetSettings` refuse what they cannot be), addresses and secrets
(never in this file). `configs/README.md` lists every key.

1. Every model is strict and knows all its keys: an unknown key, a number in quotes, a yes for true
   are errors, because a limit that is silently not set costs money.
2. Amounts and multipliers are decimal text and become whole numbers here; no float gets further.
3. All errors of a file are told at once, each with its full path and what to write instead. Values
   are not repeated; the path is enough to find them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from kernel.adapters.yaml_text import read_yaml
from kernel.domain.ruleset import (
    LIMIT_CENTS_MAX,
    LIMIT_COUNT_MAX,
    MULTIPLIER_MAX,
    MULTIPLIER_UNIT,
    WEEK_DAYS,
    AttemptsCounted,
    DuplicateAnswer,
    DuplicateScope,
    MalformedAnswer,
    PrimeGate,
    RuleSet,
)
from kernel.errors import ConfigError
from kernel.ledger.settings import RANGES, FleetSettings, TakePolicy

_AMOUNT: Final = re.compile(r"([0-9]{1,15})\.([0-9]{2})")
_MULTIPLIER: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))?")
_MULTIPLIER_DECIMALS: Final = 4
_NAME_LENGTH_MAX: Final = 40

#: What is said about an error of each kind that pydantic finds; our own kinds bring their sentence.
_SENTENCES: Final[dict[str, str]] = {
    "extra_forbidden": "unknown key; known here are {known}",
    "invalid_key": "unknown key; known here are {known}",
    "missing": "missing; it has no default",
    "model_type": "must be a section with keys of its own: {known}",
    "int_type": "must be a whole number, written without quotes and without decimals",
    "bool_type": "must be true or false, written without quotes",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}


@dataclass(frozen=True)
class Config:
    """What a configuration file says: how to decide, and how a fleet shares the work."""

    rules: RuleSet
    fleet: FleetSettings


def read_config(path: str | Path) -> Config:
    """Return what a configuration file says.

    Raises:
        ConfigError: it cannot be read or says something impossible; the text lists every error.
    """
    values = read_yaml(Path(path))
    try:
        file = _File.model_validate(values)
    except ValidationError as error:
        found = map(_told, error.errors(include_url=False))
        told = "\n  ".join([f"{path}: this configuration cannot be used", *found])
        raise ConfigError(told) from None
    return Config(rules=file.rules.rule_set(), fleet=file.fleet.settings())


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a configuration file.

    It knows every key, type and range; what one key asks of another only `read_config` checks.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_File.model_json_schema(mode="validation"),
        "title": "fundload configuration",
    }


def _cents(value: object) -> int:
    match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError(
            "amount", 'must be an amount in quotes with two decimals, like "5000.00"'
        )
    cents = int(match[1]) * 100 + int(match[2])
    if cents > LIMIT_CENTS_MAX:
        raise PydanticCustomError("amount", f"must be at most {LIMIT_CENTS_MAX // 100}.00")
    return cents


def _ten_thousandths(value: object) -> int:
    match = _MULTIPLIER.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        decimals = (match[2] or "").ljust(_MULTIPLIER_DECIMALS, "0")
        multiplier = int(match[1]) * MULTIPLIER_UNIT + int(decimals)
        if 0 < multiplier <= MULTIPLIER_MAX:
            return multiplier
    raise PydanticCustomError(
        "multiplier", 'must be a number in quotes, above 0, at most "100", at most 4 decimals'
    )


def _text_like(pattern: re.Pattern[str], example: str) -> WithJsonSchema:
    """Say to editors what the text of a number looks like; its range is checked here alone."""
    return WithJsonSchema(
        {"type": "string", "pattern": f"^{pattern.pattern}$", "examples": [example]}
    )


Amount = Annotated[int, BeforeValidator(_cents), _text_like(_AMOUNT, "5000.00")]
Multiplier = Annotated[int, BeforeValidator(_ten_thousandths), _text_like(_MULTIPLIER, "2")]
Count = Annotated[int, Field(ge=0, le=LIMIT_COUNT_MAX)]
WeekStart = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Switch(_Section):
    """A feature that is off, or on with all its values; values of one that is off are ignored."""

    enabled: bool

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        absent = [name for name in type(self).model_fields if name not in self.model_fields_set]
        if self.enabled and absent:
            names = ", ".join(absent)
            raise PydanticCustomError("incomplete", f"needs {names} while enabled is true")
        return self


class _Limits(_Section):
    daily_amount: Amount
    weekly_amount: Amount
    daily_attempts: Count


class _MondayMultiplier(_Switch):
    multiplier: Multiplier = MULTIPLIER_UNIT


class _PrimeGate(_Switch):
    global_per_day: Count = 0
    amount_cap: Amount = 0


class _Idempotency(_Section):
    scope: DuplicateScope = "id"
    on_replay: DuplicateAnswer = "decline"
    on_conflict: DuplicateAnswer = "decline"


class _Attempts(_Section):
    count: AttemptsCounted = "all"


class _Rules(_Section):
    limits: _Limits
    week_start: WeekStart = "MON"
    monday_multiplier: _MondayMultiplier = _MondayMultiplier(enabled=False)
    prime_gate: _PrimeGate = _PrimeGate(enabled=False)
    idempotency: _Idempotency = _Idempotency()
    attempts: _Attempts = _Attempts()
    malformed: MalformedAnswer = "decline"

    def rule_set(self) -> RuleSet:
        monday, gate = self.monday_multiplier, self.prime_gate
        return RuleSet(
            daily_amount_cents=self.limits.daily_amount,
            weekly_amount_cents=self.limits.weekly_amount,
            daily_attempts=self.limits.daily_attempts,
            week_start=WEEK_DAYS.index(self.week_start),
            monday_multiplier=monday.multiplier if monday.enabled else None,
            prime_gate=PrimeGate(gate.global_per_day, gate.amount_cap) if gate.enabled else None,
            duplicate_scope=self.idempotency.scope,
            on_replay=self.idempotency.on_replay,
            on_conflict=self.idempotency.on_conflict,
            attempts_counted=self.attempts.count,
            malformed=self.malformed,
        )


def _setting(name: str) -> Any:  # noqa: ANN401 - as pydantic's own `Field` does
    """Declare a key with the default and the range of the setting of the same name."""
    low, high = RANGES[name]
    return Field(default=getattr(FleetSettings(), name), ge=low, le=high)


class _Fleet(_Section):
    partitions: int = _setting("partitions")
    chunk_lines_max: int = _setting("chunk_lines_max")
    turn_attempts_max: int = _setting("turn_attempts_max")
    inflight_lines_max: int = _setting("inflight_lines_max")
    lease_ms: int = _setting("lease_ms")
    shift_ms: int = _setting("shift_ms")
    shift_deadline_ms: int = _setting("shift_deadline_ms")
    ring_ms: int = _setting("ring_ms")
    linger_ms: int = _setting("linger_ms")
    run_lease_ms: int = _setting("run_lease_ms")
    worker_ttl_ms: int = _setting("worker_ttl_ms")
    tick_ms: int = _setting("tick_ms")
    throwaway_ms: int = _setting("throwaway_ms")
    keep_rows_min: int = _setting("keep_rows_min")
    take: TakePolicy = "auto"
    shuffle: bool = False

    def settings(self) -> FleetSettings:
        return FleetSettings(**self.model_dump())

    @model_validator(mode="after")
    def _agree(self) -> Self:
        try:
            self.settings()
        except ValueError as error:
            raise PydanticCustomError("contradiction", str(error)) from None
        return self


class _File(_Section):
    # A range of one number and not Literal[1], which would let `true` and 1.0 pass.
    version: Annotated[int, Field(ge=1, le=1)]
    rules: _Rules
    fleet: _Fleet = _Fleet()


def _told(details: ErrorDetails) -> str:
    """Return one error as a line: full path, and what to write instead."""
    kind, place = details["type"], details["loc"]
    owner = place if kind == "model_type" else place[:-1]
    names = {**details.get("ctx", {}), "known": ", ".join(_model_at(owner).model_fields)}
    sentence = _SENTENCES[kind].format_map(names) if kind in _SENTENCES else details["msg"]
    # A contradiction is found at the section, and its sentence begins with the name of the key.
    joint = "." if kind == "contradiction" else ": "
    return f"{'.'.join(map(_name, place)) or 'the file'}{joint}{sentence}"


def _model_at(place: tuple[int | str, ...]) -> type[BaseModel]:
    model: type[BaseModel] = _File
    for name in place:
        section = model.model_fields[str(name)].annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        model = section
    return model


def _name(part: int | str) -> str:
    """Return a key as it may be shown: a name from the file can hold anything."""
    text = str(part)
    return text if text.isidentifier() else ascii(text[:_NAME_LENGTH_MAX])
