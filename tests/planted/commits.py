"""The guards of the scripts commit, fail, resume and ack, each with the test that must fail."""

from __future__ import annotations

from typing import Final

from tests.planted.judge import Edit, Guard
from tests.planted.scripts import CLOSED, COMMIT, HOLES, LUA, REPLIES, RESUME, lua

ACTS: Final = "contract/test_ports_acts.py::"
UNFIT: Final = f"{COMMIT}test_one_unfit_partition_or_day_refuses_the_whole_commit"

COMMITS: Final = (
    lua(
        "commit: the same again is told by its token",
        "commit",
        "if already then return {'ALREADY'} end",
        "",
        f"{COMMIT}test_the_same_commit_again_is_told_apart_by_its_token",
    ),
    lua(
        "commit: halt token",
        "commit",
        "if m.state == 'halted' or m.now_halt ~= m.halt then return",
        "if m.state == 'halted' then return",
        f"{RESUME}test_hole_7_is_closed_on_both_twins",
    ),
    lua(
        "commit: a halted partition refuses, and so does its halt token",
        "commit",
        "if m.state == 'halted' or m.now_halt ~= m.halt then return {'HALTED'} end",
        "",
        UNFIT,
    ),
    lua(
        "commit: cursor",
        "commit",
        "if m.now_cursor ~= m.cursor then return {'BEHIND'} end",
        "",
        UNFIT,
    ),
    lua(
        "commit: the last entry decided from still exists",
        "commit",
        "if #redis.call('XRANGE', key('log:' .. m.p), m.entry, m.entry) == 0 then "
        "return {'REWOUND'} end",
        "",
        UNFIT,
    ),
    lua(
        "commit: compare on front (hole 3)",
        "commit",
        "if (got[i] or '0') ~= ARGV[at_days + 4 * (first + i - 2) + 1] then return {'REWOUND'} end",
        "",
        CLOSED,
    ),
    lua(
        "commit: rules digest",
        "commit",
        "if redis.call('HGET', KEYS[1], 'digest') ~= ARGV[6] then return {'RULES'} end",
        "",
        f"{COMMIT}test_the_checks_of_a_commit_have_an_order",
    ),
    lua(
        "commit: all or nothing (hole 2)",
        "commit",
        "for _, m in ipairs(moves) do\n"
        "  if m.now_cursor ~= m.cursor then return {'BEHIND'} end\nend",
        "local fit = {}\nfor _, m in ipairs(moves) do\n"
        "  if m.now_cursor == m.cursor then fit[#fit + 1] = m end\nend\nmoves = fit",
        CLOSED,
    ),
    Guard(
        "commit: frees a parked partition that it moves, and wakes by pred <= front (hole 1)",
        (
            Edit(f"{LUA}/commit.lua", "if m.state == 'parked' then free(m.p) end", ""),
            Edit(
                f"{LUA}/commit.lua",
                "if gate and opens(gate[1], gate[2], tonumber(pred), quota) then",
                "if gate and (gate[2] >= quota or tonumber(pred) == gate[1]) then",
            ),
        ),
        CLOSED,
    ),
    lua(
        "wake: at all",
        "commit",
        "if gate and opens(",
        "if false and opens(",
        f"{COMMIT}test_a_settled_day_wakes_all_who_wait_or_only_the_next",
    ),
    lua(
        "wake: everybody when the quota is used up",
        "shared",
        "return used >= quota or pred <= front",
        "return pred <= front",
        f"{COMMIT}test_a_settled_day_wakes_all_who_wait_or_only_the_next",
    ),
    lua(
        "wake: whose predecessor is settled",
        "shared",
        "return used >= quota or pred <= front",
        "return used >= quota",
        f"{COMMIT}test_a_settled_day_wakes_all_who_wait_or_only_the_next",
    ),
    lua(
        "next step: for the holder alone",
        "commit",
        "if lease and string.match(lease, '^%d+ (.*)$') == shift then",
        "if lease then",
        f"{COMMIT}test_a_commit_needs_no_lease",
    ),
    lua(
        "park: the gate is looked at again",
        "commit",
        "elseif opens(front, used, tonumber(ARGV[s + 3]), quota) then",
        "elseif false then",
        "contract/test_ports_states.py::test_a_partition_goes_where_the_table_says",
    ),
    lua(
        "park: cursor of the head",
        "commit",
        "if cursor ~= ARGV[s + 4] or",
        "if",
        f"{HOLES}test_a_park_names_the_cursor_too",
    ),
    lua(
        "park: entry of the head (hole 6)",
        "commit",
        " or head[1][1] ~= ARGV[s + 5] then",
        " then",
        CLOSED,
    ),
    lua(
        "release: the log is looked at",
        "shared",
        "if tonumber(f[2]) < tonumber(f[3]) then",
        "if false then",
        "contract/test_ports_states.py::test_a_partition_goes_where_the_table_says",
    ),
    lua(
        "commit: trims only what is decided to its end",
        "commit",
        "'MINID', text(tonumber(m.reach) + 1)",
        "'MINID', text(tonumber(m.reach) + 2)",
        "contract/test_ports_take.py::"
        "test_a_take_from_the_middle_of_an_entry_begins_with_that_entry",
    ),
    lua(
        "commit: the last line of a run in a partition is kept",
        "commit",
        "redis.call('HSET', key('run:' .. run .. ':decided'), unpack(ARGV, at + 1, at + total))",
        "",
        f"{COMMIT}test_a_commit_keeps_the_last_line_of_each_run_in_each_partition",
    ),
    lua(
        "commit: a note goes with its attempt",
        "commit",
        "if m.p == p and tonumber(position) < tonumber(m.reach) then",
        "if false then",
        f"{RESUME}test_a_note_is_read_by_those_who_hold_the_partition_and_goes_with_its_attempt",
    ),
)
HALTS: Final = (
    lua(
        "fail: for the holder alone",
        "fail",
        "if not lease or string.match(lease, '^%d+ (.*)$') ~= ARGV[3] then return {'LOST'} end",
        "",
        f"{COMMIT}test_only_the_holder_of_this_very_head_reports_a_failure",
    ),
    lua(
        "fail: cursor",
        "fail",
        "if f[2] ~= ARGV[6] then return {'BEHIND'} end",
        "",
        f"{COMMIT}test_only_the_holder_of_this_very_head_reports_a_failure",
    ),
    lua(
        "fail: entry",
        "fail",
        "if #redis.call('XRANGE', key('log:' .. p), ARGV[7], ARGV[7]) == 0 then "
        "return {'REWOUND'} end",
        "",
        f"{COMMIT}test_only_the_holder_of_this_very_head_reports_a_failure",
    ),
    lua(
        "fail: the second time, not the first",
        "fail",
        "if failures < 2 and",
        "if failures < 1 and",
        f"{COMMIT}test_a_failure_is_counted_at_its_cursor_and_the_second_one_halts",
    ),
    lua(
        "fail: failures elsewhere do not add up",
        "fail",
        "if cursor == ARGV[6] then",
        "if true then",
        f"{COMMIT}test_a_failure_elsewhere_counts_anew",
    ),
    lua(
        "resume: cursor",
        "resume",
        "if f[2] ~= ARGV[4] then return {'BEHIND'} end",
        "",
        f"{RESUME}test_what_is_not_halted_there_is_left_alone",
    ),
    lua(
        "resume: an act counts once",
        "resume",
        "if redis.call('ZSCORE', key('acts'), ARGV[5]) then return {'REPLAYED'} end",
        "",
        f"{ACTS}test_an_act_counts_once_and_for_a_while",
    ),
    lua(
        "resume: an act counts for a while",
        "resume",
        "if expired(until_ms, tonumber(ARGV[14])) then return {'STALE'} end",
        "",
        f"{ACTS}test_an_act_counts_once_and_for_a_while",
    ),
    lua(
        "skip: entry of the head",
        "resume",
        "head[1] ~= ARGV[12] or ",
        "",
        f"{RESUME}test_a_skip_is_of_the_attempt_that_was_looked_at",
    ),
    lua(
        "skip: no number before its batch",
        "resume",
        " or tonumber(ARGV[7]) < tonumber(head[2][4])",
        "",
        f"{RESUME}test_a_skip_is_of_the_attempt_that_was_looked_at",
    ),
    lua(
        "resume: new halt token",
        "resume",
        "p .. ':h', ARGV[5] .. stamp, ",
        "p .. ':h', '0', ",
        f"{RESUME}test_hole_7_is_closed_on_both_twins",
    ),
    lua(
        "resume: the same again is told by its token",
        "resume",
        "if f[4] == ARGV[5] then return {'ALREADY'} end",
        "",
        f"{RESUME}test_the_same_request_again_lets_nothing_go_on_twice",
    ),
    lua(
        "skip: a note, no move of cursor and front (hole 7)",
        "resume",
        "if skips then redis.call('HSET', key('notes'), p .. ':' .. ARGV[4], ARGV[15]) end",
        "if skips then redis.call('HSET', parts, p .. ':c', tonumber(ARGV[4]) + 1) "
        "redis.call('HSET', key('front'), '1', ARGV[7]) end",
        f"{RESUME}test_hole_7_is_closed_on_both_twins",
    ),
    lua(
        "ack: an entry that is gone acknowledges nothing (ack floor)",
        "ack",
        "if #redis.call('XRANGE', run_key .. ':replies', ARGV[5], ARGV[5]) == 0 then "
        "return {'REWOUND'} end",
        "",
        f"{REPLIES}test_an_ack_of_an_entry_that_is_gone_is_refused",
    ),
    lua(
        "leave: for the owner alone",
        "leave",
        "if not lease or string.match(lease, '^%d+ (.*)$') ~= ARGV[4] then return {'CLOSED'} end",
        "",
        "contract/test_ports_leave.py::test_a_lease_given_back_is_free_at_once",
    ),
    lua(
        "ack: keeps the entry named",
        "ack",
        "'MINID', ARGV[5])",
        "'MINID', '99999')",
        f"{REPLIES}test_an_ack_trims_below_the_entry_and_keeps_it",
    ),
    lua(
        "ack: what is written never becomes less",
        "ack",
        "if tonumber(ARGV[6]) > tonumber(written) then",
        "if true then",
        f"{REPLIES}test_what_is_written_never_becomes_less",
    ),
    lua(
        "ack: for the collector that has the lease",
        "ack",
        "if not lease or string.match(lease, '^%d+ (.*)$') ~= ARGV[4] then return {'CLOSED'} end",
        "",
        f"{REPLIES}test_only_the_collector_that_has_the_lease_acknowledges",
    ),
)
