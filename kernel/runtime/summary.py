"""The summary of a run, for reconciliation: how many lines, rows and cents, and why not more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kernel.domain.decision import answer_of, reason_of


@dataclass(frozen=True)
class Summary:
    """What became of a run's lines. Amounts are raw cents of accepted rows, not effective ones.

    `tally` counts lines by answer code; `workers` is 0 in the memory profile.
    """

    lines: int
    tally: Mapping[int, int]
    cents_accepted: int
    seconds: float
    workers: int

    def count(self, answer: str) -> int:
        """Count the lines with one answer: accepted, declined or dropped."""
        return sum(n for code, n in self.tally.items() if answer_of(code) == answer)

    @property
    def rows(self) -> int:
        """Rows written: every line but the dropped ones."""
        return self.lines - self.count("dropped")

    def text(self) -> list[str]:
        """Return the lines to print."""
        dollars, cents = divmod(self.cents_accepted, 100)
        out = [
            f"lines      {self.lines:>12,}",
            f"rows       {self.rows:>12,}",
            f"accepted   {self.count('accepted'):>12,}   sum {dollars:,}.{cents:02d} USD",
            f"declined   {self.count('declined'):>12,}",
        ]
        by_reason: dict[str, int] = {}
        for code, n in sorted(self.tally.items()):
            if answer_of(code) == "declined":
                by_reason[reason_of(code).name] = n
        out += [f"  {name:<26} {n:>10,}" for name, n in by_reason.items()]
        out.append(f"dropped    {self.count('dropped'):>12,}")
        rate = self.lines / self.seconds if self.seconds > 0 else 0.0
        by = f"{self.workers} worker(s)" if self.workers else "one process, no Redis"
        out.append(f"speed      {rate:>12,.0f} lines/s in {self.seconds:.2f} s by {by}")
        return out
