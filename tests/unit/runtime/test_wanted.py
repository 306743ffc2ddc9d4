"""What `fundload run` was asked for, said again as a command, and how long its input is."""

from __future__ import annotations

import os
import shlex
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from kernel.errors import InputUnreadable, UsageError
from kernel.ledger.scenario import ALL_GROUPS
from kernel.runtime.fleet import posts
from kernel.runtime.wanted import Wanted, check_input, descriptor_of, estimated_lines

PLAIN = Wanted("c.yaml", "in put", "out", "redis", None, None, None, None, None, force=False)


def test_the_command_asks_for_the_same_again() -> None:
    """Every option that was given, quoted for a shell, and none that was not."""
    full = Wanted("c", "i", "o", "redis", 3, "redis://h", "prod", "monday", "r", force=True)

    assert shlex.split(PLAIN.command()) == [
        "fundload", "run", "--config", "c.yaml", "--input", "in put", "--output", "out",
    ]  # fmt: skip
    assert shlex.split(full.command(redis_url="redis://***@h")) == [
        "fundload", "run", "--config", "c", "--input", "i", "--output", "o", "--workers", "3",
        "--redis-url", "redis://***@h", "--ledger", "prod", "--run", "monday", "--reasons", "r",
        "--force",
    ]  # fmt: skip


def test_the_command_keeps_its_durability() -> None:
    """Who goes on with a run by the command that was said gets no less than was asked for."""
    strict = replace(PLAIN, redis_url="redis://h", durability="strict", replicas=2)
    strict.check_options()

    assert shlex.split(strict.command())[-4:] == ["--durability", "strict", "--replicas", "2"]
    assert "strict" not in strict.check_command()


def test_groups_start_in_the_order_of_the_scenario() -> None:
    """Ingress, limits, egress; who moves lines gets its bundle only when the workers are ready."""
    wanted = replace(PLAIN, workers=2)

    started = posts(wanted, ledger="books", run="monday", url="unix:///nowhere")

    assert list(dict.fromkeys(post.group for post in started)) == list(ALL_GROUPS)


@pytest.mark.parametrize(
    ("path", "descriptor"),
    [
        *(("-", 0), ("/dev/stdin", 0), ("/dev/fd/0", 0), ("/dev/fd/63", 63)),
        *(("/proc/self/fd/7", 7), ("/dev/fd/", None), ("/dev/fd/7/x", None), ("loads.txt", None)),
    ],
)
def test_an_input_may_name_a_descriptor(path: str, descriptor: int | None) -> None:
    """Then it means something in this process only, and is passed on."""
    assert descriptor_of(path) == descriptor


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (replace(PLAIN, redis_url="redis://h", replicas=1), "add --durability strict"),
        (replace(PLAIN, durability="strict", replicas=1), "--replicas 1 needs --redis-url"),
        (replace(PLAIN, profile="memory", durability="strict"), "--durability strict has no"),
    ],
    ids=["fast", "no replicas there", "memory"],
)
def test_durability_that_nobody_can_give_is_refused(wanted: Wanted, says: str) -> None:
    """Before anything is started, and with what to give instead."""
    with pytest.raises(UsageError, match=says):
        wanted.check_options()


def test_the_check_decides_in_the_other_way_and_compares() -> None:
    """The fleet's output is checked by the memory profile."""
    first, second = PLAIN.check_command().split(" && ")

    assert shlex.split(first)[-4:] == ["--output", "out.check", "--profile", "memory"]
    assert second == "cmp out out.check"


def test_a_fleet_has_as_many_workers_as_cores_but_at_most_four() -> None:
    """Unless a number is given."""
    assert 1 <= PLAIN.fleet_size <= 4


def test_a_small_input_is_counted_and_a_large_one_estimated(tmp_path: Path) -> None:
    """A last line without an end counts; a large file is judged by its beginning."""
    small, large, empty = tmp_path / "small", tmp_path / "large", tmp_path / "empty"
    small.write_bytes(b"a\nb\nc")
    large.write_bytes(b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 9_999)
    empty.touch()

    assert estimated_lines(str(small)) == 3
    assert estimated_lines(str(empty)) == 0
    assert estimated_lines(str(large)) == pytest.approx(10_000, rel=0.01)
    assert estimated_lines("-") is None


def test_a_named_pipe_is_checked_without_being_opened(tmp_path: Path) -> None:
    """Opening it would wait for a writer, and closing it again would end that writer."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    checked = threading.Thread(target=check_input, args=(str(pipe),), daemon=True)

    checked.start()
    checked.join(5)

    assert not checked.is_alive()


def test_a_missing_input_is_named() -> None:
    """Before anything is started."""
    with pytest.raises(InputUnreadable, match="There is no input 'no/where'"):
        check_input("no/where")


def test_an_output_that_is_the_input_is_refused_under_any_name(tmp_path: Path) -> None:
    """A link to it is the same file."""
    source, link = tmp_path / "source", tmp_path / "link"
    source.touch()
    link.symlink_to(source)
    wanted = Wanted("c", str(source), str(link), "memory", None, None, None, None, None, force=True)

    with pytest.raises(UsageError, match="is the input"):
        wanted.check_files()
