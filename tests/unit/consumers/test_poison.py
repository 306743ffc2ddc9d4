"""An attempt that makes a step raise: what becomes of it, and of all others (rules 17 to 19)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from consumers.poison import PAUSE_MS, PAUSE_MS_MAX, Pauses
from kernel.adapters.acts import request_of
from kernel.domain.decision import reason_of
from kernel.ledger.halts import SkipNote
from kernel.ledger.settings import FleetSettings
from tests.support.oracle import BASELINE, EXPERIMENT, Oracle
from tests.support.poison import Poison, Poisoned, Venom, plant_here
from tests.support.serial import rules_of
from tests.support.workshop import Workshop

POISON_CENTS = 66_66
PARTITIONS = 4


def loads(count: int, poison: Sequence[int], *, id_of_poison: int = 0) -> list[bytes]:
    """Return lines of many customers on two days; those named are poison."""
    lines = []
    for number in range(1, count + 1):
        amount = f"{POISON_CENTS / 100:.2f}" if number in poison else "10.00"
        fields = {
            "id": str(id_of_poison if number in poison and id_of_poison else 10_000 + number),
            "customer_id": str(number % 23),
            "load_amount": f"${amount}",
            "time": f"2000-01-0{4 + number % 2}T00:00:00Z",
        }
        lines.append(json.dumps(fields).encode())
    return lines


def workshop(
    tmp_path: Path,
    lines: Sequence[bytes],
    config: Mapping[str, Any] = EXPERIMENT,
    *,
    chunk_lines_max: int = 64,
    turn_attempts_max: int = 4_096,
) -> Workshop:
    """Append lines to a ledger."""
    settings = FleetSettings(
        partitions=PARTITIONS,
        chunk_lines_max=chunk_lines_max,
        turn_attempts_max=turn_attempts_max,
    )
    made = Workshop(rules_of(config), settings)
    source = tmp_path / "source"
    source.write_bytes(b"".join(line + b"\n" for line in lines))
    made.produce(source)
    return made


def reasons_by_the_oracle(lines: Sequence[bytes], skipped: Sequence[int]) -> dict[int, str]:
    """Return what each line must be answered; its number is its line."""
    oracle = Oracle(EXPERIMENT)
    answers = [oracle.feed(line, skipped=n in skipped) for n, line in enumerate(lines, 1)]
    return {answer.line: answer.reason or "ACCEPTED" for answer in answers}


def reasons(made: Workshop) -> dict[int, str]:
    """Return what was answered so far."""
    return {line: reason_of(code).name for line, code in made.codes().items()}


def halted(made: Workshop) -> list[int]:
    """Return the partitions that are halted."""
    return [p for p, part in enumerate(made.ledger.state.parts) if part.state == "halted"]


def head_of(made: Workshop, partition: int) -> int:
    """Return the sequence number of a partition's first undecided attempt."""
    part = made.ledger.state.parts[partition]
    batch = made.codec.logged(partition, part.log[0])
    return batch.seqs[part.cursor - (part.log[0].end - len(batch.seqs))]


def skip(made: Workshop, partition: int) -> int:
    """Give a halted partition's head up, and return its number."""
    seq = head_of(made, partition)
    part = made.ledger.state.parts[partition]
    note = SkipNote(seq, "broken", part.log[0].id)
    place, now_ms = (partition, part.cursor), made.clock.now_ms()
    request = request_of(made.codec.seals, place, seq, "me@here", note, now_ms)
    assert made.ledger.resume(request).status == "RESUMED"
    return seq


