"""`fundload run --profile memory` in this process: what it takes no notice of, what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kernel.errors import OutputUnwritable
from kernel.runtime.run import run
from tests.support.fleet import PROJECT
from tests.support.memory import memory_bytes, sample_bytes

CONFIG = PROJECT / "configs" / "baseline.yaml"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Put a sample where the run finds it."""
    path = tmp_path / "source"
    path.write_bytes(sample_bytes(200))
    return path


def decided(source: Path, *more: str, redis_url: str | None = None) -> Result:
    """Run in memory, into `output` beside the source."""
    files = ("--config", str(CONFIG), "--input", str(source))
    words = (*files, "--output", str(source.with_name("output")), "--profile", "memory", *more)
    return CliRunner(env={"FUNDLOAD_REDIS_URL": redis_url}).invoke(run, words)


def test_an_address_in_the_environment_is_none_that_was_asked_for(source: Path) -> None:
    """It is there for other commands; given as an option it would be refused."""
    ended = decided(source, redis_url="redis://nobody.invalid")

    assert ended.exit_code == 0, ended.output
    assert source.with_name("output").read_bytes() == memory_bytes(CONFIG, source)


def test_a_trace_that_cannot_be_written_leaves_nothing_behind(source: Path) -> None:
    """The sentence names the option to change, and neither output nor a part of it is there."""
    ended = decided(source, "--trace", str(source / "no" / "trace"))

    assert isinstance(ended.exception, OutputUnwritable)
    assert "give --trace another path" in str(ended.exception)
    assert list(source.parent.glob("output*")) == []
