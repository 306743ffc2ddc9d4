"""What every test gets: its marks by folder.

A folder says what its tests cost, so the mark is put on here and never forgotten in a file:
`unit` and `architecture` carry none and are the fast run. A single test may add `slow` itself.
Where the suite's branches are counted, tests that calculate for long or start processes by the
hundred are left out (`unwatched`): counting costs them most, and adds no branch.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from coverage import Coverage

HERE = Path(__file__).parent
#: Where coverage leaves its settings for processes that are started.
SETTINGS = "COVERAGE_PROCESS_CONFIG"

#: Folder below `tests/` -> the marks of everything in it.
MARKS: dict[str, tuple[str, ...]] = {
    "contract": ("server",),
    "integration": ("server", "process"),
    "simulation": ("simulation", "unwatched"),
    "planted": ("unwatched",),
    "e2e": ("server", "process"),
    "bench": ("bench",),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the folder that it lies in."""
    for item in items:
        folder = item.path.relative_to(HERE).parts[0]
        for mark in MARKS.get(folder, ()):
            item.add_marker(mark)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Count no branches in a test that is marked so."""
    watching = Coverage.current()
    if watching is None or item.get_closest_marker("unwatched") is None:
        return (yield)
    with unwatched(watching):
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Write down what was counted: whoever started this process may end it before it would."""
    watching = Coverage.current()
    if watching is not None:
        watching.save()


@contextmanager
def unwatched(watching: Coverage) -> Iterator[None]:
    """Pause the counting, in this process and in those that are started meanwhile."""
    settings = os.environ.pop(SETTINGS, None)
    watching.stop()
    try:
        yield
    finally:
        watching.start()
        if settings is not None:
            os.environ[SETTINGS] = settings
