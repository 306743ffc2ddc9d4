"""`fundload partition`, typed wrong or where there is nothing to do: code, sentence, no change."""

from __future__ import annotations

import pytest

from kernel.errors import EXIT_REFUSED, EXIT_USAGE
from tests.support.fleet import PROJECT, Fleet
from tests.support.operating import spoken

CONFIG = PROJECT / "configs" / "experiment.yaml"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("show", "99"), "has the partitions 0 to 15, not 99"),
        (("skip", "1", "--seq", "1", "--reason", " "), "1 to 200 printable characters"),
        (("skip", "1", "--seq", "1", "--reason", "x" * 201), "1 to 200 printable characters"),
        (("skip", "1", "--seq", "1", "--reason", "a\x1b[2Jb"), "1 to 200 printable characters"),
        (("skip", "1", "--seq", "1"), "Missing option '--reason'"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake_on_the_command_line(
    fleet: Fleet, words: tuple[str, ...], why: str
) -> None:
    """Exit 2, and the sentence says what would do."""
    fleet.make_ledger(CONFIG)

    code, said = spoken(fleet, "partition", *words)

    assert (code, why in said) == (EXIT_USAGE, True), said


def test_what_is_not_halted_is_left_alone(fleet: Fleet) -> None:
    """Exit 7 for both acts; a ledger that is not there is a name that cannot be used."""
    code, said = spoken(fleet, "partition", "resume", "1")
    assert (code, "there is no ledger" in said) == (EXIT_USAGE, True)
    fleet.make_ledger(CONFIG)

    for words in (("resume", "1"), ("skip", "1", "--seq", "1", "--reason", "why")):
        code, said = spoken(fleet, "partition", *words)
        assert (code, "partition 1 is not halted" in said) == (EXIT_REFUSED, True), said
