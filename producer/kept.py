"""The answers of a run that are kept, and the codes of more: what comes again must be the same.

Lives here: a bounded memory of answers by line. Not here: locks and who waits (`submissions.py`).
"""

from __future__ import annotations

from typing import Final

from kernel.ledger.order import MISSING, UNWRITTEN, check_same
from producer.decision import Decision

#: Answers kept behind the first submission without one, for whoever asks again by number.
KEPT_ANSWERS: Final = 1_024


class KeptAnswers:
    """Keeps the last answers whole, and of as many lines as can be in flight their codes."""

    def __init__(self, *, inflight_lines_max: int) -> None:
        self.kept_max = min(KEPT_ANSWERS, inflight_lines_max // 2)
        #: All lines up to this one are answered.
        self.done = 0
        self._answers: dict[int, Decision] = {}
        self._oldest = 1
        self._codes = bytearray()  # of the lines from `_codes_from` on; UNWRITTEN: no answer yet
        self._codes_from = 1
        self._codes_max = inflight_lines_max

    @property
    def settled(self) -> int:
        """The last line that nobody can ask for any more, nor for one before it."""
        return self.done - self.kept_max

    def begin_behind(self, lines: int) -> None:
        """Begin behind lines whose answers were acknowledged by an earlier client."""
        self.done = lines
        self._oldest = self._codes_from = max(1, self.settled + 1)

    def get(self, line: int) -> Decision | None:
        """Return a line's answer, None where there is none (any more)."""
        return self._answers.get(line)

    def keep(self, decision: Decision, code: int) -> bool:
        """Keep an answer; False when it is known already, or from before what is kept.

        Raises:
            AnswerDiffers: the line was answered before, and not like this.
        """
        line = decision.number
        index = line - self._codes_from
        if index < 0:
            return False
        self._codes += MISSING * (index + 1 - len(self._codes))
        before = self._codes[index]
        if before != UNWRITTEN:
            check_same(line, before, code)
            return False
        self._codes[index] = code
        self._answers[line] = decision
        return True

    def advance(self) -> None:
        """Go on behind what is answered without a gap, and forget what is far behind."""
        codes = self._codes
        gap = codes.find(UNWRITTEN, self.done + 1 - self._codes_from)
        self.done = max(self.done, self._codes_from + (len(codes) if gap < 0 else gap) - 1)
        for line in range(self._oldest, self.settled + 1):
            self._answers.pop(line, None)
        self._oldest = max(self._oldest, self.settled + 1)
        if len(codes) > 2 * self._codes_max:
            drop = min(len(codes) - self._codes_max, self.done + 1 - self._codes_from)
            del codes[:drop]
            self._codes_from += drop
