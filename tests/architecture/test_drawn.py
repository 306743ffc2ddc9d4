"""The README draws the life of a fleet as the code has it: a changed table is a changed picture."""

from __future__ import annotations

from kernel.engine.lifecycle import TRANSITIONS
from tests.architecture import tidy


def drawn() -> str:
    """Return the table as text: a line for each transition, the states in their order."""
    lines = []
    for state, row in TRANSITIONS.items():
        if not row:
            lines.append(f"{state.value:<14}(end)")
        name = state.value
        for event, then in row.items():
            lines.append(f"{name:<14}{event.value:<12} → {then.value}")
            name = ""
    return "\n".join(lines)


def test_the_readme_draws_the_transition_table_of_the_code() -> None:
    """As a fenced block, letter for letter what the table comes to."""
    readme = (tidy.ROOT / "README.md").read_text("utf-8")

    assert f"```text\n{drawn()}\n```\n" in readme
