"""Lines that break parsers, through a whole fleet: each is a declined line and nothing more."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.bad_lines import BAD_LINES, filled
from tests.support.fleet import PROJECT, Fleet
from tests.support.oracle import EXPERIMENT, decide_stream, output_bytes

#: Those that the failure table names, beside every bad line that the suite knows.
NAMED: Final = (
    b'{"id":"1","customer_id":"2","load_amount":"$1.00","time":"0001-01-01T00:00:00+01:00"}',
    b'{"id":"\\ud800","customer_id":"\\udfff","load_amount":"$1.00","time":"2000-01-01T00:00:00Z"}',
    b'{"id":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
)


@pytest.mark.row("line that breaks a parser")
def test_a_line_that_breaks_parsers_is_declined(fleet: Fleet) -> None:
    """Every bad line there is, each between good ones: rows as the oracle writes them."""
    templates = [template for family in BAD_LINES.values() for template in family]
    lines = [*NAMED]
    for number, template in enumerate(templates):
        texts = {"customer": "7", "amount": "$1.00", "time": "2000-01-01T00:00:00Z"}
        good = f'{{"id":"{number}","customer_id":"7","load_amount":"$1.00",'
        lines.append(filled(template, id_text=str(90_000 + number), **texts))
        lines.append(good.encode() + b'"time":"2000-01-01T00:00:00Z"}')
    stream = b"".join(line + b"\n" for line in lines)
    source, output = fleet.folder / "input", fleet.folder / "output"
    source.write_bytes(stream)
    worker = fleet.worker()

    collector = fleet.collect(output)
    producer = fleet.produce(PROJECT / "configs" / "experiment.yaml", source)

    assert (producer.ends(), collector.ends()) == (0, 0)
    answers = decide_stream(stream, EXPERIMENT)
    assert output.read_bytes() == output_bytes(answers)
    assert {answer.answer for answer in answers[: len(NAMED)]} == {"declined"}
    assert worker.popen.poll() is None
