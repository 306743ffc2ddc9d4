"""The secret goes over the pipe once: nobody reads it a second time, nobody writes it again."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from kernel.runtime.child import BundleSpent
from kernel.runtime.spawned import Post, Spawned
from tests.support.stand_ins import BUNDLE
from tests.support.waiting import wait_until

#: Enters twice; the second time with the descriptors named in the environment again.
SCRIPT = """
import os, sys
from kernel.runtime import child
named = {name: os.environ[name] for name in child.VARIABLES}
first = child.enter()
os.environ.update(named if sys.argv[1] == "named" else {})
try:
    child.enter()
except child.BundleSpent as spent:
    print(spent, f"({first.bundle.worker})", file=sys.stderr)
"""

Starter = Callable[[str], Spawned]


def wait_for_end(process: Spawned) -> None:
    """Return when it has ended."""
    wait_until(lambda: process.ended() is not None, within_s=20, what="the stand-in to end")


@pytest.fixture
def start() -> Iterator[Starter]:
    """Start stand-ins; what is left of them is ended."""
    started: list[Spawned] = []
    lifeline, keeps = os.pipe()

    def starts(how: str) -> Spawned:
        post = Post("w1", "worker", (sys.executable, "-P", "-c", SCRIPT, how))
        started.append(Spawned(post, 1, lifeline))
        return started[-1]

    yield starts
    os.close(keeps)  # they end with it
    for one in started:
        wait_for_end(one)
        one.close()
    os.close(lifeline)


@pytest.mark.parametrize("how", ["named", "unnamed"])
def test_a_bundle_is_consumed_once(start: Starter, how: str) -> None:
    """Whether or not somebody names the descriptors again."""
    process = start(how)
    process.deliver(BUNDLE.of("w1", 1, "limits"))
    wait_for_end(process)

    with pytest.raises(EOFError):
        list(process.read_words())
    said = process.last_words(5)

    assert process.ended() == 0, said
    assert "is already consumed (w1)" in said
    assert BUNDLE.master_key not in said


def test_a_bundle_is_published_once(start: Starter) -> None:
    """The second one is refused, not queued for whoever reads on."""
    process = start("unnamed")
    process.deliver(BUNDLE.of("w1", 1, "limits"))

    with pytest.raises(BundleSpent, match="the bundle of w1 is already published") as spent:
        process.deliver(BUNDLE.of("w1", 1, "limits"))

    assert BUNDLE.master_key not in str(spent.value)
