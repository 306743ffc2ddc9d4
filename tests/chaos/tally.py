"""What was done to the fleet and what came of it: counted, and written as a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.chaos.faults import KINDS, Fault

_TOTALS = re.compile(r"attempts in (\d+) turns, (\d+) parks(.*), (\d+) repairs$", re.MULTILINE)
_REFUSED = re.compile(r"(\d+) ([A-Z]+)")
_APPENDS = re.compile(r"\((\d+) appends, (\d+) conflicts, (\d+) rewinds\)")


class Tally:
    """Counts of all storms together."""

    def __init__(self) -> None:
        #: (kind, kind of target) -> how often.
        self.faults: Counter[tuple[str, str]] = Counter()
        self.counts: Counter[str] = Counter()
        self.gap_s = 0.0
        self.gap_in = ""
        self.gap_faults: Sequence[Fault] = ()

    def deal(self, fault: Fault) -> None:
        """Count a fault."""
        self.faults[fault.kind, fault.target.split()[0]] += 1

    def note_gap(self, seconds: float, where: str, meanwhile: Sequence[Fault]) -> None:
        """Note how long no answer came, and what was done then."""
        if seconds > self.gap_s:
            self.gap_s, self.gap_in, self.gap_faults = seconds, where, meanwhile

    def note_words(self, said: str) -> None:
        """Count what processes that ended in order have said of themselves."""
        for turns, _parks, refused, repairs in _TOTALS.findall(said):
            self.counts["turns (of workers that could say so)"] += int(turns)
            self.counts["repairs (of workers that could say so)"] += int(repairs)
            for count, answer in _REFUSED.findall(refused):
                self.counts[f"turns refused {answer}"] += int(count)
        for _, conflicts, rewinds in _APPENDS.findall(said):
            self.counts["appends in conflict"] += int(conflicts)
            self.counts["producer rewinds"] += int(rewinds)

    def note_ledger(self, counters: Mapping[str, int]) -> None:
        """Add what a ledger has counted itself."""
        for name in ("commits", "parks", "leases_reclaimed", "tick_repairs"):
            self.counts[name.replace("_", " ")] += counters.get(name, 0)

    def table(self) -> str:
        """Write it all."""
        return "\n".join(self._rows())

    def _rows(self) -> Iterator[str]:
        yield "-- done to it"
        for kind in KINDS:
            targets = {target: n for (name, target), n in self.faults.items() if name == kind}
            yield _row(kind, sum(targets.values()), _spread(targets))
        yield _row("faults", self.faults.total())
        yield "-- what it did"
        for name, count in sorted(self.counts.items()):
            yield _row(name, count)
        where = self.gap_in or "none"
        yield f"-- longest gap without answers: {self.gap_s:.1f} s ({where}), through"
        for fault in self.gap_faults:
            yield f"  {fault}"


def _spread(targets: Mapping[str, int]) -> str:
    if list(targets) in ([], ["server"]):
        return ""
    return ", ".join(f"{target} {count}" for target, count in sorted(targets.items()))


def _row(name: str, count: int, more: str = "") -> str:
    return f"  {name:<40} {count:>9,}   {more}".rstrip()
