"""The checkpoint among real processes: killed ones are gone on from, contending ones kept apart."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from kernel.adapters.files.checkpoint import bears_name
from kernel.adapters.files.output import OutputFile
from tests.unit.files.outputs import code_of, expected, expected_reasons


def test_a_lock_counts_only_on_the_file_that_bears_the_name(tmp_path: Path) -> None:
    """Who waited at a file that was removed meanwhile has locked nothing, and opens again."""
    place = tmp_path / "out.checkpoint"
    with place.open("wb") as file:
        before = bears_name(file.fileno(), place)
        place.unlink()
        removed = bears_name(file.fileno(), place)
        place.touch()
        replaced = bears_name(file.fileno(), place)

    assert (before, removed, replaced) == (True, False, False)


CONTENDER = """
import os, sys
from kernel.adapters.files.checkpoint import CheckpointFile
from kernel.errors import LeaseHeld
from pathlib import Path
place, mark = Path(sys.argv[1]), Path(sys.argv[2])
won = 0
while won < 200:
    try:
        file = CheckpointFile(place, identity="")
    except LeaseHeld:
        continue
    os.close(os.open(mark, os.O_CREAT | os.O_EXCL))  # fails if somebody else is inside
    mark.unlink()
    file.discard()
    won += 1
"""


def test_contending_processes_are_never_inside_together(tmp_path: Path) -> None:
    """Three processes create, lock and remove one checkpoint hundreds of times."""
    paths = (tmp_path / "out.checkpoint", tmp_path / "mark")
    arguments = [sys.executable, "-c", CONTENDER, *map(str, paths)]
    contenders = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(3)]

    errors = [contender.communicate(timeout=30)[1] for contender in contenders]

    assert errors == [b"", b"", b""]


WRITER = """
import sys
from kernel.adapters.files.output import OutputFile
from tests.unit.files.outputs import write
output = OutputFile(sys.argv[1], fresh=False, reasons_path=sys.argv[2])
while True:
    for _ in range(3):
        write(output, output.lines + 1, output.lines + 97)
    print(output.checkpoint(), flush=True)
"""


def test_a_writer_killed_at_any_moment_loses_nothing_it_has_promised(tmp_path: Path) -> None:
    """Five real kills: each resume starts at or behind the last promise, with the same bytes."""
    out, why = tmp_path / "out", tmp_path / "why"
    promised = 0
    for kill in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, out, why], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            for _ in range(1 + kill):
                promised = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split()
        promised = int(rest[-1]) if rest else promised

        output = OutputFile(out, fresh=False, reasons_path=why)
        assert output.lines >= promised
        assert output.codes == bytes(map(code_of, range(1, output.lines + 1)))
        assert out.with_name("out.partial").read_bytes() == expected(output.lines)
        assert why.with_name("why.partial").read_bytes() == expected_reasons(output.lines)
        output.abandon()

    assert promised > 0
