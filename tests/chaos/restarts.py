"""One long `fundload run` whose server is killed several times: it completes by itself.

Unlike in a storm nobody starts anything again but the server: the one command that the user typed
has to see it through.
"""

from __future__ import annotations

import io
import time
from contextlib import redirect_stdout
from pathlib import Path

from tests.chaos.weather import say, shelter
from tests.support.fleet import ENDS_S, Fleet, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.server import Server
from tests.support.waiting import wait_until

#: A run of any length; the bound is for one that hangs.
RUN_S = 600.0
AWAY_S = 0.5


def restarted(restarts: int, *, lines: int, workers: int, folder: Path) -> list[int]:
    """Run it, and kill the server at even distances; return at how many answers that was.

    Raises:
        AssertionError: the run did not complete by itself, or its bytes differ.
    """
    source, output = folder / "source", folder / "output"
    source.write_bytes(sample_bytes(lines))
    config = config_file(folder, "experiment")
    with Server() as server, Fleet(server.url, "prod", folder) as fleet:
        files = ("--config", str(config), "--input", str(source), "--output", str(output))
        where = ("--redis-url", fleet.url, "--ledger", fleet.ledger, "--run", fleet.run)
        run = fleet.start("run", *files, *where, "--workers", str(workers))
        killed_at = []
        for number in range(1, restarts + 1):
            killed_at.append(fleet.wait_for_answers(lines * number // (restarts + 1)))
            server.kill()
            _wait_a_while()
            server.start()
        code = run.ends(RUN_S)
        assert code == 0, f"exit code {code}: {run.said}"
        assert killed_at[-1] < lines, "the server was killed after the end"
        assert "Traceback" not in run.said, run.said
        assert output.read_bytes() == memory_bytes(config, source), "the bytes DIFFER"
    return killed_at


def _wait_a_while() -> None:
    back = time.monotonic() + AWAY_S
    wait_until(lambda: time.monotonic() >= back, within_s=ENDS_S, what="a while")


def play_restarts(restarts: int, *, lines: int, workers: int) -> int:
    """Do it and print how it went; 1 when a promise was not kept."""
    began = time.monotonic()
    with shelter() as mark:
        try:
            with redirect_stdout(io.StringIO()):
                killed_at = restarted(restarts, lines=lines, workers=workers, folder=mark.directory)
        except AssertionError as broken:
            say(f"BROKEN: {broken}")
            return 1
    say(
        f"{lines:,} lines in one `fundload run`, its server killed -9 and started again at "
        f"{', '.join(f'{answers:,}' for answers in killed_at)} answers: complete by itself after "
        f"{time.monotonic() - began:.1f} s, same bytes as the memory profile"
    )
    return 0
