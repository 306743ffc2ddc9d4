"""Well-formed load attempts and the many ways to write the same one down.

Lives here: one attempt as a value, its plain line, and its odd lines that must parse to the same
attempt. Lives elsewhere: lines that must fail (`bad_lines`) and which attempts follow each other
(`streams`). Why apart: a replay is the same attempt in other clothes, so clothes have a wardrobe.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from random import Random

PREFIXES = ("$", "USD", "USD$", "$USD", "")
MINUTES_AHEAD = (0, 120, -300, 330, -570, 840, -720, 1439, -1439)
BLANKS = (" ", "  ", "\t", "\u00a0", "\u2003", "\x85", "\u3000")
EXTRAS = (
    '"note":"[[[[{{{{"',
    '"note":null',
    '"nan":NaN',
    '"inf":[-Infinity,Infinity]',
    '"deep":' + "[" * 63 + "]" * 63,
    '"deep":' + '{"a":' * 62 + "{}" + "}" * 62,
    '"text":"' + '[\\"{\\\\' * 40 + '"',
    '"digits":' + "9" * 4300,
    '"digits":-' + "9" * 4300,
    '"float":' + "9" * 5000 + ".5",
    '"\\u0000":"\\u0000\\ud800"',
    '"snow":"\u2603\u2028\U0001f600"',
    '"ID":"x","Time":1',
    '"accepted":true',
)


class Load(NamedTuple):
    """One attempt to load funds; `nanos` are the digits behind the second, of which six count."""

    id: str
    customer: str
    cents: int
    instant: datetime
    nanos: str = ""


def plain_line(load: Load) -> bytes:
    """Write a load the way the reference input does."""
    return _join(load.id, load.customer, f"${money(load.cents)}", zulu(load)).encode()


def zulu(load: Load) -> str:
    """Write the load's instant in UTC."""
    dot = f".{load.nanos}" if load.nanos else ""
    return load.instant.strftime("%Y-%m-%dT%H:%M:%S") + dot + "Z"


def money(cents: int) -> str:
    """Write cents as dollars with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"


def odd_line(rng: Random, load: Load) -> bytes:
    """Write a load in an unusual, still well-formed way."""
    amount = _odd_amount(rng, load.cents)
    texts = [
        _padded(rng, load.id),
        _padded(rng, load.customer),
        amount,
        _padded(rng, odd_time(rng, load)),
    ]
    style = rng.randrange(8)
    if style == 0:
        return _join(*texts, spaced=True).encode()
    if style == 1:
        return _shuffled(rng, texts).encode()
    if style == 2:
        return _join(*(_escaped(rng, text) for text in texts), quoted=True).encode()
    if style == 3:
        return (" \t\r" + _join(*texts) + " \r\t ").encode()
    if style == 4:
        return _repeated(rng, texts).encode()
    if style == 5:
        return _join(*texts).replace('"id"', '"\\u0069\\u0064"').encode()
    if style == 6:
        return _join(*texts, extra=rng.choice(EXTRAS)).encode()
    return _join(*texts).encode()


def filled_line(load: Load, size: int) -> bytes:
    """Write a load in exactly so many bytes, by an extra key."""
    line = plain_line(load)
    return line[:-1] + b',"pad":"' + b"x" * (size - len(line) - 9) + b'"}'


def odd_time(rng: Random, load: Load) -> str:
    """Write the load's instant with another zone, separator or number of digits."""
    ahead = rng.choice(MINUTES_AHEAD)
    local = load.instant.astimezone(timezone(timedelta(minutes=ahead)))
    sign = "-" if ahead < 0 or (ahead == 0 and rng.random() < 0.5) else "+"
    zone = f"{sign}{abs(ahead) // 60:02d}:{abs(ahead) % 60:02d}"
    nanos = load.nanos
    if len(nanos) < 6 and rng.random() < 0.5:
        nanos = nanos.ljust(6, "0") + rng.choice(("", "0", "9", "009", "999"))
    clock = local.replace(tzinfo=None).isoformat(sep=rng.choice("T "), timespec="seconds")
    return clock + (f".{nanos}" if nanos else "") + zone


def _odd_amount(rng: Random, cents: int) -> str:
    zeros = "0" * rng.choice((0, 0, 1, 4))
    text = rng.choice(PREFIXES) + zeros + money(cents)
    for _ in range(rng.choice((0, 0, 1, 3))):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(BLANKS) + text[at:]
    return text


def _padded(rng: Random, text: str) -> str:
    if rng.random() < 0.7:
        return text
    return rng.choice(("", *BLANKS)) + text + rng.choice(("", *BLANKS))


def _escaped(rng: Random, text: str) -> str:
    """Write a JSON string with some letters as hex escapes."""
    letters = (
        f"\\u{ord(char):04x}" if rng.random() < 0.4 else _quoted(char)[1:-1] for char in text
    )
    return '"' + "".join(letters) + '"'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _shuffled(rng: Random, texts: list[str]) -> str:
    keys = ("id", "customer_id", "load_amount", "time")
    pairs = [f"{_quoted(key)}:{_quoted(text)}" for key, text in zip(keys, texts, strict=True)]
    pairs.append(rng.choice(EXTRAS))
    rng.shuffle(pairs)
    return "{" + rng.choice((",", " , ", ",\t")).join(pairs) + "}"


def _repeated(rng: Random, texts: list[str]) -> str:
    """Write wrong values first; the last one of a key is the one that counts."""
    wrong = (
        '"id":"zz"',
        '"customer_id":null',
        '"load_amount":"$1.00"',
        '"time":[1,{"id":2}]',
        '"id":7',
    )
    return "{" + ",".join(rng.sample(wrong, 3)) + "," + _join(*texts)[1:]


def _join(
    id_text: str,
    customer: str,
    amount: str,
    time: str,
    *,
    spaced: bool = False,
    quoted: bool = False,
    extra: str = "",
) -> str:
    keys = ("id", "customer_id", "load_amount", "time")
    colon, comma = (": ", ", ") if spaced else (":", ",")
    texts = (id_text, customer, amount, time)
    values = texts if quoted else tuple(_quoted(text) for text in texts)
    pairs = [f'"{key}"{colon}{value}' for key, value in zip(keys, values, strict=True)]
    return "{" + comma.join([*pairs, *([extra] if extra else [])]) + "}"
