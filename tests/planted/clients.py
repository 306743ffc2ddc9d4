"""The guards around keys, waits, clients and the disk, each with the test that must fail.

Lives here: what processes other than the workers rest on: who waits for a run, who submits one
attempt at a time, who changes keys, who asks for a disk. Lives elsewhere: seals, positions and the
collector's file (`processes`), and the scripts of the ledger itself (`scripts`, `commits`).
"""

from __future__ import annotations

from typing import Final

from tests.planted.judge import Guard
from tests.planted.processes import edit
from tests.planted.scripts import lua

KEYFILE: Final = "kernel/adapters/files/keyfile.py"
KEY_TESTS: Final = "unit/files/test_keyfile.py::"
OUTCOMES: Final = "contract/test_ports_outcomes.py::"
ON_SERVER: Final = "contract/test_outcomes_on_the_server.py::"
BOOK: Final = "producer/submissions.py"
BOOK_TESTS: Final = "unit/producer/test_submissions.py::"
DECISION_TESTS: Final = "unit/producer/test_decision.py::"

WAITS: Final = (
    lua(
        "outcome: the first one counts",
        "conclude",
        "if redis.call('ZSCORE', key('flights'), ARGV[3]) then",
        "if redis.call('ZSCORE', key('flights'), ARGV[3]) or "
        "redis.call('HEXISTS', key('outcomes'), ARGV[3]) == 1 then",
        f"{OUTCOMES}test_the_first_outcome_stays_whatever_comes_behind_it",
    ),
    lua(
        "outcome: of what is waited for alone",
        "conclude",
        "if redis.call('ZSCORE', key('flights'), ARGV[3]) then",
        "if true then",
        f"{OUTCOMES}test_an_answer_nobody_waits_for_is_late_and_leaves_nothing",
    ),
    lua(
        "wait: one for an id",
        "register",
        "if redis.call('ZSCORE', key('flights'), ARGV[3]) then return {'IN_FLIGHT'} end",
        "",
        f"{OUTCOMES}test_an_id_in_flight_is_refused_and_one_with_an_outcome_begins_anew",
    ),
    lua(
        "wait: what an earlier one came to is forgotten",
        "register",
        "redis.call('HDEL', key('outcomes'), ARGV[3])",
        "",
        f"{OUTCOMES}test_an_id_in_flight_is_refused_and_one_with_an_outcome_begins_anew",
    ),
    lua(
        "wait: not over before its deadline",
        "expire",
        "'-inf', now, 'LIMIT'",
        "'-inf', '+inf', 'LIMIT'",
        f"{OUTCOMES}test_what_is_due_expires_at_its_deadline_and_not_before",
    ),
    edit(
        "wait: on this very ledger",
        "kernel/adapters/redis/outcomes.py",
        "if incarnation is None or incarnation.decode() != ledger.record.incarnation:",
        "if False:",
        f"{ON_SERVER}test_waits_on_a_ledger_that_is_gone_say_so",
    ),
    edit(
        "wait: a client's run is over when all is answered",
        "consumers/await_run.py",
        "(is_complete(view) or self._is_told(view))",
        "is_complete(view)",
        "integration/test_submit.py::"
        "test_the_verb_prints_a_row_for_each_attempt_and_exits_as_documented",
    ),
    edit(
        "run: whoever ends it says so to those who wait",
        "kernel/runtime/run_wait.py",
        "return not is_told or self._tell(",
        "return True or self._tell(",
        "integration/test_wait.py::"
        "test_a_run_that_was_stopped_is_told_with_its_signal_until_it_is_gone_on_with",
    ),
)
CLIENTS: Final = (
    edit(
        "client: a number is the next one or one that was given",
        BOOK,
        "if not 0 < number <= following:",
        "if number <= 0:",
        f"{BOOK_TESTS}test_only_the_next_number_and_those_that_are_kept_are_taken",
    ),
    edit(
        "client: a number that was given is not appended again",
        BOOK,
        "            if is_new:\n                self._last = number\n",
        "            if True:\n                self._last = number\n",
        f"{BOOK_TESTS}test_a_wait_that_ended_leaves_the_attempt_where_it_is",
    ),
    edit(
        "client: what is answered is not waited for again",
        BOOK,
        "            if self.kept.get(number) is not None:\n                return Ticket(",
        "            if False:\n                return Ticket(",
        f"{BOOK_TESTS}test_a_number_that_was_answered_is_not_decided_again",
    ),
    edit(
        "client: an answer that is not kept any more is said to be so",
        BOOK,
        "            if number <= self.kept.done:\n"
        "                raise self._not_kept(number)\n"
        "            self._wait_for(",
        "            self._wait_for(",
        f"{BOOK_TESTS}test_only_the_next_number_and_those_that_are_kept_are_taken",
    ),
    edit(
        "client: answers are to what was submitted",
        BOOK,
        "if not 0 < number <= self._last:",
        "if number <= 0:",
        f"{BOOK_TESTS}test_an_answer_to_what_was_never_submitted_is_refused",
    ),
    edit(
        "client: an answer comes again as it was",
        "producer/kept.py",
        "            check_same(line, before, code)\n",
        "",
        f"{BOOK_TESTS}test_an_answer_that_comes_again_otherwise_ends_the_client",
    ),
    edit(
        "client: no run that an input feeds",
        BOOK,
        "if digest != SUBMITTED:",
        "if not digest:",
        f"{BOOK_TESTS}test_a_run_that_an_input_feeds_takes_no_submission",
    ),
    edit(
        "client: goes back only to what it holds",
        BOOK,
        "            if self._taken:\n",
        "            if False:\n",
        f"{BOOK_TESTS}test_a_client_that_does_not_hold_what_was_lost_says_so",
    ),
    edit(
        "client: acknowledged is what nobody can ask for",
        "producer/answers.py",
        "settled = kept.done if is_tight else kept.settled",
        "settled = kept.done",
        f"{BOOK_TESTS}test_the_next_client_on_a_run_goes_on_behind_the_one_that_died",
    ),
    edit(
        "client: under a number the same attempt",
        "producer/decision.py",
        "return is_owner != (reason is Reason.ID_DUPLICATE_CONFLICT)",
        "return True",
        f"{DECISION_TESTS}test_an_answer_is_compared_with_what_the_registry_knows",
    ),
    edit(
        "client: ends with its ledger though nobody submits",
        "producer/submit.py",
        "            look()\n",
        "",
        "integration/test_refused_by_the_server.py::"
        "test_everybody_ends_when_the_server_was_flushed",
    ),
)
DISKS: Final = (
    edit(
        "strict: no row before its barrier",
        "consumers/collector.py",
        "        if replies:\n            self._settle()\n",
        "",
        "integration/test_durability.py::test_what_a_crash_leaves_holds_every_row_that_was_written",
    ),
    edit(
        "strict: as many replicas as were asked for",
        "kernel/adapters/redis/durable.py",
        "return own >= 1 and others >= self._replicas",
        "return own >= 1",
        "contract/test_barrier.py::test_a_replica_that_is_not_there_is_not_settled",
    ),
    edit(
        "strict: on the connection that the replies came over",
        "kernel/adapters/redis/replies.py",
        "    if ledger.reads_on not in (0, connects_of(ledger.client)):\n"
        "        raise StoreUnavailable(MADE_ANEW)\n"
        '    return "SETTLED"',
        '    return "SETTLED"',
        "contract/test_barrier.py::"
        "test_a_barrier_on_another_connection_says_nothing_about_what_was_read",
    ),
)
RINGS: Final = (
    edit(
        "keys: the newest one signs",
        "kernel/engine/sealing.py",
        "newest = key_id(ring[-1])",
        "newest = key_id(ring[0])",
        f"{KEY_TESTS}test_whoever_seals_notices_at_the_next_look",
    ),
    edit(
        "keys: the one that signs is not retired",
        KEYFILE,
        "if name == keys[-1].id:",
        "if False:",
        f"{KEY_TESTS}test_a_rotated_file_has_one_key_more_and_a_retired_one_a_secret_less",
    ),
    edit(
        "keys: an id is that of its secret",
        KEYFILE,
        "if key.secret is not None and key_id(key.master).hex() != key.id:",
        "if False:",
        f"{KEY_TESTS}test_what_is_not_of_the_form_is_refused_and_not_shown",
    ),
    edit(
        "keys: one change at a time",
        KEYFILE,
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE",
        "os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, MODE",
        f"{KEY_TESTS}test_a_change_that_is_under_way_or_was_broken_off_is_not_run_over",
    ),
    edit(
        "keys: a changed file stays its owner's",
        KEYFILE,
        "                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))\n",
        "",
        f"{KEY_TESTS}test_a_file_that_is_changed_stays_its_owners",
    ),
    edit(
        "keys: a file that went bad leaves those that are known",
        KEYFILE,
        "except (OSError, KeyFileUnusable) as error:\n                if",
        "except ZeroDivisionError as error:\n                if",
        f"{KEY_TESTS}test_a_file_that_went_bad_is_said_once_and_the_known_keys_go_on",
    ),
    edit(
        "signal: one that was lost comes again",
        "kernel/runtime/cli.py",
        "    sys.unraisablehook = tell_again\n",
        "",
        "unit/test_cli.py::test_a_signal_that_comes_while_an_object_is_finalized_is_not_lost",
    ),
)
OTHERS: Final[tuple[Guard, ...]] = (*WAITS, *CLIENTS, *DISKS, *RINGS)
