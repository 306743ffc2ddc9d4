"""The floor under the branches taken: counted over the kernel as a whole, and it bites."""

from __future__ import annotations

import pytest

from tests.covered import Module, judged


@pytest.mark.parametrize(("missing", "is_enough"), [(5, True), (6, False)])
def test_below_the_floor_it_fails_and_names_what_nobody_took(
    missing: int, *, is_enough: bool
) -> None:
    """95 of 100 are enough and 94 are not, however they are spread over the rings."""
    modules = [
        Module("kernel/domain/gate.py", 60, []),
        Module("kernel/runtime/cli.py", 40, [(line, -1) for line in range(missing)]),
    ]

    table, enough = judged(modules)

    assert enough == is_enough
    assert f"{100 - missing} of   100 branches taken, {100 - missing}.0 %" in table
    assert ("kernel/runtime/cli.py: 0->end 1->end" in table) == (not is_enough)


def test_nothing_counted_is_not_enough() -> None:
    """A suite that noted nothing has shown nothing."""
    assert not judged([])[1]
