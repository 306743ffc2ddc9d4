"""Imports run one way. import-linter holds the tree to the contracts of `pyproject.toml`.

Each contract is also shown to bite: a copy of the tree with one forbidden import must break it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import tidy

ROOTS = (*tidy.PACKAGES, "tests")


def lint_imports(folder: Path) -> tuple[int, str]:
    """Run import-linter on the tree in this folder; return its exit code and what it said."""
    command = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run(
        [command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_every_import_of_the_tree_runs_down() -> None:
    """All contracts hold, with no list of exceptions but RQ's two files."""
    code, said = lint_imports(tidy.ROOT)

    assert code == 0, said
    assert "0 broken" in said


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("producer", "import consumers", "Two apps above one kernel"),
        ("kernel/errors", "import producer", "Two apps above one kernel"),
        ("kernel/ledger/units", "import kernel.adapters", "Rings of the kernel"),
        ("kernel/domain/money", "import kernel.engine", "Rings of the kernel"),
        ("kernel/domain/money", "import socket", "Domain and engine do no I/O"),
        ("kernel/runtime/cli", "import redis", "Redis, YAML and pydantic"),
        ("kernel/adapters", "import rq", "RQ is known to the bell"),
        ("kernel/domain/money", "import kernel.domain.attempt", "No cycles anywhere"),
        ("tests/support/oracle", "import kernel.errors", "The oracle knows nothing of ours"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    tmp_path: Path, module: str, line: str, contract: str
) -> None:
    """What the contract forbids does not pass unseen, also when the file was not there before."""
    for root in ROOTS:
        shutil.copytree(tidy.ROOT / root, tmp_path / root)
    shutil.copy(tidy.ROOT / "pyproject.toml", tmp_path)
    folder = tmp_path / module
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")

    code, said = lint_imports(tmp_path)

    assert code != 0
    broken = [shown for shown in said.splitlines() if " BROKEN" in shown]
    assert any(shown.startswith(contract) for shown in broken), said
