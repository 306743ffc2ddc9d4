"""The load generator of the latency table: submits at times fixed beforehand, whatever comes back.

`python -m tests.bench.open_loop URL LEDGER RATE SECONDS FOLDER` leaves `asked.txt` and
`answered.txt` in the folder and prints its figures as JSON.

1. Attempt n is due at n/RATE seconds. Its latency counts from there, not from when it was sent: who
   is late with sending because something stood still has waited, too.
2. The loop sleeps by `select`, which knows microseconds; `epoll` would be a millisecond late.
3. Ids, customers and days are none of the sample's, so answers do not depend on a file under way.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from producer.client import AsyncClient, Decision
from producer.sample import GOOD, PER_DAY, SECONDS_A_DAY, Line, draw_cents, write
from tests.bench.report import percentile

#: Behind the ids and customers of any sample, and three hundred years behind its days.
FIRST: Final = 10**12
FIRST_SECOND: Final = 300 * 365 * SECONDS_A_DAY
CUSTOMERS: Final = 10_000
#: From the opened run to the first attempt.
LEAD_S: Final = 0.1
TIMEOUT_S: Final = 120.0


class Answered(NamedTuple):
    """One attempt that was submitted: when, by its plan, and what came of it."""

    line: str
    decision: Decision
    late_s: float
    latency_s: float


def lines_to_submit(many: int) -> list[str]:
    """Return the attempts, each of another id."""
    draw = Random(1).random
    lines = []
    for index in range(many):
        customer = FIRST + int(draw() * CUSTOMERS)
        second = FIRST_SECOND + index * SECONDS_A_DAY // PER_DAY
        lines.append(write(GOOD, Line(FIRST + index, customer, draw_cents(draw), second)))
    return lines


async def submit_all(
    url: str, ledger: str, lines: Sequence[str], rate: float
) -> tuple[list[Answered], float]:
    """Submit each line when it is due; return all answers, and the CPU seconds that it took."""
    loop = asyncio.get_running_loop()
    async with AsyncClient(url, ledger, timeout_s=TIMEOUT_S) as client:
        before_s, first = time.process_time(), loop.time() + LEAD_S

        async def submit(line: str, due: float) -> Answered:
            sent = loop.time()
            decision = await client.submit(line)
            return Answered(line, decision, sent - due, loop.time() - due)

        under_way = []
        for index, line in enumerate(lines):
            due = first + index / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            under_way.append(asyncio.create_task(submit(line, due)))
        answered = await asyncio.gather(*under_way)
        return answered, time.process_time() - before_s


def figures_of(answered: Sequence[Answered], cpu_s: float) -> dict[str, Any]:
    """Return what is told of the answers: milliseconds by percentile."""
    latencies = sorted(one.latency_s * 1e3 for one in answered)
    late = sorted(one.late_s * 1e3 for one in answered)
    return {
        "attempts": len(answered),
        "p50_ms": percentile(latencies, 0.5),
        "p99_ms": percentile(latencies, 0.99),
        "max_ms": latencies[-1],
        "late_p99_ms": percentile(late, 0.99),
        "cpu_s": cpu_s,
    }


def main(url: str, ledger: str, rate: str, seconds: str, folder: str) -> None:
    """Be the load generator."""
    lines = lines_to_submit(max(1, int(float(rate) * float(seconds))))

    def by_select() -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(selectors.SelectSelector())

    with asyncio.Runner(loop_factory=by_select) as runner:
        answered, cpu_s = runner.run(submit_all(url, ledger, lines, float(rate)))
    answered.sort(key=lambda one: one.decision.number)
    asked = "".join(f"{one.line}\n" for one in answered)
    rows = "".join(one.decision.row or "" for one in answered)
    Path(folder, "asked.txt").write_text(asked, "utf-8")
    Path(folder, "answered.txt").write_text(rows, "utf-8")
    print(json.dumps(figures_of(answered, cpu_s)))


if __name__ == "__main__":
    main(*sys.argv[1:])
