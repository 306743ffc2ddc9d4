"""The command line itself: how verbs are found, and how each way of ending becomes an exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from kernel import __version__, errors
from kernel.engine.errors import MissingDependency
from kernel.runtime import cli
from tests.unit import cli_verbs

ROOT = Path(__file__).resolve().parents[2]
RUN = "import sys; from kernel.runtime import cli; from tests.unit import cli_verbs; "
RUN += "cli.main(sys.argv[1:], cli_verbs.points())"


def call(*args: str) -> int:
    """Run the test verbs in this process and return the exit code."""
    return cli.exit_code_of(lambda: cli.run_verb(args, cli.Verbs(cli_verbs.points())))


def start(*args: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start the test verbs in a process of their own."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *args],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )


def test_a_verb_that_ends_well_earns_zero(capsys: pytest.CaptureFixture[str]) -> None:
    """Its stdout is its own, and stderr stays empty."""
    assert call("well") == errors.EXIT_DONE
    assert capsys.readouterr() == ("all is well\n", "")


def test_a_verb_may_return_its_exit_code() -> None:
    """A number returned is the exit code, so a verb need not raise to say that it is incomplete."""
    assert call("earn", "6") == errors.EXIT_INCOMPLETE


@pytest.mark.parametrize(
    ("name", "code"), [("input", 2), ("redis", 4), ("seal", 5), ("incomplete", 6), ("refused", 7)]
)
def test_an_expected_failure_is_one_sentence_and_the_code_of_its_class(
    name: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for what the documentation promises; stdout stays clean."""
    assert call("fail", name) == code
    assert capsys.readouterr() == ("", "fundload: what is wrong and what to do about it\n")


def test_the_unexpected_is_a_bug_of_ours_with_its_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 1 comes with all that a report needs."""
    assert call("stumble") == errors.EXIT_BUG

    said = capsys.readouterr().err
    assert "ZeroDivisionError: nobody expects this" in said
    assert "in stumble" in said
    assert "this is a bug of ours" in said
    assert cli.version_text() in said


def test_an_error_of_the_engine_is_a_bug_of_ours_too(capsys: pytest.CaptureFixture[str]) -> None:
    """It has a sentence as the expected ones have, but nobody outside can mend it."""

    def act() -> int:
        raise MissingDependency("rules", needed_by="decide")

    assert cli.exit_code_of(act) == errors.EXIT_BUG

    said = capsys.readouterr().err
    assert "missing dependency 'rules', needed by decide" in said
    assert "this is a bug of ours" in said


@pytest.mark.parametrize("args", [("well", "--no-such"), ("no-such-verb",), ("earn", "six"), ()])
def test_a_usage_error_earns_two(args: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever click refuses is the caller's to correct, and click says where to look."""
    assert call(*args) == errors.EXIT_USAGE

    said = capsys.readouterr()
    assert said.out == ""
    assert "Usage: fundload" in said.err


def test_ctrl_c_earns_130(capsys: pytest.CaptureFixture[str]) -> None:
    """Both of click's names for Ctrl-C end alike."""

    def interrupted() -> int:
        raise KeyboardInterrupt

    def aborted() -> int:
        raise click.Abort

    assert cli.exit_code_of(interrupted) == errors.EXIT_SIGINT
    assert cli.exit_code_of(aborted) == errors.EXIT_SIGINT
    assert capsys.readouterr().err.count("stopped from the keyboard") == 2


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_ends_a_real_process_with_its_code(number: signal.Signals, code: int) -> None:
    """The shell sees 128 plus the signal's number, and stderr has a sentence, not a traceback."""
    with start("wait") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "waiting\n"
        child.send_signal(number)
        _, said = child.communicate(timeout=20)

    assert child.returncode == code
    assert said.startswith("fundload: stopped")
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_that_comes_while_an_object_is_finalized_is_not_lost(
    number: signal.Signals, code: int
) -> None:
    """Python drops what is raised there; without more the process would not even know."""
    with start("finalize", str(int(number))) as child:
        assert child.wait(20) == code
        assert child.stderr is not None
        assert child.stderr.read().startswith("fundload: stopped")


