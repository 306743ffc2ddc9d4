"""Skip notes: a worker believes those alone that somebody with the keys wrote for that attempt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kernel.adapters.acts import sealed_act
from kernel.adapters.codec import Codec
from kernel.domain.decision import Reason
from kernel.domain.ruleset import RuleSet
from kernel.engine.keyring import FixedKeys
from kernel.ledger.halts import Act, ResumeRequest
from kernel.ledger.settings import FleetSettings
from tests.support.memory import sample_bytes
from tests.support.workshop import LEDGER, Workshop

A = 0
LINES = 40
RULES = RuleSet(daily_amount_cents=500_000, weekly_amount_cents=2_000_000, daily_attempts=3)
#: Where the note lies: behind the head, in the middle of a turn.
AT = 3
Forge = Callable[[Workshop, Act], str]


@pytest.fixture
def made(tmp_path: Path) -> Workshop:
    """Make a ledger with lines that wait in two partitions."""
    workshop = Workshop(RULES, FleetSettings(partitions=2, chunk_lines_max=LINES))
    source = tmp_path / "in"
    source.write_bytes(sample_bytes(LINES))
    workshop.produce(source)
    return workshop


def act_at(made: Workshop, position: int = AT, partition: int = A) -> Act:
    """Return the act by which an operator skips an attempt."""
    entry = made.ledger.state.parts[partition].log[0]
    seq = made.codec.logged(partition, entry).seqs[position]
    now_ms = made.clock.now_ms()
    return Act("skip", partition, position, seq, entry.id, 5, now_ms, "me@here", "broken")


def sealed(made: Workshop, act: Act) -> str:
    """Seal an act with the ledger's key."""
    return sealed_act(made.codec.seals, act)


def by_another_key(made: Workshop, act: Act) -> str:
    """Seal it with a key of one's own."""
    return sealed_act(
        Codec(LEDGER, made.ledger.state.record, FixedKeys(bytes(31) + b"1")).seals, act
    )


def as_another_ledger(made: Workshop, act: Act) -> str:
    """Seal it with the key, for a ledger of another name."""
    keys = FixedKeys(bytes.fromhex(made.ledger.state.record.master_key))
    return sealed_act(Codec("another", made.ledger.state.record, keys).seals, act)


FORGED: dict[str, tuple[Forge, str]] = {
    "a number, as notes once were": (lambda _, act: str(act.seq), "Undecodable"),
    "nothing": (lambda *_: "", "SizeWrong"),
    "another key": (by_another_key, "KeyUnknown"),
    "another ledger": (as_another_ledger, "MacWrong"),
    "a changed seal": (lambda made, act: sealed(made, act)[:-4] + "AAAA", "MacWrong"),
    "act": (lambda made, act: sealed(made, act._replace(what="resume")), "WrongPosition"),
    "partition": (lambda made, _: sealed(made, act_at(made, AT, 1)), "WrongPosition"),
    "position": (lambda made, _: sealed(made, act_at(made, AT + 1)), "WrongPosition"),
    "number": (lambda made, act: sealed(made, act._replace(seq=act.seq + 1)), "WrongPosition"),
    "entry": (lambda made, act: sealed(made, act._replace(entry="9-9")), "WrongPosition"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_note_that_no_operator_wrote_there_skips_nothing_and_halts(
    made: Workshop, name: str
) -> None:
    """The other partition goes on; the note is gone, so that a resume is enough to go on."""
    forge, why = FORGED[name]
    state = made.ledger.state
    state.notes[A, AT] = forge(made, act_at(made))

    made.shift().work()

    halted, other = state.parts
    assert (halted.state, halted.cursor) == ("halted", 0)
    assert halted.reason.partition(":")[0] == why
    assert other.cursor == other.end
    assert state.notes == {}
    assert (state.counters["halts"], state.counters[f"halts:{why}"]) == (1, 1)
    asked = ResumeRequest(A, 0, 5, "me@here", None, made.clock.now_ms())
    assert made.ledger.resume(asked).status == "RESUMED"
    made.shift().work()
    assert halted.cursor == halted.end
    assert Reason.OPERATOR_SKIP not in made.codes().values()


def test_a_note_that_an_operator_wrote_there_skips_that_attempt_alone(made: Workshop) -> None:
    """And one where nothing waits is nobody's concern."""
    act = act_at(made)
    made.ledger.state.notes[A, AT] = sealed(made, act)
    made.ledger.state.notes[A, 10_000] = "nonsense"

    made.shift().work()

    assert [line for line, code in made.codes().items() if code == Reason.OPERATOR_SKIP] == [
        act.seq
    ]
    assert all(part.cursor == part.end for part in made.ledger.state.parts)
