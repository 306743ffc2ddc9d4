"""The second opinion: the decision rules read once more, one line after another.

Lives here: a sequential judge of whole inputs, written from the rules' text alone. Lives elsewhere:
everything fast, batched, partitioned or durable. Why: a rule that only the program under test knows
cannot be tested, only repeated.

1. Nothing of `kernel`, `producer` or `consumers` is imported, only the standard library.
2. Another style on purpose: `Decimal` money, zoned `datetime`, the `json` module, dicts keyed by
   (customer, date), another primality proof. A slip made once is unlikely to be made twice.
3. Speed is no goal. Each check stands where the rules have it, and is named by its row.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.other_primes import is_prime_otherwise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST_LINE = 65_536
DEEPEST_NESTING = 64
LONGEST_INTEGER = 4_300
MARK = "\ufeff".encode()
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
CENT = Decimal("0.01")
ID = re.compile(r"[0-9]{1,18}")
AMOUNT = re.compile(r"(?:USD\$|\$USD|USD|\$)?(?P<dollars>[0-9]{1,15}\.[0-9]{2})")
TIME = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[T ]"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?"
    r"(?:Z|(?P<sign>[+-])(?P<ahead_hours>[0-9]{2}):(?P<ahead_minutes>[0-9]{2}))",
)

_LIMITS = {"daily_amount": "5000.00", "weekly_amount": "20000.00", "daily_attempts": 3}
BASELINE: dict[str, Any] = {
    "limits": _LIMITS,
    "monday_multiplier": {"enabled": False, "multiplier": "2"},
    "prime_gate": {"enabled": False, "global_per_day": 1, "amount_cap": "9999.00"},
    "idempotency": {"scope": "id", "on_replay": "decline", "on_conflict": "decline"},
    "attempts": {"count": "all"},
    "malformed": "decline",
    "week_start": "MON",
}
EXPERIMENT: dict[str, Any] = BASELINE | {
    "monday_multiplier": {"enabled": True, "multiplier": "2"},
    "prime_gate": {"enabled": True, "global_per_day": 1, "amount_cap": "9999.00"},
}
CLASSIC: dict[str, Any] = BASELINE | {
    "idempotency": {"scope": "customer_and_id", "on_replay": "drop", "on_conflict": "drop"},
    "attempts": {"count": "accepted"},
    "malformed": "skip",
}


class Answer(NamedTuple):
    """What became of one line.

    `row` has no line end and is None when dropped; `reason` is empty when accepted.
    """

    line: int
    row: str | None
    answer: str
    reason: str


class WellFormed(NamedTuple):
    """A line that passed all six rows of section 1."""

    id: str
    customer: str
    amount: Decimal
    instant: datetime


class BadLine(NamedTuple):
    """A line that failed one row of section 1, with the ids its output row shows."""

    id: str
    customer: str
    reason: str


class Oracle:
    """One ledger, fed line by line in the ledger's order; the lines may be of several runs."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Start an empty ledger under the given `rules:` mapping."""
        limits, gate = config["limits"], config["prime_gate"]
        self._config = config
        self._daily_amount = Decimal(str(limits["daily_amount"]))
        self._weekly_amount = Decimal(str(limits["weekly_amount"]))
        self._daily_attempts = int(limits["daily_attempts"])
        self._cap = Decimal(str(gate["amount_cap"]))
        self._primes_a_day = int(gate["global_per_day"])
        self._week_start = WEEKDAYS.index(config["week_start"])
        self._lines = 0
        self._owners: dict[object, tuple[str, Decimal, datetime]] = {}
        self._attempts: Counter[tuple[str, date]] = Counter()
        self._day_sums: dict[tuple[str, date], Decimal] = {}
        self._week_sums: dict[tuple[str, date], Decimal] = {}
        self._primes_accepted: Counter[date] = Counter()

    def feed(self, line: bytes, *, skipped: bool = False) -> Answer:
        """Answer the next line of the ledger.

        Args:
            line: one physical line, with or without its line end.
            skipped: an operator gave this attempt up; it is declined in its turn.
        """
        self._lines += 1
        parsed = parse(line)
        if isinstance(parsed, BadLine):
            dropped = self._config["malformed"] == "skip"
        else:
            reason = self._judge(parsed, skipped=skipped)
            dropped = self._is_dropped_duplicate(reason)
            parsed = BadLine(parsed.id, parsed.customer, reason)
        if dropped:
            return Answer(self._lines, None, "dropped", parsed.reason)
        accepted = parsed.reason == ""
        row = {"id": parsed.id, "customer_id": parsed.customer, "accepted": accepted}
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        return Answer(self._lines, text, "accepted" if accepted else "declined", parsed.reason)

    def _is_dropped_duplicate(self, reason: str) -> bool:
        switches = self._config["idempotency"]
        switch = {"ID_DUPLICATE_REPLAY": "on_replay", "ID_DUPLICATE_CONFLICT": "on_conflict"}
        return reason in switch and switches[switch[reason]] == "drop"

    def _judge(self, attempt: WellFormed, *, skipped: bool) -> str:
        """Sections 3 to 6: give the reason, or "" when accepted, and update the windows."""
        duplicate = self._claim(attempt)
        if skipped:
            return "OPERATOR_SKIP"
        if duplicate:
            return duplicate
        day = attempt.instant.date()
        week = day - timedelta(days=(day.weekday() - self._week_start) % 7)
        effective = self._effective(attempt.amount, day)
        prime = self._config["prime_gate"]["enabled"] and is_prime_otherwise(int(attempt.id))
        day_key, week_key = (attempt.customer, day), (attempt.customer, week)
        day_sum = self._day_sums.get(day_key, Decimal(0)) + effective
        week_sum = self._week_sums.get(week_key, Decimal(0)) + effective
        objections = {
            "DAILY_ATTEMPT_LIMIT": self._attempts[day_key] + 1 > self._daily_attempts,
            "PRIME_AMOUNT_CAP": prime and effective > self._cap,
            "PRIME_DAILY_GLOBAL_LIMIT": prime and self._primes_accepted[day] >= self._primes_a_day,
            "DAILY_AMOUNT_LIMIT": day_sum > self._daily_amount,
            "WEEKLY_AMOUNT_LIMIT": week_sum > self._weekly_amount,
        }
        reason = next((name for name, objects in objections.items() if objects), "")
        if reason == "":
            self._day_sums[day_key] = day_sum
            self._week_sums[week_key] = week_sum
            self._primes_accepted[day] += prime
        if reason == "" or self._config["attempts"]["count"] == "all":
            self._attempts[day_key] += 1
        return reason

    def _claim(self, attempt: WellFormed) -> str:
        """Section 3: let the first well-formed line own its id; name what a later one is."""
        by_customer = self._config["idempotency"]["scope"] == "customer_and_id"
        key = (attempt.customer, attempt.id) if by_customer else attempt.id
        fingerprint = (attempt.customer, attempt.amount, attempt.instant)
        if key not in self._owners:
            self._owners[key] = fingerprint
            return ""
        same = self._owners[key] == fingerprint
        return "ID_DUPLICATE_REPLAY" if same else "ID_DUPLICATE_CONFLICT"

    def _effective(self, amount: Decimal, day: date) -> Decimal:
        """Section 4: the amount that is compared and summed."""
        rule = self._config["monday_multiplier"]
        if not rule["enabled"] or day.strftime("%w") != "1":
            return amount
        with localcontext() as context:
            context.prec = 60
            return (amount * Decimal(str(rule["multiplier"]))).quantize(CENT, ROUND_HALF_EVEN)