def test_a_reader_that_left_is_no_failure() -> None:
    """`fundload ... | head` ends quietly, for much output and for little, and so does the help."""
    for args in (("pour",), ("well",), ("--help",)):
        reading, writing = os.pipe()
        os.close(reading)
        with start(*args, stdout=writing) as child:
            os.close(writing)
            _, said = child.communicate(timeout=20)

        assert (child.returncode, said) == (errors.EXIT_DONE, "")


def test_a_broken_pipe_elsewhere_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    """Only our own stdout may be closed by its reader; any other broken pipe must be seen."""

    def broken() -> int:
        raise BrokenPipeError("another pipe")

    assert cli.exit_code_of(broken) == errors.EXIT_BUG
    assert "another pipe" in capsys.readouterr().err


def test_the_help_names_a_verb_that_cannot_be_imported(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken verb is listed with its reason beside the ones that work; nothing vanishes."""
    assert call("--help") == errors.EXIT_DONE

    shown = " ".join(capsys.readouterr().out.split())
    assert "End well." in shown
    assert "absent (cannot be used: ModuleNotFoundError: No module named" in shown
    assert "plain (cannot be used: TypeError:" in shown


def test_calling_a_broken_verb_shows_why(capsys: pytest.CaptureFixture[str]) -> None:
    """The true traceback, and exit code 1: a verb we list and cannot import is our bug."""
    assert call("absent", "--help") == errors.EXIT_BUG
    assert "No module named 'producer.not_a_module'" in capsys.readouterr().err


def test_the_version_names_all_that_matters(capsys: pytest.CaptureFixture[str]) -> None:
    """One line with fundload, Python, redis-py and RQ."""
    assert call("--version") == errors.EXIT_DONE

    shown = capsys.readouterr().out
    assert shown.startswith(f"fundload {__version__}, Python 3.")
    assert ", redis-py 8." in shown
    assert ", RQ 3.0" in shown


def test_the_version_comes_without_heavy_imports() -> None:
    """Start-up stays fast because neither Redis, RQ, pydantic nor rich is imported for it."""
    code = "import sys; from kernel.runtime import cli\n"
    code += "try: cli.main(['--version'])\n"
    code += "except SystemExit: print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    shown = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)

    imported = set(shown.splitlines()[-1].split())
    assert imported >= {"click", "kernel"}
    assert imported.isdisjoint({"redis", "rq", "pydantic", "rich", "yaml", "producer", "consumers"})


@pytest.mark.unwatched
def test_the_version_is_fast() -> None:
    """Under 0.3 s from start to end; the best of five, as the machine may be busy."""
    took = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.check_output([sys.executable, "-m", "kernel.runtime.cli", "--version"], cwd=ROOT)
        took.append(time.perf_counter() - started)

    assert min(took) < 0.3


def test_a_foreign_package_of_the_same_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start-up check names the foreign place, and does not run the foreign code."""
    stranger = tmp_path / "consumers"
    stranger.mkdir()
    (stranger / "__init__.py").write_text("raise AssertionError('foreign code was run')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "consumers"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(errors.UsageError, match="consumers") as refusal:
        cli.check_one_home()

    assert str(tmp_path) in str(refusal.value)
    assert "producer" not in str(refusal.value)


def test_a_package_that_is_nowhere_is_refused_too() -> None:
    """A partial installation is named instead of failing at the first import."""
    with pytest.raises(errors.UsageError, match=r"no_such_package \(None\)"):
        cli.check_one_home(["kernel", "no_such_package"])


def test_the_start_up_check_lets_our_own_packages_pass() -> None:
    """The three packages of this tree are neighbours of the command's own module."""
    cli.check_one_home()
    assert cli.place_of("kernel") == ROOT
