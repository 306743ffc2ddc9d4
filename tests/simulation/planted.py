"""How a guard is taken out of a function while a world is played, and put back.

Lives here: the change of a function's code. Lives elsewhere: the guards (`guards`). A guard whose
text is not found exactly once is an error: the code has moved on, and the list must follow.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from tests.simulation.plan import Style


class Change(NamedTuple):
    """A function, the part of its text that is the guard, and what stands there instead."""

    owner: ModuleType | type[Any]
    function: str
    guard: str
    instead: str


class Planted(NamedTuple):
    """One guard taken out; which seeds catch it, and within how many."""

    name: str
    changes: tuple[Change, ...]
    style: Style
    seeds: int


@contextmanager
def taken_out(planted: Planted) -> Iterator[None]:
    """Play without the guard for a while: the functions get other code, whoever refers to them."""
    texts: dict[FunctionType, str] = {}
    for change in planted.changes:
        function = getattr(change.owner, change.function)
        text = texts.get(function) or textwrap.dedent(inspect.getsource(function))
        texts[function] = without(text, change)
    before = {function: function.__code__ for function in texts}
    try:
        for function, text in texts.items():
            function.__code__ = compiled(function, text)
        yield
    finally:
        for function, code in before.items():
            function.__code__ = code


def without(text: str, change: Change) -> str:
    """Return a function's text with the guard replaced; it must be there exactly once."""
    times = text.count(change.guard)
    assert times == 1, f"{change.function} has this {times} times: {change.guard}"
    return text.replace(change.guard, change.instead)


def compiled(function: FunctionType, text: str) -> CodeType:
    """Compile a function's changed text among the names of its module."""
    flags = __future__.annotations.compiler_flag
    found: dict[str, Any] = {}
    code = compile(text, f"<{function.__name__} without a guard>", "exec", flags=flags)
    exec(code, dict(function.__globals__), found)  # noqa: S102 - our own text, changed above
    changed: FunctionType = found[function.__name__]
    return changed.__code__
