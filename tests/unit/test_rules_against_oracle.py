"""The domain against the oracle: whatever the stream and however it is cut, the same answers.

Rows and reasons are both compared: under the shipped limits some mistakes change only a reason.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from tests.support.oracle import (
    BASELINE,
    CLASSIC,
    EXPERIMENT,
    Answer,
    decide_stream,
    lines_of,
    output_bytes,
)
from tests.support.reference import reference_file
from tests.support.serial import Line, decide_serially, rules_of, serial_bytes
from tests.support.streams import Style, nasty_stream

pytestmark = pytest.mark.unwatched

CONFIGS = {"baseline": BASELINE, "experiment": EXPERIMENT, "classic": CLASSIC}
SEEDS = range(20)
SCRATCHES = [bytes([byte]) for byte in b'"\\ \r\n09-{],'] + [b"\xc2\xa0", b"\\ud800"]
REASONS = {
    "INPUT_PARSE_ERROR",
    "INVALID_ID_FORMAT",
    "INVALID_TIMESTAMP",
    "INVALID_AMOUNT_FORMAT",
    "ID_DUPLICATE_REPLAY",
    "ID_DUPLICATE_CONFLICT",
    "DAILY_ATTEMPT_LIMIT",
    "PRIME_AMOUNT_CAP",
    "PRIME_DAILY_GLOBAL_LIMIT",
    "DAILY_AMOUNT_LIMIT",
    "WEEKLY_AMOUNT_LIMIT",
}


def crossed(seed: int) -> dict[str, Any]:
    """Throw every switch and limit by chance, in range."""
    rng = Random(seed)
    flips = (True, False)
    duplicates = ("decline", "drop")
    return {
        "limits": {
            "daily_amount": rng.choice(("0", "0.01", "5000.00", "20000", "10000000000000.00")),
            "weekly_amount": rng.choice(("0", "5000.01", "20000.00", "50000")),
            "daily_attempts": rng.choice((0, 1, 3, 7)),
        },
        "monday_multiplier": {
            "enabled": rng.choice(flips),
            "multiplier": rng.choice(
                ("0.0001", "0.5", "1", "1.0005", "1.5", "2", "33.3333", "100")
            ),
        },
        "prime_gate": {
            "enabled": rng.choice((True, True, False)),
            "global_per_day": rng.choice((0, 1, 2, 5)),
            "amount_cap": rng.choice(("0", "0.01", "4999.50", "9999.00")),
        },
        "idempotency": {
            "scope": rng.choice(("id", "customer_and_id")),
            "on_replay": rng.choice(duplicates),
            "on_conflict": rng.choice(duplicates),
        },
        "attempts": {"count": rng.choice(("all", "accepted"))},
        "malformed": rng.choice(("decline", "skip")),
        "week_start": rng.choice(("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")),
    }


def scratched(stream: bytes, rng: Random) -> bytes:
    """Damage most lines in one place, seldom a line end."""
    lines = stream.splitlines(keepends=True)
    for index, line in enumerate(lines):
        at = rng.randrange(len(line))
        byte = rng.choice((line[at : at + 1] * 2, b"", rng.randbytes(1), rng.choice(SCRATCHES)))
        if rng.random() < 0.7:
            lines[index] = line[:at] + byte + line[at + 1 :]
    return b"".join(lines)


def assert_same(stream: bytes, decided: list[Line], expected: list[Answer]) -> None:
    """Compare line by line, and show the first line on which the two differ."""
    assert len(decided) == len(expected)
    for got, wanted in zip(decided, expected, strict=True):
        if (got.answer, got.reason) != (wanted.answer, wanted.reason):
            line = lines_of(stream)[wanted.line - 1][:300]
            pytest.fail(f"line {wanted.line} {line!r}: oracle {wanted}, domain {got}")
    assert serial_bytes(decided) == output_bytes(expected)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_domain_and_oracle_answer_every_nasty_stream_alike(seed: int, name: str) -> None:
    """Twenty streams under the three configurations, each cut into chunks of another size."""
    stream = nasty_stream(seed)
    chunk_lines = Random(f"{seed} {name}").choice((7, 50, 128, 300, 512))

    decided = decide_serially(stream, rules_of(CONFIGS[name]), chunk_lines=chunk_lines)

    assert_same(stream, decided, decide_stream(stream, CONFIGS[name]))


@pytest.mark.parametrize("chunk_lines", [1, 2, 3, 64, 511, 512])
def test_the_size_of_chunks_changes_no_answer(chunk_lines: int) -> None:
    """Identity, windows and gates reach over the ends of chunks."""
    stream = nasty_stream(100 + chunk_lines, 600)

    decided = decide_serially(stream, rules_of(EXPERIMENT), chunk_lines=chunk_lines)

    assert_same(stream, decided, decide_stream(stream, EXPERIMENT))


@pytest.mark.parametrize("style", ["plain", "odd"])
@pytest.mark.parametrize("seed", range(200, 204))
def test_plain_and_odd_streams_are_answered_alike_too(seed: int, style: Style) -> None:
    """All on the fast path, and hardly anything on it."""
    stream = nasty_stream(seed, 1200, style=style)

    decided = decide_serially(stream, rules_of(EXPERIMENT), chunk_lines=256)

    assert_same(stream, decided, decide_stream(stream, EXPERIMENT))


@pytest.mark.parametrize("seed", range(300, 340))
def test_switches_and_limits_thrown_by_chance_are_read_alike(seed: int) -> None:
    """No switch leans on the value another happens to have in the shipped files."""
    config, stream = crossed(seed), nasty_stream(seed, 700)

    decided = decide_serially(stream, rules_of(config), chunk_lines=100)

    assert_same(stream, decided, decide_stream(stream, config))


@pytest.mark.parametrize("seed", range(400, 408))
def test_lines_with_scratches_are_read_alike(seed: int) -> None:
    """One byte lost, changed or doubled makes lines nobody thought of."""
    stream = scratched(nasty_stream(seed, 1500, style="odd"), Random(seed))

    decided = decide_serially(stream, rules_of(EXPERIMENT), chunk_lines=100)

    assert_same(stream, decided, decide_stream(stream, EXPERIMENT))


@pytest.mark.parametrize(
    ("name", "reference"), [("baseline", "output.txt"), ("experiment", "output_exp_mp.txt")]
)
def test_the_domain_alone_writes_the_reference_outputs(name: str, reference: str) -> None:
    """Parity without engine, ledger and processes."""
    stream = reference_file("input.txt")

    decided = decide_serially(stream, rules_of(CONFIGS[name]), chunk_lines=128)

    assert serial_bytes(decided) == reference_file(reference)


def test_nasty_streams_reach_every_reason_and_both_answers() -> None:
    """A stream that never hits a rule proves nothing about it."""
    for seed in SEEDS:
        answers = decide_stream(nasty_stream(seed), EXPERIMENT)
        counts = Counter(answer.reason for answer in answers)

        assert set(counts) == REASONS | {""}
        assert min(counts.values()) >= 10, f"seed {seed}: {counts}"
        assert 0.2 <= counts[""] / len(answers) <= 0.8


def test_a_stream_is_named_by_its_seed_length_and_style() -> None:
    """The same name gives the same bytes, another seed others; the length is exact."""
    stream = nasty_stream(7, 500)

    assert stream == nasty_stream(7, 500)
    assert stream != nasty_stream(8, 500)
    assert [len(lines_of(nasty_stream(seed, 333))) for seed in range(30)] == [333] * 30
