"""The verb `submit`: what it prints, what it exits with, and how an attempt is asked for again."""

from __future__ import annotations

import json
import subprocess

import pytest

from kernel.runtime import cli
from tests.support.counter import attempt, row
from tests.support.fleet import ENDS_S, Fleet, config_file
from tests.support.operating import spoken

NOBODYS_ROW = '{"id":"","customer_id":"","accepted":false}\n'


def test_the_verb_prints_a_row_for_each_attempt_and_exits_as_documented(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    """From arguments and from standard input; under its number never decided twice."""
    fleet.make_ledger(config_file(fleet.folder, "baseline"))
    (worker,) = fleet.known_workers(1)
    one, two, three = (json.dumps(attempt(number)) for number in (1, 2, 3))
    verb = ("submit", "--redis-url", fleet.url, "--ledger", fleet.ledger)

    def submit(*words: str) -> tuple[int, str, str]:
        code = cli.exit_code_of(lambda: cli.run_verb([*verb, *words], cli.Verbs()))
        return code, *capfd.readouterr()

    code, printed, said = submit("--run", "till", "--reasons", one, "nonsense", one)
    assert (code, said) == (0, f"run till: 3 answered on ledger {fleet.ledger}\n")
    assert printed.splitlines(keepends=True) == [
        row(1),
        '{"line":1,"id":"1","answer":"accepted","reason":"ACCEPTED"}\n',
        NOBODYS_ROW,
        '{"line":2,"id":"","answer":"declined","reason":"INPUT_PARSE_ERROR"}\n',
        row(1, accepted=False),
        '{"line":3,"id":"1","answer":"declined","reason":"ID_DUPLICATE_REPLAY"}\n',
    ]
    assert submit("--run", "till", "--number", "1", one)[:2] == (0, row(1))
    code, printed, said = submit("--run", "till", "--number", "1", two)
    assert (code, printed) == (7, "")
    assert "submission 1 of run till was another attempt" in said
    told = spoken(fleet, "wait", "--run", "till", "--timeout", "0")
    assert told == (0, "run till: success; 3 lines are answered\n"), "nobody collects it"
    code, printed, said = submit("--run", "till", two)
    assert (code, printed) == (7, "")
    assert "run till is finished with 3 submissions; choose another run" in said
    assert submit("--number", "1", one, two)[0] == 2

    piped = fleet.start(*verb, "-", stdin=subprocess.PIPE)
    rows, _ = piped.popen.communicate(f"{two}\n\n".encode(), timeout=ENDS_S)
    assert rows.decode() == row(2) + NOBODYS_ROW

    worker.freeze()
    code, printed, said = submit("--run", "late", "--timeout", "0.1", three)
    waited, told_so_far = spoken(fleet, "wait", "--run", "late", "--timeout", "0")
    worker.thaw()
    assert (code, printed) == (6, "")
    assert "--run late --number 1" in said
    assert (waited, "0 of 1 lines are answered" in told_so_far) == (6, True), told_so_far
    assert submit("--run", "late", "--number", "1", three)[:2] == (0, row(3))
