"""The guards of the Lua scripts, each with the contract test that must fail without it.

The memory twins of these guards are the simulator's (`tests.simulation.guards`), and the twins are
held to each other by `tests/contract/twins`.
"""

from __future__ import annotations

from typing import Final

from tests.planted.judge import Edit, Guard

LUA: Final = "kernel/adapters/redis/lua"
COMMIT: Final = "contract/test_ports_commit.py::"
HOLES: Final = "contract/test_holes.py::"
INGRESS: Final = "contract/test_ports_ingress.py::"
TAIL: Final = "contract/test_ports_tail.py::"
REPLIES: Final = "contract/test_ports_replies.py::"
RESUME: Final = "contract/test_ports_resume.py::"
SHIFT: Final = "contract/test_ports_shift.py::"
TAKE: Final = "contract/test_ports_take.py::"
CLOSED: Final = f"{HOLES}test_a_hole_is_closed_on_both_twins"


def lua(name: str, script: str, guard: str, instead: str, test: str) -> Guard:
    """Name one guard in one script."""
    return Guard(name, (Edit(f"{LUA}/{script}.lua", guard, instead),), test)


APPEND: Final = (
    lua(
        "append: the run is its owner's",
        "append",
        " or not run[1] or string.match(run[1], '^%d+ (.*)$') ~= ARGV[4] then",
        " then",
        f"{INGRESS}test_only_the_owner_of_an_open_run_appends",
    ),
    lua(
        "append: run position",
        "append",
        "if position ~= tonumber(ARGV[6]) then",
        "if false then",
        f"{INGRESS}test_an_append_elsewhere_is_told_where_the_run_stands",
    ),
    lua(
        "append: the same again is told by its token",
        "append",
        "if run[4] == ARGV[5] and position",
        "if false and position",
        f"{INGRESS}test_the_same_append_again_is_told_apart_by_its_token",
    ),
    lua(
        "append: lines in flight are bounded",
        "append",
        "if in_flight > 0 and",
        "if false and",
        f"{INGRESS}test_lines_in_flight_are_bounded_until_the_collector_has_written_them",
    ),
    lua(
        "append: read set, who was free is free",
        "append",
        "if owners[i] then return {'CONFLICT'} end",
        "",
        f"{INGRESS}test_a_read_set_that_changed_is_a_conflict_and_nothing_is_written",
    ),
    lua(
        "append: nobody else appended since",
        "append",
        "ARGV[22] == ledger[3]",
        "true",
        f"{TAIL}test_an_id_that_somebody_else_claimed_since_is_a_conflict",
    ),
    lua(
        "append: read set, who was owned is owned by the same",
        "append",
        "if owners[i] ~= ARGV[first + n_owned + i - 1] then return {'CONFLICT'} end",
        "",
        f"{INGRESS}test_a_read_set_that_changed_is_a_conflict_and_nothing_is_written",
    ),
    lua(
        "append: rules digest",
        "append",
        "if ledger[1] ~= ARGV[10] then return {'RULES'} end",
        "",
        f"{INGRESS}test_an_append_by_other_rules_is_refused",
    ),
    lua(
        "append: predecessor from the ledger",
        "append",
        "last_before[day] = lasts[i] or '0'",
        "last_before[day] = '0'",
        f"{INGRESS}test_a_chain_goes_through_runs_partitions_and_chunks",
    ),
    lua(
        "append: the time in the entry id (hole 5)",
        "append",
        "tonumber(ledger[2]), ARGV[5] .. stamp",
        "tonumber(ledger[2]), ARGV[5] .. '0000000000'",
        CLOSED,
    ),
    lua(
        "finish: run position",
        "finish",
        "if run[1] ~= ARGV[5] then return {'REWOUND', run[1]} end",
        "",
        f"{INGRESS}test_finish_writes_the_line_count_once",
    ),
    lua(
        "open: the lease of another owner",
        "open",
        "if owner ~= ARGV[4] and not",
        "if false and not",
        f"{INGRESS}test_a_second_owner_waits_until_the_lease_ran_out",
    ),
    lua(
        "every script: incarnation",
        "shared",
        "return redis.call('HGET', KEYS[1], 'incarnation') ~= ARGV[1]",
        "return not redis.call('HGET', KEYS[1], 'incarnation')",
        "contract/test_on_the_server.py::test_a_ledger_made_anew_has_another_incarnation",
    ),
)
TAKES: Final = (
    lua(
        "take: leases that ran out (hole 9)",
        "take",
        "elseif expired(tonumber(deadline), lease_ms) then",
        "elseif false then",
        CLOSED,
    ),
    lua(
        "take: the shift's own partitions come back",
        "take",
        "    mine[#mine + 1] = lease[1]\n    leased",
        "    leased",
        f"{TAKE}test_a_take_returns_what_the_shift_holds_with_the_entries_at_hand",
    ),
    lua(
        "take: row limit",
        "take",
        "while rows < limit and taken < 1024 do",
        "while taken < 1024 do",
        f"{TAKE}test_entries_come_in_the_order_of_sequence_numbers_up_to_the_limit",
    ),
    lua(
        "take: rings for what it leaves ready",
        "take",
        "if #ready > #chosen and",
        "if false and",
        f"{TAKE}test_a_take_that_leaves_something_ready_asks_for_another_shift",
    ),
    lua(
        "take: a new shift ends the pending ring",
        "take",
        "if redis.call('ZADD', key('shifts'), now + shift_ms, shift) == 1 then "
        "redis.call('HDEL', KEYS[1], 'ring') end",
        "redis.call('ZADD', key('shifts'), now + shift_ms, shift)",
        f"{SHIFT}test_a_new_shift_takes_the_pending_ring_away",
    ),
    lua(
        "load: cursors of the same moment (hole 4)",
        "load",
        "cursors = redis.call('HMGET', key('parts'), unpack(cursors))",
        "for i = 1, n do cursors[i] = '0' end",
        CLOSED,
    ),
    lua(
        "load: skip notes",
        "load",
        "if asked[string.match(noted[i], '^(%d+):')] then",
        "if false then",
        f"{RESUME}test_a_note_is_read_by_those_who_hold_the_partition_and_goes_with_its_attempt",
    ),
    lua(
        "ring: one pending is enough",
        "shared",
        "if ring_pending(ring_ms) then return 0 end",
        "",
        f"{INGRESS}test_the_first_append_asks_for_a_shift_and_the_next_does_not",
    ),
    lua(
        "ring: pending only for a while",
        "shared",
        "return mark and not expired(tonumber(mark), ring_ms)",
        "return mark",
        f"{SHIFT}test_a_tick_rings_again_when_a_ring_was_lost",
    ),
    lua(
        "ring: a live shift gets a token on the bell",
        "shared",
        "redis.call('LPUSH', key('bell'), '1')",
        "",
        f"{SHIFT}test_a_live_shift_gets_a_token_on_the_bell_instead_of_a_ring",
    ),
    lua(
        "deadlines far ahead come from a clock that jumped",
        "shared",
        "return now >= deadline or deadline - now > 2 * length",
        "return now >= deadline",
        f"{SHIFT}test_deadlines_far_ahead_come_from_a_clock_that_jumped",
    ),
    lua(
        "end of a shift: what is ready is looked at again",
        "end_shift",
        "if ARGV[4] ~= '1' and",
        "if false and",
        f"{SHIFT}test_a_shift_goes_on_while_something_is_ready",
    ),
    lua(
        "end of a shift: frees what it holds",
        "end_shift",
        "if string.match(lease[2], '^%d+ (.*)$') == ARGV[3] then",
        "if false then",
        f"{SHIFT}test_a_shift_ended_by_force_frees_all_it_holds_and_rings",
    ),
    lua(
        "end of a shift: rings for what is ready",
        "end_shift",
        "{'ENDED', ring(tonumber(ARGV[5]), tonumber(ARGV[6]))}",
        "{'ENDED', 0}",
        f"{SHIFT}test_a_shift_ended_by_force_frees_all_it_holds_and_rings",
    ),
    lua(
        "tick: expired leases",
        "tick",
        "if expired(tonumber(deadline), lease_ms) then",
        "if false then",
        f"{SHIFT}test_a_tick_frees_a_lease_that_ran_out_and_removes_the_dead_shift",
    ),
    lua(
        "tick: ready but not listed",
        "tick",
        "if not in_list[text(p)] and",
        "if false and",
        f"{SHIFT}test_a_tick_lists_a_ready_partition_that_is_not_listed",
    ),
    lua(
        "tick: a lost bell",
        "tick",
        "if redis.call('LLEN', key('ready')) > 0 and live_shifts(shift_ms) == 0 then",
        "if false then",
        f"{SHIFT}test_a_tick_rings_again_when_a_ring_was_lost",
    ),
)
