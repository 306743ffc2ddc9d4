"""What is in the wheel: the three packages with their Lua and type markers, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from importlib import metadata

import click
import pytest

from kernel import __version__, errors
from kernel.runtime import cli
from tests.architecture import tidy


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel of this tree once and open it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=tidy.ROOT, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return zipfile.ZipFile(built)


def metadata_of(wheel: zipfile.ZipFile) -> Message:
    """Return the wheel's own description."""
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_holds_the_three_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """No test, no configuration, no deployment file: they would land beside everybody's modules."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}

    assert tops == {*tidy.PACKAGES, f"fundload_fleet-{__version__}.dist-info"}


def test_the_wheel_misses_no_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    """Python, Lua and py.typed: what is in the tree is in the wheel."""
    tree = {name for name in tidy.tracked_files() if name.partition("/")[0] in tidy.PACKAGES}
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert packed == tree
    assert {f"{package}/py.typed" for package in tidy.PACKAGES} <= packed


def test_the_wheel_says_who_it_is_and_that_it_stays_at_home(wheel: zipfile.ZipFile) -> None:
    """The version comes from the one constant; the classifier makes the public index refuse it."""
    said = metadata_of(wheel)

    assert said["Name"] == "fundload-fleet"
    assert said["Version"] == __version__
    assert "Private :: Do Not Upload" in (said.get_all("Classifier") or [])


def test_the_installed_distribution_is_this_tree() -> None:
    """Its version and its entry points are those of this checkout, not of an older install."""
    installed = metadata.distribution(cli.DISTRIBUTION)

    assert installed.version == __version__, "install again: make venv"
    assert cli.place_of("kernel") == tidy.ROOT


def test_every_verb_can_be_imported_and_helps(capsys: pytest.CaptureFixture[str]) -> None:
    """A verb declared in this tree is installed, and explains itself with an example."""
    project = tomllib.loads((tidy.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["entry-points"][cli.VERBS_GROUP]
    points = [metadata.EntryPoint(name, value, cli.VERBS_GROUP) for name, value in declared.items()]

    assert set(points) == set(metadata.entry_points(group=cli.VERBS_GROUP)), "run: make venv"
    for point in points:
        assert isinstance(point.load(), click.Command)
        assert call_help(point) == errors.EXIT_DONE
        assert f"fundload {point.name} " in capsys.readouterr().out.partition("xample")[2]


def call_help(point: metadata.EntryPoint) -> int:
    """Ask one verb for its help and return the exit code."""
    return cli.exit_code_of(lambda: cli.run_verb([point.name, "--help"], cli.Verbs([point])))


def test_the_lock_pins_every_dependency_by_hash() -> None:
    """Each pinned line is followed by a hash, and no package is named without a version."""
    text = (tidy.ROOT / "requirements.lock").read_text(encoding="utf-8")
    heads = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]

    assert len(heads) > 20
    assert all("==" in head and head.endswith("\\") for head in heads)
    assert text.count("--hash=sha256:") >= len(heads)
