"""Where the public reference files are, which are not part of this project.

Lives here: finding and reading them. They belong to somebody else, so a clean clone has none: tests
that need them skip with the reason; where `CI` is set, their absence is a failure.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "FUNDLOAD_REFERENCE_DATA"
PROJECT = Path(__file__).resolve().parents[2]


def reference_folder() -> Path:
    """Give the folder by the environment, else the one beside the project."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else PROJECT.parent / "shared" / "data"


def reference_file(name: str) -> bytes:
    """Read one reference file, or end the test: skipped, in CI failed."""
    path = reference_folder() / name
    if path.is_file():
        return path.read_bytes()
    reason = f"no reference file {name}; set {VARIABLE} to the folder that holds it"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
