"""The sample: the same bytes for the same arguments, and something of everything in it."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from kernel.domain.attempt import Attempt, Declined, parse_line
from kernel.domain.primes import is_prime
from kernel.errors import OutputExists, UsageError
from producer.commands import sample
from producer.sample import (
    BAD_LINES,
    ODD_LINES,
    Line,
    default_customers,
    sample_chunks,
    stride_over,
    write,
)

#: SHA-256 of 5,000 lines of seed 1, the default customers, one line in fifty bad, 700 a day.
GOLDEN = "0deacc98120a59e1432c218f22693eef5abd3913ba33ae4c2c7977457b6e9977"
LINE = Line(number=15887, customer=528, cents=331_847, second=86_399)


def lines_of(
    lines: int,
    *,
    customers: int | None = None,
    per_day: int = 50_000,
    bad: float = 0.0005,
    seed: int = 1,
) -> list[bytes]:
    """Return a sample as lines."""
    chunks = sample_chunks(lines, customers=customers, per_day=per_day, bad=bad, seed=seed)
    whole = b"".join(chunks)
    assert whole.endswith(b"\n")
    return whole.split(b"\n")[:-1]


def attempts_of(lines: list[bytes]) -> list[Attempt]:
    """Return those lines that are attempts."""
    return [parsed for parsed in map(parse_line, lines) if isinstance(parsed, Attempt)]


def test_the_sample_is_the_same_on_every_machine() -> None:
    """The digest was taken once; a Python or a change of ours that draws differently shows here."""
    chunks = sample_chunks(5000, per_day=700, bad=0.02)

    assert hashlib.sha256(b"".join(chunks)).hexdigest() == GOLDEN


def test_another_seed_gives_another_sample_of_the_same_size() -> None:
    """The seed is all that chance depends on."""
    one, same, other = (lines_of(500, seed=seed) for seed in (7, 7, 8))

    assert one == same
    assert one != other
    assert len(one) == len(other) == 500


@pytest.mark.parametrize("lines", [0, 1, 4095, 4096, 4097, 9000])
def test_there_are_as_many_lines_as_asked_for(lines: int) -> None:
    """Bad lines, the empty one among them, are counted as lines."""
    whole = b"".join(sample_chunks(lines, bad=0.5))

    assert whole.count(b"\n") == lines


@pytest.mark.parametrize("kind", BAD_LINES)
def test_each_bad_kind_is_declined(kind: str) -> None:
    """A kind that the parser took for an attempt would not be bad."""
    line = write(BAD_LINES[kind], LINE).encode("utf-8", "surrogateescape")

    assert isinstance(parse_line(line), Declined)


@pytest.mark.parametrize("kind", ODD_LINES)
def test_each_odd_kind_is_the_usual_attempt(kind: str) -> None:
    """However it is spelled, it is this attempt; only a fraction of a second is another instant."""
    parsed = parse_line(write(ODD_LINES[kind], LINE).encode())

    assert isinstance(parsed, Attempt)
    assert parsed[:3] == ("15887", "528", 331_847)
    assert parsed.instant == "20000101235959" + (".250000" if kind == "fraction" else "")


def test_a_sample_holds_every_kind_of_bad_line_and_of_repeated_id() -> None:
    """Replay, conflict and an id under two customers; every reason a line is malformed for."""
    lines = lines_of(40_000, bad=0.02)
    owners: dict[str, Attempt] = {}
    repeats: Counter[str] = Counter()
    for attempt in attempts_of(lines):
        owner = owners.setdefault(attempt.id, attempt)
        if owner is not attempt:
            same = "same" if owner.customer == attempt.customer else "another"
            repeats["replay" if owner == attempt else f"{same} customer"] += 1
    reasons = Counter(bad.code for bad in map(parse_line, lines) if isinstance(bad, Declined))

    assert set(reasons) == {1, 2, 3, 4}
    assert sum(reasons.values()) / len(lines) == pytest.approx(0.02, rel=0.2)
    assert set(repeats) == {"replay", "same customer", "another customer"}
    assert min(repeats.values()) > 40
    assert sum(repeats.values()) / len(lines) == pytest.approx(0.005, rel=0.3)


def test_without_bad_lines_every_line_is_an_attempt_spelled_as_usual() -> None:
    """A share of zero is none at all, odd ones included."""
    lines = lines_of(20_000, bad=0.0)
    attempts = attempts_of(lines)

    assert len(attempts) == 20_000
    assert all(json.loads(line)["load_amount"].startswith("$") for line in lines)


def test_days_pass_and_times_rarely_go_back() -> None:
    """So many lines are a day; only late and repeated lines are earlier than the one before."""
    attempts = attempts_of(lines_of(30_000, per_day=1000))
    pairs = list(itertools.pairwise(attempts))
    backwards = sum(one.instant > other.instant for one, other in pairs)

    assert attempts[-1].day - attempts[0].day == 29
    assert 0 < backwards < 0.005 * len(attempts)


def test_ids_are_spread_and_one_in_ten_or_so_is_prime() -> None:
    """No id is met twice but on purpose, and primes come as often as among all numbers."""
    attempts = attempts_of(lines_of(30_000))
    ids = [int(attempt.id) for attempt in attempts]

    assert len(set(ids)) > 0.99 * len(ids)
    assert 0.08 < sum(map(is_prime, ids)) / len(ids) < 0.12


@pytest.mark.parametrize("count", [2, 30_000, 30_001, 100_000, 999_983])
def test_the_walk_over_the_ids_meets_each_once(count: int) -> None:
    """A stride without a common divisor comes back to the start only after all."""
    stride = stride_over(count)
    met = bytearray(count)
    for index in range(count):
        met[index * stride % count] = 1

    assert met.count(1) == count


def test_customers_are_as_many_as_asked_for_and_some_come_more_often() -> None:
    """All of them come, and the busiest tenth makes more than a tenth of the attempts."""
    seen = Counter(attempt.customer for attempt in attempts_of(lines_of(20_000, customers=100)))
    busiest = sum(count for _, count in seen.most_common(10))

    assert {int(customer) for customer in seen} == set(range(1, 101))
    assert 0.12 < busiest / seen.total() < 0.4


@pytest.mark.parametrize(
    ("lines", "per_day", "customers"),
    [(0, 50_000, 1), (1000, 24, 24), (1000, 50_000, 500), (200_000, 50_000, 25_000)],
)
def test_customers_by_default_have_one_or_two_attempts_a_day(
    lines: int, per_day: int, customers: int
) -> None:
    """So that all limits are met, and most attempts still pass."""
    assert default_customers(lines, per_day) == customers


@pytest.mark.parametrize(
    "arguments",
    [
        {"lines": -1},
        {"lines": 5, "customers": 0},
        {"lines": 5, "per_day": 0},
        {"lines": 5, "bad": 1.5},
        {"lines": 5, "bad": float("nan")},
        {"lines": 400_000, "per_day": 1},
    ],
)
def test_numbers_that_cannot_be_meant_are_refused_at_once(arguments: dict[str, int]) -> None:
    """The call itself refuses, before a file is opened."""
    with pytest.raises(UsageError, match="give a"):
        sample_chunks(**arguments)


def test_the_verb_writes_the_sample_and_says_what_it_holds(tmp_path: Path) -> None:
    """The options reach the sample; standard output stays empty."""
    path = tmp_path / "loads.txt"
    options = {"lines": 300, "customers": 9, "per-day": 40, "bad": 0.1, "seed": 3, "output": path}

    ended = CliRunner().invoke(sample, [f"--{name}={value}" for name, value in options.items()])

    assert ended.exit_code == 0
    assert ended.stdout == ""
    assert "300 lines of 9 customers, 40 a day, seed 3" in ended.stderr
    assert path.read_bytes() == b"".join(
        sample_chunks(300, customers=9, per_day=40, bad=0.1, seed=3)
    )
    assert list(tmp_path.iterdir()) == [path]


def test_the_verb_replaces_a_file_only_when_told(tmp_path: Path) -> None:
    """A made-up input must not take the place of a real one by accident."""
    path = tmp_path / "loads.txt"
    path.write_bytes(b"real")
    options = ["--lines", "3", "--output", str(path)]

    refused = CliRunner().invoke(sample, options)
    kept = path.read_bytes()
    forced = CliRunner().invoke(sample, [*options, "--force"])

    assert isinstance(refused.exception, OutputExists)
    assert kept == b"real"
    assert forced.exit_code == 0
    assert path.read_bytes() == b"".join(sample_chunks(3))


def test_a_sample_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A number that cannot be meant leaves no file, neither whole nor partial."""
    ended = CliRunner().invoke(
        sample, ["--lines", "5", "--per-day", "0", "--output", str(tmp_path / "loads.txt")]
    )

    assert isinstance(ended.exception, UsageError)
    assert list(tmp_path.iterdir()) == []


def test_the_verb_writes_to_standard_output() -> None:
    """With '-' the lines go to whoever reads, byte for byte."""
    script = "from producer.commands import sample; sample()"
    ended = subprocess.run(
        [sys.executable, "-c", script, "--lines", "5000", "--output", "-"],
        capture_output=True,
        check=True,
    )

    assert ended.stdout == b"".join(sample_chunks(5000))


def test_the_help_has_an_example() -> None:
    """What to type first is shown."""
    ended = CliRunner().invoke(sample, ["--help"])

    assert "Example: fundload sample --lines 100000 --output loads.txt" in ended.stdout
