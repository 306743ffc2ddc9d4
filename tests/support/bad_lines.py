"""Lines that must be declined, a family for each row of section 1 of the rules.

Lives here: broken lines by family, each with the reason it must get. Lives elsewhere: well-formed
lines however odd (`spelling`). Why families: a stream can promise that it holds some of each, and a
failing test can say which. A family is a list of templates; in them `ID`, `CUSTOMER`, `AMOUNT` and
`TIME` stand for well-formed texts, so that a bad line differs from a good one in one thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

_HEAD: Final = b'{"id":"ID","customer_id":"CUSTOMER",'
_GOOD: Final = b'{"id":"ID","customer_id":"CUSTOMER","load_amount":"AMOUNT","time":"TIME"}'
_BODY: Final = _GOOD[:-1]


def _with(key: bytes, value: bytes) -> bytes:
    """Put another JSON value under one key of a good line."""
    old = {
        b"id": b'"ID"',
        b"customer_id": b'"CUSTOMER"',
        b"load_amount": b'"AMOUNT"',
        b"time": b'"TIME"',
    }[key]
    return _GOOD.replace(b'"' + key + b'":' + old, b'"' + key + b'":' + value)


def _without(key: bytes) -> bytes:
    """Leave one key of a good line out, by calling it something else."""
    return _GOOD.replace(b'"' + key + b'":', b'"' + key + b'_":')


_NOT_JSON: Final = [
    b"",
    b" ",
    b" \t ",
    b"\r",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf" + _GOOD,
    _GOOD.decode().encode("utf-16"),
    _BODY,
    _GOOD[1:],
    _GOOD + b",",
    _GOOD + _GOOD,
    _GOOD + b"\x00",
    _GOOD + b"\xc2\xa0",
    b"// " + _GOOD,
    b"\x0b" + _GOOD,
    _GOOD.replace(b'"', b"'"),
    _BODY + b",}",
    _BODY + b',"a":01}',
    _BODY + b',"a":nan}',
    _BODY + b',"a":yes}',
    _BODY + b',"a":+1}',
    _BODY + b',"a":"\x01"}',
    _BODY + b',"a":"\x00"}',
    _BODY + b',"a":"\\x"}',
    _BODY + b',"a":"\\u12"}',
    _BODY + b',"a":"\xff"}',
    _BODY + b',"a":"\xc0\xaf"}',
    _BODY + b',"a":"\xed\xa0\x80"}',
    _BODY + b',"a":"\xf4\x90\x80\x80"}',
    b"null",
    b"12",
    b'"text"',
    b"[]",
    b"[" + _GOOD + b"]",
    b"NaN",
    b"{",
    b"}",
    b"{]",
]
_TOO_MUCH: Final = [
    _BODY + b',"pad":"' + b"x" * 65_600 + b'"}',
    _GOOD + b" " * 65_536,
    b"x" * 70_000,
    b"[" * 65_536,
    b"[" * 20_000,
    b'{"a":' * 5_000,
    _BODY + b',"deep":' + b"[" * 64 + b"]" * 64 + b"}",
    _BODY + b',"deep":' + b'{"a":' * 63 + b"{}" + b"}" * 64,
    _BODY + b',"deep":' + b"[{" * 40,
    _BODY + b',"deep":' + b'[{"\\"":' * 32 + b"0" + b"}]" * 32 + b"}",
    _BODY + b',"deep":' + b"[" * 64 + b"]" * 64 + b',"deep":1}',
    _BODY + b',"digits":' + b"9" * 4_301 + b"}",
    _BODY + b',"digits":-' + b"9" * 4_301 + b"}",
    _BODY + b',"digits":[{"a":1' + b"0" * 4_300 + b"}]}",
    _with(b"id", b"1" * 4_301),
]
_WRONG_TYPES: Final = [
    b"{}",
    _HEAD + b'"load_amount":"AMOUNT"}',
    _HEAD + b'"time":"TIME"}',
    *(_without(key) for key in (b"id", b"customer_id", b"load_amount", b"time")),
    *(
        _with(key, value)
        for key in (b"id", b"customer_id", b"load_amount", b"time")
        for value in (
            b"null",
            b"true",
            b"false",
            b"12",
            b"-5",
            b"-0",
            b"1.0",
            b"1e3",
            b"NaN",
            b"[]",
            b'{"a":"b"}',
        )
    ),
    _with(b"id", b"9" * 4_300),
    _with(b"time", b"null").replace(b'"ID"', b'"  a\\u00e9\\"\\\\\\u0000\\u007f\\ud800 "'),
    _with(b"load_amount", b"1").replace(b'"CUSTOMER"', b'"\\t\\ud83d\\ude00\\udfff\\u2003"'),
    _BODY + b',"id":null}',
    _BODY + b',"time":0}',
]
_BAD_TEXTS: Final = [
    b"",
    b"   ",
    b"abc",
    b"12a",
    b"-1",
    b"+1",
    b"1.0",
    b"1 2",
    b"1_000",
    b"0x10",
    b"1234567890123456789",
    b"0" * 19,
    b"\\u0000",
    b"12\\u0000",
    b"\\u0661\\u0662",
    b"\xc2\xb2",
    b"\\uff11",
    b"\\ud800",
    b"\\udfff\\ud800",
    b"\\ud83d\\ude00",
    b"7\\u200b",
    b"\\u001f8\\u001f9",
    b'\\"\\\\\\/\\b\\f\\n\\r\\t',
    b"\x7f\xe2\x80\xa8",
    b"\xef\xbb\xbf1",
]
_BAD_IDS: Final = [
    *(_with(key, b'"' + text + b'"') for key in (b"id", b"customer_id") for text in _BAD_TEXTS),
    _with(b"id", b'" x "').replace(b"TIME", b"never").replace(b"AMOUNT", b"-1"),
    _with(b"id", b'"x"').replace(b"CUSTOMER", b"\\n y\\t"),
]
_BAD_TIMES: Final = [
    _with(b"time", b'"' + text + b'"')
    for text in (
        b"",
        b"2000-01-03",
        b"2000-01-03T00:00:00",
        b"2000-01-03t00:00:00Z",
        b"2000-01-03T00:00:00z",
        b"2000-01-03  00:00:00Z",
        b"2000-01-03\\t00:00:00Z",
        b"2000-01-03_00:00:00Z",
        b"2000-01-03T00:00Z",
        b"2000-01-03T00:00:00 Z",
        b"2000-1-3T00:00:00Z",
        b"20000103T000000Z",
        b"12000-01-03T00:00:00Z",
        b"2000-01-03T24:00:00Z",
        b"2000-01-03T00:60:00Z",
        b"2000-01-03T00:00:60Z",
        b"2000-01-03T00:00:00.Z",
        b"2000-01-03T00:00:00,5Z",
        b"2000-01-03T00:00:00.1234567890Z",
        b"2000-01-03T00:00:00+24:00",
        b"2000-01-03T00:00:00+00:60",
        b"2000-01-03T00:00:00-23:60",
        b"2000-01-03T00:00:00+0200",
        b"2000-01-03T00:00:00+02",
        b"2000-01-03T00:00:00+02:00Z",
        b"2000-01-03T00:00:00\\u221202:00",
        b"2000-01-03T00:00:00\\u0660Z",
        b"\\u0662000-01-03T00:00:00Z",
        b"2000-02-30T00:00:00Z",
        b"2001-02-29T12:00:00Z",
        b"1900-02-29T12:00:00+05:00",
        b"2000-13-01T00:00:00Z",
        b"2000-00-10T00:00:00Z",
        b"2000-04-31T23:59:59-01:00",
        b"2000-05-00T00:00:00Z",
        b"1899-12-31T23:59:59.999999Z",
        b"1900-01-01T00:59:59+01:00",
        b"3000-01-01T00:00:00Z",
        b"2999-12-31T23:30:00-00:30",
        b"0000-01-01T00:00:00Z",
        b"0001-01-01T00:00:00+23:59",
        b"9999-12-31T23:59:59-23:59",
        b"-2000-01-03T00:00:00Z",
        b"2000-01-03T00:00:00Z\\u0000",
        b"yesterday",
    )
]
_BAD_AMOUNTS: Final = [
    _with(b"load_amount", b'"' + text + b'"')
    for text in (
        b"",
        b" ",
        b"$",
        b"USD",
        b"$12.3",
        b"$12",
        b"$12.",
        b"$1,000.00",
        b"1.000,00",
        b"usd1.00",
        b"Usd1.00",
        b"EUR1.00",
        b"\\u20ac1.00",
        b"-1.00",
        b"$-1.00",
        b"-$1.00",
        b"+1.00",
        b"$.50",
        b"$$1.00",
        b"USDUSD1.00",
        b"$USD$1.00",
        b"USD$USD1.00",
        b"1.00USD",
        b"1.00$",
        b"1.000",
        b"1e2",
        b"1.0e2",
        b"NaN",
        b"(1.00)",
        b"$1.00-",
        b"\\u0661.00",
        b"1\\uff0e00",
        b"1.0\\u0000",
        b"0000000000000001.00",
        b"1000000000000000.00",
        b"1234567890123456.78",
        b"\\ud8001.00",
        b"1\\u200b.00",
    )
]

BAD_LINES: Final[dict[str, list[bytes]]] = {
    "not json": _NOT_JSON,
    "too much": _TOO_MUCH,
    "wrong types": _WRONG_TYPES,
    "bad ids": _BAD_IDS,
    "bad times": _BAD_TIMES,
    "bad amounts": _BAD_AMOUNTS,
}
"""Family -> templates. The first three get `INPUT_PARSE_ERROR`."""

REASON_OF: Final[dict[str, str]] = {
    "not json": "INPUT_PARSE_ERROR",
    "too much": "INPUT_PARSE_ERROR",
    "wrong types": "INPUT_PARSE_ERROR",
    "bad ids": "INVALID_ID_FORMAT",
    "bad times": "INVALID_TIMESTAMP",
    "bad amounts": "INVALID_AMOUNT_FORMAT",
}

_USUAL: Final = ("not json", "wrong types", "bad ids", "bad times", "bad amounts")


def bad_line(rng: Random, *, id_text: str, customer: str, amount: str, time: str) -> bytes:
    """Pick a bad line; those of many bytes come seldom."""
    family = "too much" if rng.random() < 0.02 else rng.choice(_USUAL)
    return filled(
        rng.choice(BAD_LINES[family]), id_text=id_text, customer=customer, amount=amount, time=time
    )


def filled(template: bytes, *, id_text: str, customer: str, amount: str, time: str) -> bytes:
    """Put well-formed texts into a template."""
    texts = {b"ID": id_text, b"CUSTOMER": customer, b"AMOUNT": amount, b"TIME": time}
    for name, text in texts.items():
        template = template.replace(b'"' + name + b'"', b'"' + text.encode() + b'"')
    return template
