"""The decision: the limit rules in their pinned order over a batch (`rules.md`, sections 5 and 6).

Read `decide` beside the table of section 5: one branch a rule, the first that fails gives the one
reason, and strictly greater declines. It is one loop on purpose; a call per rule and attempt would
cost more than the rules. Not here: parsing, classes, the effective amount (all done before), and
how a result is kept.

1. Attempts are decided in batch order. A partition whose head may not be decided yet, or whose head
   raised, stops there: it is passed over for the rest of the batch. The others go on.
2. An attempt writes its record and its gate after all its rules were asked, or not at all. So one
   that raised leaves no trace, and the next turn meets it with everything as it was.
3. The windows given become ours: records change in place. Gates and batch are left alone.
4. No clock, no chance, nothing remembered: equal arguments give equal results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from kernel.domain.batch import CANDIDATE, CLASS, PRIME, Batch
from kernel.domain.decision import DROPPED, Reason
from kernel.domain.gate import Gate, Settlement, may_decide
from kernel.domain.ruleset import RuleSet
from kernel.domain.windows import DAY_ATTEMPTS, DAY_SUMS, WEEK_SUM, Windows, fresh, week_of

# Plain integers for the loop: reading a member of an enum costs as much as a rule.
_ACCEPTED = int(Reason.ACCEPTED)
_ATTEMPT_LIMIT = int(Reason.DAILY_ATTEMPT_LIMIT)
_PRIME_CAP = int(Reason.PRIME_AMOUNT_CAP)
_PRIME_LIMIT = int(Reason.PRIME_DAILY_GLOBAL_LIMIT)
_DAILY_LIMIT = int(Reason.DAILY_AMOUNT_LIMIT)
_WEEKLY_LIMIT = int(Reason.WEEKLY_AMOUNT_LIMIT)
_SKIPPED = int(Reason.OPERATOR_SKIP)

_UNTOUCHED = Gate()


class Block(NamedTuple):
    """What a partition waits for: the candidate `pred` of this day must settle first."""

    day: int
    pred: int


class Decided(NamedTuple):
    """What became of a batch.

    `taken` are the indices decided, ascending; `codes` one answer code for each. `reach` counts the
    decided attempts of every partition in the batch. `windows` holds the changed records only, and
    `settled` the gates that moved, to be written only if the front is still the one before.
    """

    batch: Batch
    taken: Sequence[int]
    codes: bytearray
    reach: dict[int, int]
    blocked: dict[int, Block]
    raised: dict[int, BaseException]
    windows: Windows
    settled: dict[int, Settlement]


#: The records of one week, by customer.
_Records = dict[str, list[int]]


class _DayViews(dict[int, tuple[_Records, _Records, int, int]]):
    """For each day met: its week's changed records, those before, where sum and attempts are."""

    def __init__(self, windows: Windows, week_start: int) -> None:
        super().__init__()
        self._windows = windows
        self._week_start = week_start
        self._weeks: dict[int, _Records] = {}

    def __missing__(self, day: int) -> tuple[_Records, _Records, int, int]:
        """Find the place of a day, once."""
        week = week_of(day, self._week_start)
        changed, before = self._weeks.setdefault(week, {}), self._windows.get(week, {})
        view = changed, before, DAY_SUMS + day - week, DAY_ATTEMPTS + day - week
        self[day] = view
        return view

    def changed(self) -> Windows:
        """Return the records that were written, in weeks that have any."""
        return {week: records for week, records in self._weeks.items() if records}


class _Chains:
    """The gates as this batch moves them, and what there is to write of them."""

    def __init__(self, gates: dict[int, Gate], quota: int) -> None:
        self._gates = dict(gates)
        self._quota = quota
        self.settled: dict[int, Settlement] = {}

    def may_decide(self, day: int, pred: int) -> bool:
        return may_decide(self._gates.get(day, _UNTOUCHED), pred, self._quota)

    def is_used_up(self, day: int) -> bool:
        return self._gates.get(day, _UNTOUCHED).used >= self._quota

    def settle(self, day: int, seq: int, code: int) -> None:
        """Make a candidate that was decided the front of its day, unless the quota is used up."""
        gate = self._gates.get(day, _UNTOUCHED)
        if gate.used < self._quota:
            moved = Gate(front=seq, used=gate.used + (code == _ACCEPTED))
            first = self.settled.get(day)
            front_before = gate.front if first is None else first.front_before
            self._gates[day] = moved
            self.settled[day] = Settlement(day, front_before, moved.front, moved.used)