def lines_of(stream: bytes) -> list[bytes]:
    """Split an input into physical lines, without line ends and byte-order mark."""
    pieces = stream.removeprefix(MARK).split(b"\n")
    if pieces[-1] == b"":
        pieces.pop()
    return [piece.removesuffix(b"\r") for piece in pieces]


def decide_stream(stream: bytes, /, config: Mapping[str, Any]) -> list[Answer]:
    """Decide a whole input against an empty ledger."""
    oracle = Oracle(config)
    return [oracle.feed(line) for line in lines_of(stream)]


def output_bytes(answers: Iterable[Answer], /) -> bytes:
    """Write the output: a row for each answer not dropped, lone surrogates spelled out."""
    text = "".join(f"{answer.row}\n" for answer in answers if answer.row is not None)
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def parse(line: bytes, /) -> WellFormed | BadLine:
    """Section 1, row by row; the first that fails names the reason."""
    fields = _object_of(line.removesuffix(b"\n").removesuffix(b"\r"))
    if fields is None:
        return BadLine("", "", "INPUT_PARSE_ERROR")
    texts = [fields.get(key) for key in ("id", "customer_id", "load_amount", "time")]
    shown = _shown(texts[0]), _shown(texts[1])
    if not all(isinstance(text, str) for text in texts):
        return BadLine(*shown, "INPUT_PARSE_ERROR")
    if not all(ID.fullmatch(text) for text in shown):
        return BadLine(*shown, "INVALID_ID_FORMAT")
    instant = _instant_of(str(texts[3]).strip())
    if instant is None:
        return BadLine(*shown, "INVALID_TIMESTAMP")
    money = AMOUNT.fullmatch("".join(char for char in str(texts[2]) if not char.isspace()))
    if money is None:
        return BadLine(*shown, "INVALID_AMOUNT_FORMAT")
    return WellFormed(*shown, Decimal(money["dollars"]), instant)


