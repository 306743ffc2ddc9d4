"""Inputs and outputs of every kind through a whole fleet: empty, odd, piped, with reasons."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import pytest

from tests.support.fleet import PROJECT, Fleet
from tests.support.oracle import CLASSIC, EXPERIMENT, decide_stream, output_bytes
from tests.support.streams import nasty_stream

MARK: Final = b"\xef\xbb\xbf"
GOOD: Final = nasty_stream(1, 40, style="plain").removesuffix(b"\n") + b"\n"
BAD: Final = b'{"id":1}\nnot json\n\n{"id":"x"}\n'
INPUTS: Final = {
    "empty": b"",
    "only a byte-order mark": MARK,
    "a byte-order mark before lines": MARK + GOOD,
    "no end of the last line": GOOD.removesuffix(b"\n"),
    "only bad lines": BAD,
    "bad lines between good ones": GOOD + BAD + GOOD,
    "line ends of another system": GOOD.replace(b"\n", b"\r\n"),
}
CONFIGS: Final = {"experiment": EXPERIMENT, "classic": CLASSIC}


def shipped(name: str) -> Path:
    """Return a configuration as shipped."""
    return PROJECT / "configs" / f"{name}.yaml"


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("kind", INPUTS)
def test_an_input_of_any_kind_is_a_complete_run(fleet: Fleet, kind: str, name: str) -> None:
    """Rows as the oracle writes them, and a reason for every line, dropped ones too."""
    stream = INPUTS[kind]
    source, output, reasons = (fleet.folder / part for part in ("input", "output", "reasons"))
    source.write_bytes(stream)
    fleet.worker()

    producer = fleet.produce(shipped(name), source)
    collector = fleet.collect(output, "--reasons", str(reasons))

    assert (producer.ends(), collector.ends()) == (0, 0)
    answers = decide_stream(stream, CONFIGS[name])
    assert output.read_bytes() == output_bytes(answers)
    told = [json.loads(row) for row in reasons.read_bytes().splitlines()]
    assert [(row["line"], row["answer"], row["reason"]) for row in told] == [
        (answer.line, answer.answer, answer.reason or "ACCEPTED") for answer in answers
    ]
    assert sorted(path.name for path in fleet.folder.glob("*put*")) == ["input", "output"]


def test_a_slow_pipe_is_answered_as_it_comes(fleet: Fleet) -> None:
    """A line is answered as soon as it is whole, while its writer holds the pipe open."""
    lines = nasty_stream(2, 30, style="plain").splitlines(keepends=True)
    output = fleet.folder / "output"
    reading, writing = os.pipe()
    fleet.worker()
    collector = fleet.collect(output)
    producer = fleet.produce(shipped("experiment"), "-", stdin=reading)
    os.close(reading)

    with os.fdopen(writing, "wb", buffering=0) as pipe:
        pipe.write(lines[0])
        fleet.wait_for_answers(1)
        pipe.write(b"".join(lines[1:20]) + lines[20][:10])
        assert fleet.wait_for_answers(20) == 20
        assert producer.popen.poll() is None
        pipe.write(lines[20][10:] + b"".join(lines[21:]))

    assert (producer.ends(), collector.ends()) == (0, 0)
    assert output.read_bytes() == output_bytes(decide_stream(b"".join(lines), EXPERIMENT))


def test_rows_go_to_standard_output_when_asked(fleet: Fleet) -> None:
    """Nothing but rows there; all else is said on stderr."""
    stream = nasty_stream(3, 800)
    source = fleet.folder / "input"
    source.write_bytes(stream)
    fleet.worker()
    producer = fleet.produce(shipped("experiment"), source)
    collector = fleet.collect("-")

    assert collector.popen.stdout is not None
    rows = collector.popen.stdout.read()

    assert (producer.ends(), collector.ends()) == (0, 0)
    assert rows == output_bytes(decide_stream(stream, EXPERIMENT))
    assert "are in standard output" in collector.said
    assert producer.popen.stdout is not None
    assert producer.popen.stdout.read() == b""


def test_a_reader_that_left_ends_the_collector_quietly(fleet: Fleet) -> None:
    """`fundload collect --output - | head` is no failure."""
    source = fleet.folder / "input"
    source.write_bytes(nasty_stream(3, 800))
    reading, writing = os.pipe()
    os.close(reading)
    collector = fleet.start(
        *("collect", "--redis-url", fleet.url, "--ledger", fleet.ledger),
        *("--run", fleet.run, "--output", "-"),
        stdout=writing,
    )
    os.close(writing)
    fleet.worker()

    assert fleet.produce(shipped("experiment"), source).ends() == 0
    assert collector.ends() == 0
    assert "Traceback" not in collector.said
