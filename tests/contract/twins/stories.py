"""Longer stories that chance would hardly put together: one rule each, every detail drawn.

Hypothesis switches rules off in most examples to look at others more closely, so what needs five
of them in a row hardly ever happens. These rules hold such rows together.
"""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import rule

from kernel.ledger.units import FailRequest, Policy
from tests.contract.twins.fleet import ALL, FIELDS, OWNERS, RUNS, SHIFTS, Shift
from tests.contract.twins.machine import TwinsMachine, faults, lines, rarely, runs, shifts, wishes
from tests.support.plausible import Line, Wish

takes = st.sampled_from(["all", "one", "share"])
firsts = st.lists(st.integers(0, 3), min_size=1, max_size=2)
limits = st.sampled_from([1, 2, 100, 100])
#: Chunks with a chain over two partitions and something behind it.
chains = st.one_of(
    lines,
    st.lists(
        st.builds(Line, st.integers(0, 1), st.just(1), st.sampled_from([True, True, False])),
        min_size=2,
        max_size=6,
    ),
)
wish_lists = st.one_of(
    st.just(["auto"] * 4), st.lists(wishes, min_size=4, max_size=4), st.just(["none"] * 4)
)


class Half(NamedTuple):
    """What one of two workers does."""

    policy: Policy
    prefer: list[int]
    limit: int
    wish: list[Wish]


halves = st.builds(Half, takes, firsts, limits, wish_lists)


