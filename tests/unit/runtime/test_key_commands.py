"""The verbs of `fundload keys`: what they say, and that it is never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kernel.adapters.files.keyfile import read_keys
from kernel.runtime.key_commands import keys


def said(*words: str, **environment: str) -> str:
    """Run a verb that ends well; return all it says."""
    result = CliRunner().invoke(keys, words, env=environment, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("from_environment", [False, True])
def test_keys_are_made_rotated_listed_and_retired_and_never_shown(
    tmp_path: Path, *, from_environment: bool
) -> None:
    """Which key signs, which verifies, which is retired; with the option or the variable."""
    path = tmp_path / "prod.keys"
    option = () if from_environment else ("--keys", str(path))
    environment = {"FUNDLOAD_KEYS": str(path)} if from_environment else {}
    everything = [said("new", *option, **environment)]
    (first,) = read_keys(path)
    everything.append(said("rotate", *option, **environment))
    second = read_keys(path)[-1]
    assert second.id in everything[-1]

    everything.append(said("list", *option, **environment))
    assert everything[-1].splitlines() == [
        f"{first.id}  {first.created}  verifies",
        f"{second.id}  {second.created}  signs",
    ]
    everything.append(said("retire", first.id, *option, **environment))
    retired = read_keys(path)[0].retired
    everything.append(said("list", *option, **environment))
    assert everything[-1].splitlines()[0] == f"{first.id}  {first.created}  retired {retired}"

    for key in (first, second):
        assert str(key.secret) not in "".join(everything)