def decide(
    batch: Batch,
    effective: Sequence[int],
    rules: RuleSet,
    windows: Windows,
    gates: dict[int, Gate],
    skipped: Container[int] = (),
) -> Decided:
    """Decide what may be decided of a batch; the head of this file has the promises."""
    day_views, chains = _DayViews(windows, rules.week_start), _Chains(gates, rules.quota)
    attempts_max, daily_max, weekly_max, cap = _limits(rules)
    duplicate_codes, prime, counts_all = _switches(rules)
    codes, stopped = bytearray(), dict[int, tuple[int, Block | Exception]]()
    for index, (seq, partition, customer, amount, day, flag) in _columns(batch, effective):
        if partition in stopped:
            continue
        try:
            if flag & CANDIDATE and not chains.may_decide(day, batch.preds[seq]):
                stopped[partition] = index, Block(day, batch.preds[seq])
                continue
            if seq in skipped:  # touches no window
                code = _SKIPPED
            elif flag & CLASS:  # rule 1, touches no window
                code = duplicate_codes[flag & CLASS]
            else:
                changed, old, day_at, attempts_at = day_views[day]
                record = changed.get(customer) or (old[customer] if customer in old else fresh())
                attempts = record[attempts_at] + 1
                day_sum, week_sum = record[day_at] + amount, record[WEEK_SUM] + amount
                if attempts > attempts_max:  # rule 2
                    code = _ATTEMPT_LIMIT
                elif flag & prime and amount > cap:  # rule 3
                    code = _PRIME_CAP
                elif flag & prime and chains.is_used_up(day):  # rule 4
                    code = _PRIME_LIMIT
                elif day_sum > daily_max:  # rule 5
                    code = _DAILY_LIMIT
                elif week_sum > weekly_max:  # rule 6
                    code = _WEEKLY_LIMIT
                else:
                    code = _ACCEPTED
                    record[day_at], record[WEEK_SUM] = day_sum, week_sum
                if counts_all or code == _ACCEPTED:
                    record[attempts_at], changed[customer] = attempts, record
            if flag & CANDIDATE:
                chains.settle(day, seq, code)
            codes.append(code)
        except Exception as error:  # noqa: BLE001 - kept: the caller halts the partition over it
            stopped[partition] = index, error
    return _decided(batch, codes, stopped, day_views.changed(), chains.settled)


def _columns(
    batch: Batch, effective: Sequence[int]
) -> Iterator[tuple[int, tuple[int, int, str, int, int, int]]]:
    """Walk the columns the rules look at, with the index in the batch."""
    return enumerate(
        zip(
            batch.seqs,
            batch.partitions,
            batch.customers,
            effective,
            batch.days,
            batch.flags,
            strict=True,
        )
    )


def _limits(rules: RuleSet) -> tuple[int, int, int, int]:
    """Return the limits of the rules 2, 5, 6 and 3."""
    cap = 0 if rules.prime_gate is None else rules.prime_gate.amount_cap_cents
    return rules.daily_attempts, rules.daily_amount_cents, rules.weekly_amount_cents, cap


def _switches(rules: RuleSet) -> tuple[tuple[int, int, int], int, bool]:
    """Return the answer code of each class, the flag bit to ask for primes, and what counts."""
    replay, conflict = int(Reason.ID_DUPLICATE_REPLAY), int(Reason.ID_DUPLICATE_CONFLICT)
    duplicate_codes = (
        _ACCEPTED,
        replay | (DROPPED if rules.on_replay == "drop" else 0),
        conflict | (DROPPED if rules.on_conflict == "drop" else 0),
    )
    prime = 0 if rules.prime_gate is None else PRIME
    return duplicate_codes, prime, rules.attempts_counted == "all"


def _decided(
    batch: Batch,
    codes: bytearray,
    stopped: dict[int, tuple[int, Block | Exception]],
    changed: Windows,
    settled: dict[int, Settlement],
) -> Decided:
    """Say how far each partition got, and why it stopped there if it did."""
    taken: Sequence[int] = range(len(batch.seqs))
    reach = dict.fromkeys(batch.partitions, 0)
    if stopped:
        ends = {partition: index for partition, (index, _) in stopped.items()}
        everything = len(batch.seqs)
        taken = [i for i, p in enumerate(batch.partitions) if i < ends.get(p, everything)]
    reach.update(Counter(map(batch.partitions.__getitem__, taken)))
    return Decided(
        batch=batch,
        taken=taken,
        codes=codes,
        reach=reach,
        blocked={where: why for where, (_, why) in stopped.items() if isinstance(why, Block)},
        raised={where: why for where, (_, why) in stopped.items() if isinstance(why, Exception)},
        windows=changed,
        settled=settled,
    )
