"""A few guards of the long list, and the list itself; `make planted` walks all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted.__main__ import GUARDS
from tests.planted.judge import PROJECT, Edit, Guard, copy_without, judged

#: One of each kind: a script, the text before every script, a process.
A_FEW = (
    "commit: compare on front (hole 3)",
    "ring: pending only for a while",
    "seal: ledger and incarnation in the key",
)
BY_NAME = {guard.name: guard for guard in GUARDS}


@pytest.mark.parametrize("name", A_FEW)
def test_a_guard_taken_out_fails_its_test(name: str) -> None:
    """The test named beside a guard notices that it is gone."""
    verdict = judged(BY_NAME[name])

    assert verdict.is_caught, f"{verdict.test}: {verdict.said}"


@pytest.mark.parametrize(
    ("instead", "why"),
    [("FundloadError(Exception, object)", "ended with 0"), ("(Exception)", "no program")],
)
def test_a_change_that_its_test_does_not_notice_is_not_caught(instead: str, why: str) -> None:
    """A test that passes all the same, or cannot even begin, proves nothing."""
    change = Edit("kernel/errors.py", "FundloadError(Exception)", instead)

    verdict = judged(Guard("none", (change,), "unit/engine/test_sealing.py"))

    assert not verdict.is_caught
    assert why in verdict.said


@pytest.mark.parametrize("name", BY_NAME)
def test_a_guard_of_the_list_is_in_the_tree_once(name: str) -> None:
    """What moved on without the list is noticed here, and not only by the long walk."""
    for edit in BY_NAME[name].edits:
        text = (PROJECT / edit.path).read_text("utf-8")

        assert text.count(edit.guard) == 1, edit.guard
        assert edit.instead != edit.guard


def test_every_guard_has_a_name_and_a_test_of_its_own_file() -> None:
    """The table is read by name; the file of each test is there, and so is the function."""
    assert len(BY_NAME) == len(GUARDS)
    for guard in GUARDS:
        path, _, function = guard.test.partition("::")
        assert f"def {function}(" in (PROJECT / "tests" / path).read_text("utf-8"), guard.test


def test_a_change_that_finds_no_guard_is_an_error(tmp_path: Path) -> None:
    """It would prove nothing, whatever the test says."""
    with pytest.raises(AssertionError, match="0 times"):
        copy_without(tmp_path, (Edit("kernel/errors.py", "a guard that is not there", ""),))
