"""Who was away for longer than its lease, while another process went on with its run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kernel.adapters.files.source import SourceChunk
from kernel.errors import Incomplete, LeaseHeld
from tests.support.chunks import PLAIN
from tests.support.counter import TWO_PARTS
from tests.support.workshop import RUN, Workshop


class Silent:
    """An input in which nothing has come yet; meanwhile something happens elsewhere."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile

    def read_chunk(self, within_ms: int | None = None) -> SourceChunk:
        """Return no lines, once what happens has happened."""
        assert within_ms is not None, "a lease is to be renewed"
        self._meanwhile()
        return SourceChunk(b"", 0, 1, 0, "")

    def skip_to(self, offset: int, digest: str, line: int) -> None:
        """Refuse: the run was not begun when this one came."""
        raise AssertionError((offset, digest, line))


@pytest.mark.parametrize(
    ("is_finished", "error", "sentence"),
    [
        (True, LeaseHeld, "was finished by another process with 2 lines"),
        (False, Incomplete, "was gone on with by another process up to line 2; feed the same"),
    ],
    ids=["finished", "gone on with"],
)
def test_whoever_comes_back_to_a_run_that_is_elsewhere_is_told_why(
    tmp_path: Path, *, is_finished: bool, error: type[Exception], sentence: str
) -> None:
    """A pipe in which the next line may be hours away: it is not told that the server lost some."""
    source = tmp_path / "input"
    source.write_bytes(b"nonsense\n" * 2)
    shop = Workshop(PLAIN, TWO_PARTS)

    def meanwhile() -> None:
        shop.clock.pause_ms(shop.settings.run_lease_ms)
        shop.produce(source)
        if not is_finished:
            shop.ledger.state.runs[RUN].lines = None  # as if that one had died

    with pytest.raises(error, match=sentence):
        shop.sequencer(owner="slow").run(lambda: Silent(meanwhile), can_reopen=False)
