"""The wait for one run: what became of it is the exit code, here and for whoever waits elsewhere.

Here: how a process's end becomes an outcome, the outcome an exit code, and who else is told. Not
here: what makes a run end (the collector, the supervisor) and what an outcome is
(`kernel.engine.replies`).

1. The wait in this process decides its exit code. It is told to the ledger too, where any process
   may ask (`fundload wait`): a store that is away takes nothing from what is written.
2. A reason begins with the exit code that it stands for: other processes have nothing else of it.
   Of an error it keeps the sentence of our own tree, which holds no payload; else only the type.
3. At the ledger a run is in flight while somebody gives signs of life for it. Who is killed gives
   none, so the wait expires there; who goes on with the run registers it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from kernel.engine.errors import AlreadyInFlight
from kernel.engine.replies import Outcome, Waiter
from kernel.errors import (
    EXIT_BUG,
    EXIT_CODES,
    EXIT_DONE,
    EXIT_INCOMPLETE,
    EXIT_SIGINT,
    EXIT_SIGTERM,
    FundloadError,
    LedgerGone,
)
from kernel.ledger.ports import StoreUnavailable
from kernel.runtime.patience import AWAY_MS_MAX, Clock
from kernel.runtime.signals import Terminated

if TYPE_CHECKING:
    from kernel.adapters.redis.outcomes import RedisOutcomes

#: How long a run may be without a sign of life at the ledger. A collector waits for a store that is
#: away no longer than half of it, so its wait does not expire while it waits.
SILENT_MS = 2 * AWAY_MS_MAX
#: How often a sign of life is given.
ALIVE_MS = 1_000
#: Pauses before the ledger is told of an end, and told again while it does not answer.
TELL_PAUSES_MS = (0, 50, 500)
#: Of a longer sentence, the rest is only with the process that said it.
REASON_CHARS_MAX = 1_000

#: How each of these ends is told; what is no error of ours is a bug, and told by its type alone.
STOPPED: dict[type[BaseException], Outcome] = {
    KeyboardInterrupt: Outcome(
        "cancelled", None, f"exit {EXIT_SIGINT}: stopped from the keyboard; what is there was kept"
    ),
    Terminated: Outcome(
        "cancelled", None, f"exit {EXIT_SIGTERM}: stopped by SIGTERM; what is there was kept"
    ),
    BrokenPipeError: Outcome(
        "cancelled", None, f"exit {EXIT_DONE}: the reader of standard output left before the end"
    ),
}
SILENT = f"whoever collected it has given no sign of life for {SILENT_MS // 1000} s"


def outcome_of(error: BaseException) -> Outcome:
    """Return what a run came to whose process ends with this error."""
    for kind, outcome in STOPPED.items():
        if isinstance(error, kind):
            return outcome
    if isinstance(error, FundloadError):
        sentence = str(error).partition("\n")[0][:REASON_CHARS_MAX]
        return Outcome("error", None, f"exit {error.exit_code}: {sentence}")
    return Outcome("error", None, f"exit {EXIT_BUG}: {type(error).__name__}")


def code_of(outcome: Outcome) -> int:
    """Return the exit code that an outcome is; one that names none, as a time-out, is 6."""
    if outcome.status == "success":
        return EXIT_DONE
    named = re.match(r"exit (\d{1,3}): ", outcome.reason)
    code = int(named[1]) if named else EXIT_INCOMPLETE
    return code if code in EXIT_CODES else EXIT_BUG


def sentence_of(outcome: Outcome) -> str:
    """Return an outcome that is no success in words."""
    if outcome.status == "timeout":
        return SILENT
    return re.sub(r"^exit \d{1,3}: ", "", outcome.reason)


class RunWait:
    """One run, registered in this process and, once it is shared, at its ledger."""

    def __init__(self, run: str, clock: Clock, *, wait_ms: int | None = None) -> None:
        """Register the run here.

        Args:
            run: Its name.
            clock: Whose time passes.
            wait_ms: How long it may be before it begins; None is for ever.
        """
        self._run = run
        self._clock = clock
        self._waiter = Waiter()
        self._shared: RedisOutcomes | None = None
        self._alive_at = 0
        self._is_bounded = wait_ms is not None
        timeout_ms = SILENT_MS if wait_ms is None else max(wait_ms, 1)
        self._waiter.register(run, now=clock.now_ms(), timeout_ms=timeout_ms)

    @property
    def outcome(self) -> Outcome:
        """What became of the run; to be asked when it has ended."""
        outcome = self._waiter.poll(self._run)
        assert outcome is not None, f"run {self._run} is still waited for"
        return outcome

    def is_over(self) -> bool:
        """Say whether the run has not begun in time; that is its outcome then."""
        now = self._clock.now_ms()
        if not self._is_bounded:
            self._waiter.extend(self._run, now=now, timeout_ms=SILENT_MS)
        return bool(self._waiter.expire(now))

    def share(self, outcomes: RedisOutcomes) -> None:
        """Register the run at its ledger too: to be called by whoever holds the run's lease.

        A run that is complete stays so: collecting it again can add nothing.

        Raises:
            LedgerGone, StoreUnavailable: as they say.
        """
        self._waiter.extend(self._run, now=self._clock.now_ms(), timeout_ms=SILENT_MS)
        self._is_bounded = False
        known = outcomes.poll(self._run)
        if known is None or known.status != "success":
            self._shared = outcomes
            self.alive()

    def alive(self) -> None:
        """Give a sign of life, if one is due; registers what went with a lost tail.

        Raises:
            LedgerGone, StoreUnavailable: as they say.
        """
        now = self._clock.now_ms()
        if self._shared is None or now < self._alive_at:
            return
        self._waiter.extend(self._run, now=now, timeout_ms=SILENT_MS)
        if not self._shared.extend(self._run, timeout_ms=SILENT_MS):
            with suppress(AlreadyInFlight):  # this is a repeat, behind an answer that was lost
                self._shared.register(self._run, timeout_ms=SILENT_MS)
        self._alive_at = now + ALIVE_MS

    def complete(self, lines: int | None) -> bool:
        """All rows are written. False: it was not told to the ledger, which does not answer."""
        payload = {"lines": lines}
        self._waiter.complete(self._run, payload, now=self._clock.now_ms())
        return self._tell(lambda shared: shared.complete(self._run, payload), TELL_PAUSES_MS)

    def end(self, error: BaseException, *, is_told: bool = True) -> bool:
        """The run ends with an error or a signal; `is_told` False leaves the ledger to others."""
        outcome, now = outcome_of(error), self._clock.now_ms()
        if outcome.status == "cancelled":
            self._waiter.cancel(self._run, outcome.reason, now=now)
        else:
            self._waiter.fail(self._run, outcome.reason, now=now)
        return not is_told or self._tell(lambda shared: tell(shared, self._run, outcome), (0,))

    def _tell(self, act: Callable[[RedisOutcomes], object], pauses_ms: tuple[int, ...]) -> bool:
        shared = self._shared
        if shared is None:
            return True
        for pause_ms in pauses_ms:
            if pause_ms:
                self._clock.pause_ms(pause_ms)
            try:
                act(shared)
            except StoreUnavailable:
                continue
            except LedgerGone:
                return True  # so is everybody who could have asked there
            return True
        return False


def tell(outcomes: RedisOutcomes, run: str, outcome: Outcome) -> None:
    """Tell a ledger of a run that did not succeed.

    Raises:
        LedgerGone, StoreUnavailable: as they say.
    """
    if outcome.status == "cancelled":
        outcomes.cancel(run, outcome.reason)
    else:
        outcomes.fail(run, outcome.reason)
