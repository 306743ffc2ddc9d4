"""What every test gets: its marks by folder.

A folder says what its tests cost, so the mark is put on here and never forgotten in a file:
`unit` and `architecture` carry none and are the fast run. A single test may add `slow` itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent

#: Folder below `tests/` -> the marks of everything in it.
MARKS: dict[str, tuple[str, ...]] = {
    "contract": ("server",),
    "integration": ("server", "process"),
    "simulation": ("simulation",),
    "e2e": ("server", "process"),
    "bench": ("bench",),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the folder that it lies in."""
    for item in items:
        folder = item.path.relative_to(HERE).parts[0]
        for mark in MARKS.get(folder, ()):
            item.add_marker(mark)
