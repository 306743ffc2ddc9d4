"""Everything in the kernel is on the path of the main job, or stands in a list with its reason.

The main job is `fundload run` on a fleet of its own: once on a server of its own, and once on one
that stays, where its ledger is dropped at the end. Each of its processes notes which lines of the
kernel it executes; lines that an import executes do not count. Modules of which no other line was
executed must be those in `OFF_THE_PATH`: so the list grows by decision only, and shrinks by itself.
A module that only defines things has no other line; it must have been imported.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from coverage import Coverage

from tests.support.fleet import PROJECT, Fleet
from tests.support.memory import sample_bytes

LINES: Final = 3_000
CONFIG: Final = PROJECT / "configs" / "experiment.yaml"
OTHER_PROFILE: Final = "the ports in memory: for `--profile memory`, and twins for tests"
OPERATOR: Final = "what an operator does and looks at: `status`, `partition`"
ERRORS: Final = "errors: nothing goes wrong in this run"
NAMED: Final = "ledgers that stay, and their keys: this one is thrown away"
SUPERVISE: Final = "workers without a run: `fundload supervise`"
#: Module -> why `fundload run` on the fleet executes nothing of it.
OFF_THE_PATH: Final = {
    "kernel.adapters.memory": OTHER_PROFILE,
    "kernel.adapters.memory.commits": OTHER_PROFILE,
    "kernel.adapters.memory.halts": OTHER_PROFILE,
    "kernel.adapters.memory.ingress": OTHER_PROFILE,
    "kernel.adapters.memory.ledger": OTHER_PROFILE,
    "kernel.adapters.memory.partitions": OTHER_PROFILE,
    "kernel.adapters.memory.profile": OTHER_PROFILE,
    "kernel.adapters.memory.replies": OTHER_PROFILE,
    "kernel.adapters.memory.state": OTHER_PROFILE,
    "kernel.ledger.schedule": OTHER_PROFILE,
    "kernel.runtime.inprocess": OTHER_PROFILE,
    "kernel.adapters.acts": OPERATOR,
    "kernel.adapters.redis.halts": OPERATOR,
    "kernel.ledger.status": OPERATOR,
    "kernel.engine.errors": ERRORS,
    "kernel.errors": ERRORS,
    "kernel.ledger.ports": ERRORS,
    "kernel.runtime.failed": ERRORS,
    "kernel.adapters.redis.durable": "waits at a barrier: `--durability strict` only",
    "kernel.runtime.ledgers": NAMED,
    "kernel.adapters.files.keyfile": NAMED,
    "kernel.runtime.key_commands": NAMED,
    "kernel.runtime.keeping": SUPERVISE,
    "kernel.runtime.supervise": SUPERVISE,
    "kernel.runtime.contract": "the verbs `check` and `config schema`",
}

IMPORTS: Final = """
import importlib, pkgutil, kernel
for module in pkgutil.walk_packages(kernel.__path__, "kernel."):
    importlib.import_module(module.name)
"""

Lines = dict[str, set[int]]


class Noted:
    """What all processes execute that are started from now on."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        config = folder / "coveragerc"
        config.write_text(
            f"[run]\nparallel = true\ndata_file = {folder / 'noted'}\n"
            f"source_dirs = {PROJECT / 'kernel'}\n",
            "utf-8",
        )
        # The suite's own measuring would have been asked first.
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        patch.setenv("COVERAGE_PROCESS_START", str(config))
        self._coverage = Coverage(config_file=str(config))

    def lines(self) -> Lines:
        """Return the lines executed so far, by module."""
        self._coverage.combine()
        noted = self._coverage.get_data()
        return {module_of(path): set(noted.lines(path) or ()) for path in noted.measured_files()}

    def left(self) -> set[str]:
        """Return the modules of which a line was not executed."""
        return {m for m, path in modules().items() if self._coverage.analysis2(str(path))[3]}


def modules() -> dict[str, Path]:
    """Return the kernel's modules and their files."""
    return {module_of(str(path)): path for path in (PROJECT / "kernel").rglob("*.py")}


def module_of(path: str) -> str:
    """Return the name that a file is imported by."""
    parts = Path(path).relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_module_of_the_kernel_is_on_the_path_or_named_with_its_reason(
    fleet: Fleet, tmp_path: Path
) -> None:
    """Two workers, bad lines, duplicates, primes, reasons and traces; then on another server."""
    source = tmp_path / "source"
    source.write_bytes(sample_bytes(LINES))
    files = ("--config", str(CONFIG), "--input", str(source), "--output", str(tmp_path / "output"))
    more = ("--reasons", str(tmp_path / "reasons"), "--trace", str(tmp_path / "trace"))
    with pytest.MonkeyPatch.context() as patch:
        of_imports = Noted(tmp_path / "imports", patch)
        subprocess.run([sys.executable, "-c", IMPORTS], check=True, cwd=PROJECT)
        of_the_run = Noted(tmp_path / "run", patch)
        for server in ((), ("--force", "--redis-url", fleet.url)):
            run = fleet.start("run", *files, "--workers", "2", *more, *server)
            assert run.ends() == 0, run.said

    imported, executed, left = of_imports.lines(), of_the_run.lines(), of_imports.left()
    idle = {
        module
        for module, lines in imported.items()
        if not (executed[module] - lines if module in left else executed[module] or not lines)
    }
    assert idle == set(OFF_THE_PATH)