class StoriesMachine(TwinsMachine):
    """Two shifts after the same partitions, chains over two of them, and heads that raise."""

    def fresh(self) -> int:
        """Begin a day whose quota nobody has used, with nothing held and little undecided."""
        for shift in SHIFTS:
            self.end_shift(shift, "w1", forced=True, twice=False, takes=False)
        self.turn(SHIFTS[0], 100, 0)
        self.end_shift(SHIFTS[0], "w1", forced=True, twice=False, takes=False)
        return 100 + self.twins.before.next_seq

    def hold(self, shift: str, half: Half) -> None:
        """Take and read."""
        self.take(shift, None, half.policy, 100, half.prefer)
        self.load(shift)

    @rule(
        run=runs,
        chunk=chains,
        pair=st.permutations(SHIFTS),
        slow=halves,
        quick=halves,
        gap_ms=st.sampled_from([0, 1_001]),
        fault=faults,
        between=st.sampled_from(["nothing", "append", "lose", "lose", "lose and append"]),
    )
    def duel(
        self,
        run: str,
        chunk: list[Line | None],
        pair: list[str],
        *,
        slow: Half,
        quick: Half,
        gap_ms: int,
        fault: str | None,
        between: str,
    ) -> None:
        """One takes and stands still, another works, then the first commits what it decided."""
        day = 100 + self.twins.before.next_seq
        chunk = [line and line._replace(day=day) for line in chunk]
        early = self.remembered()
        self.append(run, chunk, opens=True, fault=None)
        self.hold(pair[0], slow)
        self.twins.server.clock.advance(gap_ms)
        late = self.remembered()
        self.hold(pair[1], quick)
        self.commit(pair[1], quick.limit, 0, quick.wish, None)
        if between.startswith("lose"):
            self.go_back(late if slow.prefer > quick.prefer else early)
        if between.endswith("append"):
            self.append(run, chunk[::-1], opens=True, fault=None)
        self.commit(pair[0], slow.limit, 1, slow.wish, fault)
        self.fail(pair[0], slow.limit, False, 0)

    @rule(
        pair=st.permutations(SHIFTS),
        parity=st.integers(0, 1),
        order=st.sampled_from(["park, wake", "settle, park", "park under a zombie"]),
        more=st.sampled_from(["before", "after", "no"]),
    )
    def chain(self, pair: list[str], parity: int, order: str, more: str) -> None:
        """Two partitions of one day's chain: one worker waits for what the other decides."""
        first, second = pair[0], pair[1]
        day, other = self.fresh(), 1 % self.partitions
        behind = [Line(other)]
        links = [Line(0, day, True), Line(other, day, True)]
        self.append("r1", links + behind * (more == "before"), opens=True, fault=None)
        if order == "park under a zombie":
            self.hold(first, Half("all", [], 100, []))
            self.twins.server.clock.advance(1_001)
        self.hold(second, Half("one", [1], 100, []))
        if order == "settle, park":
            self.hold(first, Half("all", [], 100, []))
            self.commit(first, 100, parity, ["auto"] * 4, None)
        self.commit(second, 100, parity, ["auto"] * 4, None)
        if more == "after":
            self.append("r1", list(behind), opens=True, fault=None)
        if order == "park, wake":
            self.hold(first, Half("all", [], 100, []))
        if order != "settle, park":
            self.commit(first, 2, parity, ["auto"] * 4, None)

    @rule(trio=st.permutations(SHIFTS), more=st.booleans())
    def decide_by_a_lost_future(self, trio: list[str], more: bool) -> None:
        """A quota used up in a future that is lost lets a zombie move a parked partition."""
        first, zombie, third = trio
        day, other = self.fresh(), 1 % self.partitions
        links: list[Line | None] = [Line(0, day, True)] * max(self.quota, 1)
        behind: list[Line | None] = [Line(other)]
        self.append("r1", [*links, Line(other, day, True), *behind * more], opens=True, fault=None)
        self.take(first, None, "one", 100, [0])
        self.take(zombie, None, "one", 100, [other])
        early = self.remembered()
        self.load(first)
        self.commit(first, 100, ALL, ["auto"] * 4, None)
        self.load(zombie)
        self.go_back(early)
        self.twins.server.clock.advance(1_001)
        self.hold(third, Half("one", [other], 100, []))
        self.commit(third, 100, 0, ["auto"] * 4, None)
        self.commit(zombie, 1, 0, ["auto"] * 4, None)

    @rule(shift=shifts, swap=st.booleans())
    def lose_a_head(self, shift: str, swap: bool) -> None:
        """A holder parks a head that was lost, where another one is now."""
        day, other = self.fresh(), 1 % self.partitions
        self.append("r1", [Line(other)], opens=True, fault=None)
        self.hold(shift, Half("one", [other], 100, []))
        self.commit(shift, 100, 0, ["keep"] * 4, None)
        early = self.remembered()
        links: list[Line | None] = [Line(0, day, True), Line(other, day, True)]
        self.append("r1", links, opens=True, fault=None)
        self.hold(shift, Half("one", [other], 100, []))
        self.go_back(early)
        self.append("r1", links[::-1] if swap else links, opens=True, fault=None)
        self.commit(shift, 100, 0, ["auto"] * 4, None)

    @rule(
        chunk=chains,
        shift=shifts,
        parity=st.integers(0, 1),
        goes_on=st.booleans(),
    )
    def relapse(self, chunk: list[Line | None], shift: str, parity: int, goes_on: bool) -> None:
        """A worker commits part of a chain and reads on; then the server loses that commit."""
        day, other = self.fresh(), 1 % self.partitions
        links: list[Line | None] = [Line(0, day, True), Line(other, day, True)]
        self.append("r1", links + chunk[:1], opens=True, fault=None)
        self.take(shift, None, "all", 100, [])
        early = self.remembered()
        self.load(shift)
        self.commit(shift, 1, parity, ["keep"] * 4, None)
        self.take(shift, None, "all", 100, [])
        self.load(shift)
        self.go_back(early)
        self.commit(shift, 100, parity, ["auto"] * 4, None)
        if goes_on:
            self.turn(shift, 100, parity)

    @rule(shift=shifts, wish=wishes, halts=rarely)
    def whole_turn(self, shift: str, wish: Wish, halts: bool) -> None:
        """Decide all that waits and step as wished; or the turn's own partition is halted first."""
        self.append(RUNS[0], [Line(0), Line(self.partitions - 1)], opens=True, fault=None)
        self.hold(shift, Half("all", [], 100, []))
        if halts:
            self.fail(shift, 1, fatal=True, off=0)
        self.commit(shift, 100, 0, [wish] * 4, None)

    @rule(shift=shifts, index=st.integers(0, 3), fatal=rarely, off=st.sampled_from([0, 0, 0, 1]))
    def fail(self, shift: str, index: int, fatal: bool, off: int) -> None:
        """The head of a partition held raised."""
        mine = self.fleet.shifts[shift]
        heads = [part for part in mine.held if part.entries]
        if heads:
            part = heads[index % len(heads)]
            mine.fail = FailRequest(
                shift,
                self.fleet.token(),
                part.partition,
                part.cursor + off,
                part.entries[0].id if index else "9-9",
                "it raised",
                fatal,
            )
        self.fail_again(mine)

    @rule(shift=shifts, index=st.integers(0, 1), for_good=st.booleans())
    def poison(self, shift: str, index: int, for_good: bool) -> None:
        """A head that raises: its answer is lost, it is taken again, and may raise again."""
        self.take(shift, None, "one", 1, [])
        self.fail(shift, index, False, 0)
        self.fail_again(self.fleet.shifts[shift])
        if for_good:
            self.take(shift, None, "one", 1, [])
            self.fail(shift, index, False, 0)

    def fail_again(self, mine: Shift) -> None:
        """Send the last report of a failure."""
        request = mine.fail
        if request is not None:
            self.twins.ask("fail", lambda ports: ports.fail(request))

    @rule(run=runs, field=st.sampled_from(FIELDS), later=st.booleans())
    def race_for_an_id(self, run: str, field: str, later: bool) -> None:
        """Two producers saw an id free; or one saw an owner that was lost with the tail."""
        early = self.remembered()
        self.append(run, [Line(0, field=field)], opens=True, fault=None)
        other = next(name for name in RUNS if name != run)
        if later:
            self.open(other, OWNERS[0], "produce")
            owners = dict(zip([field], self.twins.memory.ledger.read_ids([field]), strict=True))
            self.go_back(early)
            self.open(other, OWNERS[0], "produce")
            request = self.fleet.chunk(other, [Line(0, field=field)], owners)
            self.fleet.producers[other].last = request
            self.append_again(other, 1)
        else:
            self.append(other, [Line(0, field=field)], opens=True, fault="stale")
