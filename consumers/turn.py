"""One turn: take, merge, decide, commit, and what becomes of each partition held.

Pure logic over the ports and the runner, so that the simulator runs this very code over the memory
twin. Rules 5 to 9 and 17 of `scheduling.md`:

1. After any refusal, or an answer that never came, everything in memory is forgotten and taken
   again; `take` tells what the shift holds. Nothing here decides whether a commit is right: the
   commit script does.
2. The load is one atomic read. A cursor unlike the take's ends the turn before anything is decided.
3. A turn that got on keeps its blocked partitions, one that did not parks them.
4. A batch that cannot be trusted, or comes again, halts its partition at once; an attempt that
   raises is tried again, and the second time halts it. The other partitions go on.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from random import Random
from typing import Literal, NamedTuple

from consumers.poison import decided_up_to_poison
from consumers.positions import FirstLines, entry_at, first_lines, last_lines, slices_of
from consumers.state import StaleTake, StateOfTurn, Untrusted
from kernel.adapters.codec import Codec, packed
from kernel.domain.batch import Batch
from kernel.domain.decide import Decided
from kernel.domain.ruleset import RuleSet
from kernel.engine.envelope import Envelope
from kernel.engine.runner import Runner
from kernel.errors import IntegrityError
from kernel.ledger.merge import LoggedBatch, Slice, merged
from kernel.ledger.payloads import BATCH, DECIDED, STATE, DecidedTurn
from kernel.ledger.ports import PartitionPort
from kernel.ledger.settings import FleetSettings
from kernel.ledger.units import (
    TOKEN_BITS,
    CommitRequest,
    Entry,
    FailRequest,
    Held,
    Move,
    Policy,
    ReplyOut,
    SettledOut,
    Step,
    TakeRequest,
)

TurnStatus = Literal["idle", "applied", "refused", "gone"]


class Seat(NamedTuple):
    """Who works where, and by which settings."""

    ledger: str
    worker: str
    settings: FleetSettings


class TurnResult(NamedTuple):
    """What a turn came to. `answer` is the store's word; `decided` counts only what was applied.

    `raised` are the partitions whose head raised and is to be tried again.
    """

    status: TurnStatus
    answer: str = ""
    decided: int = 0
    parked: int = 0
    ring: bool = False
    raised: tuple[int, ...] = ()


class Turn:
    """Makes turns for one worker; remembers opened batches between turns, and only those."""

    def __init__(
        self,
        *,
        port: PartitionPort,
        runner: Runner,
        codec: Codec,
        rules: RuleSet,
        seat: Seat,
        rng: Random,
    ) -> None:
        self._port = port
        self._runner = runner
        self._codec = codec
        self._rules = rules
        self._ledger, self._worker, self._settings = seat
        self._rng = rng
        self._opened: dict[tuple[int, str], LoggedBatch] = {}
        by_rules: Policy = "all" if rules.quota else "share"
        self.policy: Policy = by_rules if seat.settings.take == "auto" else seat.settings.take

    def forget(self) -> None:
        """Drop what is remembered: after a refusal nothing in memory can be relied on."""
        self._opened.clear()

    def run(self, shift: str, passed_over: Container[int] = ()) -> TurnResult:
        """Make one turn under this shift; what is passed over is kept, but not decided.

        Raises:
            StoreUnavailable: nothing is known about the last step; `forget` and begin again.
        """
        taken = self._port.take(
            TakeRequest(
                shift,
                self._worker,
                self._settings.turn_attempts_max,
                self.policy,
                self._preferred(),
            )
        )
        if taken.status == "GONE":
            return TurnResult("gone")
        if not taken.held:
            self.forget()
            return TurnResult("idle", ring=taken.ring)
        result = self._decide_and_commit(shift, taken.held, taken.share, passed_over)
        return result._replace(ring=result.ring or taken.ring)

    def _preferred(self) -> tuple[int, ...]:
        if not self._settings.shuffle:
            return ()
        partitions = range(self._settings.partitions)
        return tuple(self._rng.sample(partitions, len(partitions)))

    def _decide_and_commit(
        self, shift: str, held: Sequence[Held], share: int, passed_over: Container[int]
    ) -> TurnResult:
        trusted, slices, broken = self._opened_slices(
            [part for part in held if part.partition not in passed_over]
        )
        batch = merged(slices, self._settings.turn_attempts_max)
        decided = None
        if batch is not None:
            try:
                decided = self._decided(trusted, first_lines(slices), batch)
            except StaleTake:
                self.forget()
                return TurnResult("refused", "STALE")
            except Untrusted as wrong:
                for part in trusted:
                    if found := wrong.found.get(part.partition):
                        self._fail(shift, part, found[0], fatal=True, note=found[1])
                self.forget()
                return TurnResult("refused", "UNTRUSTED")
        request = self._request(shift, trusted, decided, share)
        kept = [Step(part.partition, "keep") for part in held if part.partition in passed_over]
        request = request._replace(steps=[*request.steps, *kept])
        answer = self._port.commit(request)
        if answer.status == "GONE":
            return TurnResult("gone")
        if answer.status not in ("APPLIED", "ALREADY"):
            self.forget()
            return TurnResult("refused", answer.status)
        # Only now: to a worker that the ledger has left behind (RULES), good batches look broken.
        for part, error in broken:
            self._fail(shift, part, error, fatal=True)
        turn = None if decided is None else decided.decided
        raised = () if turn is None else self._fail_raised(shift, trusted, turn)
        return TurnResult(
            "applied",
            answer.status,
            0 if turn is None else len(turn.codes),
            answer.outcomes.count("parked"),
            answer.ring,
            raised,
        )

    def _opened_slices(
        self, held: Sequence[Held]
    ) -> tuple[list[Held], list[Slice], list[tuple[Held, IntegrityError]]]:
        """Open what is at hand; partitions whose entries cannot be trusted come apart."""
        opened: dict[tuple[int, str], LoggedBatch] = {}
        trusted: list[Held] = []
        slices: list[Slice] = []
        broken: list[tuple[Held, IntegrityError]] = []
        for part in held:
            try:
                batches = [self._batch(part.partition, entry, opened) for entry in part.entries]
                found = slices_of(part, batches)
            except IntegrityError as error:
                broken.append((part, error))
                continue
            trusted.append(part)
            slices.extend(found)
        self._opened = opened
        return trusted, slices, broken

    def _batch(
        self, partition: int, entry: Entry, opened: dict[tuple[int, str], LoggedBatch]
    ) -> LoggedBatch:
        key = (partition, entry.id)
        batch = opened[key] = self._opened.get(key) or self._codec.logged(partition, entry)
        return batch

    def _decided(self, held: Sequence[Held], firsts: FirstLines, batch: Batch) -> DecidedTurn:
        week_start, seals = self._rules.week_start, self._codec.seals

        def decide(beginning: Batch) -> DecidedTurn:
            view = StateOfTurn(self._port, held, firsts, week_start, seals)
            envelope = Envelope(beginning, BATCH, trace_id=f"{self._ledger}:{batch.seqs[0]}")
            ran = self._runner.run([envelope], views={STATE: view})
            turn: DecidedTurn = ran.payloads(DECIDED)[0]
            return turn

        return decided_up_to_poison(batch, decide)

    def _request(
        self, shift: str, held: Sequence[Held], turn: DecidedTurn | None, share: int
    ) -> CommitRequest:
        token = self._rng.getrandbits(TOKEN_BITS) | 1
        decided = None if turn is None else turn.decided
        reach = {} if decided is None else decided.reach
        moves = [
            Move(
                part.partition,
                part.cursor,
                part.cursor + reach[part.partition],
                entry_at(part, part.cursor + reach[part.partition] - 1),
                part.halt,
            )
            for part in held
            if reach.get(part.partition)
        ]
        steps = self._steps(held, decided, share)
        empty = CommitRequest(
            shift, self._worker, token, self._rules.digest, moves, {}, (), (), steps
        )
        if turn is None or decided is None:
            return empty
        lines = last_lines(held, reach, self._opened)
        return empty._replace(
            windows={week: packed(records) for week, records in decided.windows.items()},
            settled=[SettledOut(*settled) for settled in decided.settled.values()],
            replies=[
                ReplyOut(
                    answers.run,
                    len(answers.codes),
                    self._codec.answers_out(answers, token),
                    answers.cents_accepted,
                    {code: answers.codes.count(code) for code in set(answers.codes)},
                    lines[answers.run],
                )
                for answers in turn.answers
            ],
        )

    def _steps(self, held: Sequence[Held], decided: Decided | None, share: int) -> list[Step]:
        """Say what becomes of each partition (rule 8), and give back what is over the share."""
        got_on = decided is not None and len(decided.codes) >= self._settings.keep_rows_min
        steps = []
        kept = 0
        for part in held:
            partition = part.partition
            cursor = part.cursor + (decided.reach.get(partition, 0) if decided else 0)
            block = decided.blocked.get(partition) if decided else None
            if block is not None and not got_on:
                entry = entry_at(part, cursor)
                steps.append(Step(partition, "park", block.day, block.pred, cursor, entry))
            elif decided is not None and partition in decided.raised:
                steps.append(Step(partition, "keep"))  # only its holder may say that it raised
            elif cursor < part.end and kept < share:
                steps.append(Step(partition, "keep"))
                kept += 1
            else:
                steps.append(Step(partition, "release"))
        return steps

    def _fail_raised(self, shift: str, held: Sequence[Held], decided: Decided) -> tuple[int, ...]:
        """Report the heads that raised; return the partitions in which they are tried again."""
        again = []
        for part in held:
            error = decided.raised.get(part.partition)
            if error is not None:
                at = part._replace(cursor=part.cursor + decided.reach[part.partition])
                if self._fail(shift, at, error, fatal=False) == "RETRY":
                    again.append(part.partition)
        return tuple(again)

    def _fail(
        self, shift: str, part: Held, error: BaseException, *, fatal: bool, note: int | None = None
    ) -> str:
        answer = self._port.fail(
            FailRequest(
                shift,
                self._rng.getrandbits(TOKEN_BITS) | 1,
                part.partition,
                part.cursor,
                entry_at(part, part.cursor),
                f"{type(error).__name__}: {error}"[:200] if fatal else type(error).__name__,
                fatal,
                note,
            )
        )
        return answer.status