def _shown(value: object) -> str:
    """Row 2: the trimmed string, the decimal text of an integer, else nothing."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if type(value) is int else ""


def _object_of(line: bytes) -> dict[str, object] | None:
    """Row 1: the JSON object of a line, or None."""
    if len(line) > LONGEST_LINE:
        return None
    try:
        text = line.decode("utf-8", errors="strict")
        if _nesting(text) > DEEPEST_NESTING:
            return None
        value = json.loads(text, parse_int=_integer)
    except ValueError:  # not UTF-8, not JSON, or an integer beyond the bound
        return None
    return value if isinstance(value, dict) else None


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > LONGEST_INTEGER:
        raise ValueError("integer of too many digits")
    return int(digits)


def _nesting(text: str) -> int:
    """Count how deep brackets stand in each other outside strings.

    Right for every text that is JSON; one with too few brackets to matter counts as 0.
    """
    if text.count("[") + text.count("{") <= DEEPEST_NESTING:
        return 0
    deepest = open_brackets = 0
    quoted = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = char == "\\", char != '"'
        elif char == '"':
            quoted = True
        elif char in "[{":
            open_brackets += 1
            deepest = max(deepest, open_brackets)
        elif char in "]}":
            open_brackets -= 1
    return deepest


def _instant_of(text: str) -> datetime | None:
    """Row 5: the UTC instant, or None when the text names no real one in range."""
    match = TIME.fullmatch(text)
    if match is None:
        return None
    ahead = timedelta(
        hours=int(match["ahead_hours"] or 0),
        minutes=int(match["ahead_minutes"] or 0),
    )
    if ahead >= timedelta(days=1) or int(match["ahead_minutes"] or 0) >= 60:
        return None
    year, month, day = (int(match[name]) for name in ("year", "month", "day"))
    hour, minute, second = (int(match[name]) for name in ("hour", "minute", "second"))
    micros = int((match["fraction"] or "0").ljust(6, "0")[:6])
    zone = timezone(-ahead if match["sign"] == "-" else ahead)
    try:
        local = datetime(year, month, day, hour, minute, second, micros, tzinfo=zone)
        instant = local.astimezone(UTC)
    except (ValueError, OverflowError):  # a date or hour that does not exist, here or in UTC
        return None
    return instant if 1900 <= instant.year <= 2999 else None
