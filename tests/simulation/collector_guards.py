"""The collector's guards, taken out one at a time; `guards` has all others.

Not among them: that it reads again when its floor is gone. A lost tail takes the connection along,
and after an error it reads again anyway.
"""

from __future__ import annotations

from consumers.collector import Collector
from kernel.runtime.channel import ReplyChannel
from tests.simulation.planted import Change, Planted

COLLECTING: tuple[Planted, ...] = (
    Planted(
        "collector: after an error it reads again from the ack floor",
        (Change(Collector, "collect", "self._channel.begin_again()", "pass"),),
        style="lost_commits",
        seeds=300,
    ),
    Planted(
        "collector: what a lease that was lost did not cover is acknowledged again",
        (
            Change(
                ReplyChannel,
                "ack",
                '        status = self._ask_ack(entry, lines)\n    if status != "ACKED":',
                '    if status == "REWOUND":',
            ),
        ),
        style="all",
        seeds=300,
    ),
    Planted(
        "collector: only what is safe is acknowledged",
        (Change(ReplyChannel, "ack", "and self._unacked[0][1] <= lines", ""),),
        style="all",
        seeds=300,
    ),
)