@pytest.mark.parametrize("kind", [Poison, Venom])
def test_the_prefix_is_committed_and_the_second_time_the_partition_halts(
    kind: type[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever step raises: everybody else's lines are answered, and the reason is a class name."""
    lines = loads(200, [101])
    made = workshop(tmp_path, lines)
    plant_here(monkeypatch, POISON_CENTS, kind)

    made.shift().work()

    (partition,) = halted(made)
    assert head_of(made, partition) == 101
    assert made.ledger.state.parts[partition].reason == Poisoned.__name__
    assert made.ledger.state.counters["halts"] == 1
    whole = reasons_by_the_oracle(lines, [])
    answered = reasons(made)
    assert answered == {line: whole[line] for line in answered}
    missing = set(whole) - set(answered)
    assert min(missing) == 101
    customers = {line % 23 for line in missing}
    assert all(
        made.ledger.state.parts[p].cursor == made.ledger.state.parts[p].end
        for p in range(PARTITIONS)
        if p != partition
    )
    assert 101 % 23 in customers


def test_a_skipped_attempt_is_declined_in_its_turn_and_the_rest_is_as_the_oracle_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three poisoned lines, each halted, looked at and skipped: complete, and equal throughout."""
    lines = loads(300, [50, 51, 170])
    made = workshop(tmp_path, lines)
    plant_here(monkeypatch, POISON_CENTS)
    skipped = []
    shift = made.shift()

    shift.work()
    while halted(made):
        skipped += [skip(made, partition) for partition in halted(made)]
        shift.work()

    assert sorted(skipped) == [50, 51, 170]
    assert reasons(made) == reasons_by_the_oracle(lines, skipped)
    assert reasons(made)[50] == "OPERATOR_SKIP"
    assert made.ledger.state.notes == {}


def test_a_skipped_candidate_settles_its_gate_and_leaves_the_slot_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is halted the day's later primes wait; skipped, the next prime takes the slot."""
    prime, later_prime = 10_007, 10_009
    lines = loads(40, [6], id_of_poison=prime)
    lines[7] = lines[7].replace(b'"10008"', b'"%d"' % later_prime)
    made = workshop(tmp_path, lines)
    plant_here(monkeypatch, POISON_CENTS)
    shift = made.shift()
    shift.work()
    (partition,) = halted(made)
    assert 8 not in made.codes(), "the later prime waits for the one that is halted"

    skipped = skip(made, partition)
    shift.work()

    assert skipped == 6
    assert reasons(made) == reasons_by_the_oracle(lines, [6])
    assert reasons(made)[8] == "ACCEPTED"


def test_a_failure_that_passes_costs_a_pause_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first time only the count stays; decided the second time, the partition goes on."""
    lines = loads(60, [20])
    made = workshop(tmp_path, lines)
    turn = made.turn()
    with monkeypatch.context() as patch:
        plant_here(patch, POISON_CENTS)
        first = turn.run("s")
    (partition,) = first.raised
    assert (halted(made), partition in made.ledger.state.leases) == ([], True)

    while turn.run("s").status == "applied":
        continue

    assert reasons(made) == reasons_by_the_oracle(lines, [])
    assert made.ledger.state.counters["halts"] == 0


def test_others_go_on_while_a_partition_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker rests only when nothing else is left, for as long as the pause still lasts."""
    lines = loads(200, [1])
    made = workshop(tmp_path, lines, turn_attempts_max=16)
    plant_here(monkeypatch, POISON_CENTS)
    shift = made.shift()

    shift.work()

    parts = enumerate(made.ledger.state.parts)
    others = sum(part.end for p, part in parts if p not in halted(made))
    assert shift.totals.decided == others
    rests = [pause for pause in made.clock.pauses if pause != made.settings.linger_ms]
    assert len(rests) == 1
    assert 0 < rests[0] <= PAUSE_MS


def test_what_raises_keeps_its_partition_although_it_is_over_the_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the holder's report counts: a partition given back would fail for ever."""
    lines = loads(100, range(17, 33))
    made = workshop(tmp_path, lines, BASELINE, chunk_lines_max=16, turn_attempts_max=16)
    plant_here(monkeypatch, POISON_CENTS)
    turn = made.turn()
    assert turn.run("s").decided == 16
    for name in ("b", "c", "d"):
        made.ledger.tick(worker=name)  # so that the share is one of the four that are held

    raised = turn.run("s").raised

    assert sorted(raised) == list(range(PARTITIONS))
    assert sorted(made.ledger.state.leases) == list(range(PARTITIONS))
    turn.run("s")
    assert halted(made) == list(range(PARTITIONS))


def test_pauses_grow_until_a_turn_goes_well() -> None:
    """Doubled each time up to the longest, begun anew when the partition did not raise."""
    pauses, now = Pauses(), 0
    lengths = []
    for _ in range(5):
        pauses.after_turn([3], frozenset(), now)
        assert pauses.standing(now) == {3}
        lengths.append(pauses.left_ms(now))
        now += lengths[-1]
        assert pauses.standing(now) == frozenset()

    pauses.after_turn([], frozenset(), now)
    pauses.after_turn([3, 5], frozenset(), now)

    assert lengths == [PAUSE_MS, 2 * PAUSE_MS, 4 * PAUSE_MS, PAUSE_MS_MAX, PAUSE_MS_MAX]
    assert pauses.left_ms(now) == PAUSE_MS
    assert pauses.standing(now) == {3, 5}
    pauses.after_turn([], frozenset({3}), now)
    assert pauses.standing(now) == {3}
