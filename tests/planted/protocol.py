"""The checks of protocol.md beside those of a turn: runs and their ends, kinds, jobs.

Each with the test that must fail without it. Lives elsewhere: what a commit checks (`commits`), and
the positions of batches (`processes`).
"""

from __future__ import annotations

from typing import Final

from tests.planted.processes import SEALS, edit
from tests.planted.scripts import INGRESS, lua

FIELDS: Final = "unit/test_tampered_fields.py::"

PROTOCOL: Final = (
    lua(
        "open: a collector makes no run",
        "open",
        "if not run[1] and kind == 'collect' then return {'ABSENT'} end",
        "",
        f"{INGRESS}test_a_collector_does_not_create_a_run",
    ),
    lua(
        "finish: for the owner alone",
        "finish",
        "if not run[3] or string.match(run[3], '^%d+ (.*)$') ~= ARGV[4] then return {'CLOSED'} end",
        "",
        f"{INGRESS}test_finish_writes_the_line_count_once",
    ),
    lua(
        "finish: once",
        "finish",
        "if run[2] then return {run[2] == ARGV[5] and 'ALREADY' or 'CLOSED'} end",
        "",
        f"{INGRESS}test_finish_writes_the_line_count_once",
    ),
    lua(
        "append: not to a run that is finished",
        "append",
        "if not run[2] or run[3] or not run[1] or",
        "if not run[2] or not run[1] or",
        f"{INGRESS}test_only_the_owner_of_an_open_run_appends",
    ),
    edit(
        "seal: an answer is no batch",
        "kernel/engine/sealing.py",
        "if sealed[len(VERSION) : _ID_AT] != _KIND_CODES[kind]:",
        "if False:",
        f"{SEALS}test_an_answer_is_no_batch",
    ),
    edit(
        "seal: a producer answers only what failed to parse",
        "kernel/adapters/codec.py",
        "if not plain and any(code & ~DROPPED not in PARSE_REASONS for code in body.codes):",
        "if False:",
        f"{FIELDS}test_a_field_that_cannot_be_is_refused_under_a_good_seal_too",
    ),
    edit(
        "position: candidates and what the script wrote beside them match",
        "kernel/adapters/codec.py",
        "    if next(beside, None) is not None:\n",
        "    if False:\n",
        f"{FIELDS}test_what_stands_beside_a_seal_has_to_fit_it",
    ),
    edit(
        "jobs: nothing is called but the shift of this ledger",
        "kernel/adapters/redis/bell.py",
        "if not is_shift or not isinstance(self.args, list) or len(self.args) != 1:",
        "if not isinstance(self.args, list):",
        "integration/test_forged_jobs.py::test_forged_jobs_do_nothing_and_the_worker_works_on",
    ),
)
