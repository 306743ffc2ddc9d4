"""A shift: turn after turn until there is nothing to do. This is what the RQ job does.

The job carries no payload. It names the ledger, and everything else is in the ledger; so a lost,
doubled or late job does no harm. `work` is the one function that RQ may call, under the name that
the bell sends (`consumers.shift.work`); it is wire format.

1. A shift ends at a turn's end: after its time, when the stop flag is set, or when nothing came
   for the linger time and `end_shift` finds nothing ready.
2. A store that does not answer is retried inside the shift, after everything in memory was
   forgotten; only when it stays away for long does the shift give up.
3. A partition whose head raised is passed over for a moment; the worker rests only when there is
   nothing else to decide meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from consumers.poison import Pauses
from consumers.turn import Seat, Turn
from kernel.engine.handoff import failure_of
from kernel.errors import FundloadError, RulesDiffer
from kernel.ledger.ports import Bell, PartitionPort, StoreUnavailable, gone
from kernel.ledger.scenario import EGRESS
from kernel.ledger.units import EndAnswer, TickAnswer
from kernel.runtime.patience import Absence, Clock

#: Pause before the store is asked again.
RETRY_MS = 50


@dataclass
class ShiftTotals:
    """What a worker's shifts came to; counted for the log and for tests."""

    turns: int = 0
    decided: int = 0
    parked: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    repairs: int = 0


class Shift:
    """Works shifts of one worker on one ledger."""

    def __init__(
        self,
        *,
        turn: Turn,
        port: PartitionPort,
        bell: Bell,
        clock: Clock,
        seat: Seat,
        should_stop: Callable[[], bool],
        new_token: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._turn = turn
        self._port = port
        self._bell = bell
        self._clock = clock
        self.ledger, self._worker, self._settings = seat
        self.should_stop = should_stop
        self._new_token = new_token
        self._tick_at = 0
        self._pauses = Pauses()
        self.totals = ShiftTotals()
        #: What ended the last shift, where no retry mends it.
        self.failure: FundloadError | None = None

    def work(self) -> None:
        """Work one shift to its end.

        Raises:
            HandoffTransportFailed: the store stayed away for longer than `AWAY_MS_MAX`.
            LedgerGone: the ledger is not there any more.
        """
        # The scripts read the worker's name in it when its lease runs out (shared.lua, reclaim).
        shift = f"{self._worker}/{self._new_token()}"
        began = self._clock.now_ms()
        absence = Absence(self._clock)
        while True:
            try:
                forced = self.should_stop() or (
                    self._clock.now_ms() - began >= self._settings.shift_ms
                )
                if self._round(shift, forced=forced):
                    return
                absence.ended()
            except StoreUnavailable as error:
                self._turn.forget()
                if absence.is_too_long() or self.should_stop():
                    raise failure_of(error, group=EGRESS) from error
                self._clock.pause_ms(RETRY_MS)

    def _round(self, shift: str, *, forced: bool) -> bool:
        """Make one turn, or linger, or end. True when the shift is over."""
        if forced:
            return self._end(shift, forced=True)
        self.tick()
        passed_over = self._pauses.standing(self._clock.now_ms())
        result = self._turn.run(shift, passed_over)
        if result.status == "gone":
            raise gone(f"ledger {self.ledger}")
        if result.ring:
            self._bell.ring()
        if result.status == "idle":
            return not self._bell.wait(self._settings.linger_ms) and self._end(shift, forced=False)
        self._pauses.after_turn(result.raised, passed_over, self._clock.now_ms())
        left_ms = self._pauses.left_ms(self._clock.now_ms())
        if left_ms and result.status == "applied" and not result.decided:
            self._clock.pause_ms(left_ms)
        self.totals.turns += 1
        self.totals.decided += result.decided
        self.totals.parked += result.parked
        if result.status == "refused":
            refused = self.totals.refused
            refused[result.answer] = refused.get(result.answer, 0) + 1
            if result.answer == "RULES":
                raise RulesDiffer(
                    f"worker {self._worker} decides by other rules than ledger {self.ledger} has "
                    "in force; start it anew"
                )
        return False

    def _end(self, shift: str, *, forced: bool) -> bool:
        self._turn.forget()
        ended: EndAnswer = self._port.end_shift(shift=shift, worker=self._worker, forced=forced)
        if ended.status == "GONE":
            raise gone(f"ledger {self.ledger}")
        if ended.ring:
            self._bell.ring()
        return ended.status == "ENDED"

    def tick(self) -> TickAnswer | None:
        """Run the tick if it is due here; the script sees to once in `tick_ms` per ledger.

        Idle workers call it too, between two looks at their RQ queue.

        Raises:
            LedgerGone: the ledger is not there any more.
        """
        now = self._clock.now_ms()
        if now < self._tick_at:
            return None
        self._tick_at = now + self._settings.tick_ms
        ticked = self._port.tick(worker=self._worker)
        if ticked.status == "GONE":
            raise gone(f"ledger {self.ledger}")
        self.totals.repairs += ticked.leases + ticked.listed + ticked.shifts + ticked.bells
        if ticked.ring:
            self._bell.ring()
        return ticked


#: The shift that this process works when RQ calls; set by the worker before it listens.
_current: list[Shift] = []


def listen(shift: Shift) -> None:
    """Name the shift that `work` will work; one for each process."""
    _current[:] = [shift]


def work(ledger: str) -> None:
    """Work one shift on a ledger: what the RQ job calls.

    Raises:
        PermissionError: this process is no worker of that ledger.
        FundloadError: what ended the shift; RQ keeps it to itself, so it is left in `failure` too.
    """
    if not _current or _current[0].ledger != ledger:
        raise PermissionError(f"this process is no worker of ledger {ledger!a}")
    shift = _current[0]
    try:
        shift.work()
    except FundloadError as error:
        shift.failure = error
        raise
