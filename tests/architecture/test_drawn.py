"""The README draws the life of a fleet as the code has it: a changed table is a changed picture."""

from __future__ import annotations

from kernel.engine.lifecycle import TRANSITIONS, drawn
from tests.architecture import tidy


def test_the_readme_draws_the_transition_table_of_the_code() -> None:
    """As a fenced block, letter for letter what `kernel.engine.lifecycle.drawn` returns."""
    readme = (tidy.ROOT / "README.md").read_text("utf-8")

    assert f"```text\n{drawn()}\n```\n" in readme


def test_a_line_is_drawn_for_each_transition_and_each_end() -> None:
    """Nothing of the table is left out of the picture."""
    lines = drawn().splitlines()

    assert len(lines) == sum(len(row) or 1 for row in TRANSITIONS.values())
    assert sum(line.endswith("(end)") for line in lines) == 2
