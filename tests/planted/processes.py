"""The guards outside the scripts: seals, positions, digests, the collector's file.

Each with the test that must fail without it. And the guards on which safety does not rest, with the
reason why nothing is expected to fail without them.
"""

from __future__ import annotations

from typing import Final

from tests.planted.judge import Edit, Guard

CODEC: Final = "kernel/adapters/codec.py"
BATCHES: Final = (
    "integration/test_tampered.py::test_a_batch_that_cannot_be_trusted_halts_its_partition"
)
ANSWERS: Final = (
    "integration/test_tampered.py::test_a_reply_that_cannot_be_trusted_ends_the_collector"
)
SEALS: Final = "unit/engine/test_sealing.py::"
CHECKPOINTS: Final = "unit/files/test_checkpoint.py::"


def edit(name: str, path: str, guard: str, instead: str, test: str) -> Guard:
    """Name one guard in one file."""
    return Guard(name, (Edit(path, guard, instead),), test)


PROCESSES: Final = (
    edit(
        "seal: the MAC",
        "kernel/engine/sealing.py",
        "if not hmac.compare_digest(mac, sealed[_MAC_AT:_BODY_AT]):",
        "if len(mac) != _BODY_AT - _MAC_AT:",
        f"{SEALS}test_a_bit_changed_anywhere_breaks_the_seal",
    ),
    edit(
        "seal: ledger and incarnation in the key",
        "kernel/engine/sealing.py",
        'f"fundload {kind} {ledger} {incarnation}"',
        'f"fundload {kind}"',
        f"{SEALS}test_what_another_ledger_sealed_is_refused",
    ),
    edit(
        "note: sealed for the attempt it lies at",
        "consumers/notes.py",
        "or (act.partition, act.position, act.seq, act.entry) != place:",
        "or not place:",
        "unit/consumers/test_notes.py::"
        "test_a_note_that_no_operator_wrote_there_skips_nothing_and_halts",
    ),
    edit(
        "keys: a file that others may use",
        "kernel/adapters/files/keyfile.py",
        "if mode & (stat.S_IRWXG | stat.S_IRWXO):",
        "if not mode:",
        "unit/files/test_keyfile.py::test_a_file_that_others_may_use_is_refused",
    ),
    edit(
        "keys: read again on an unknown id",
        "kernel/engine/sealing.py",
        "self._adopt(self._source.read_again())",
        "self._adopt(self._source.ring())",
        "unit/files/test_keyfile.py::test_whoever_opens_finds_the_new_key_at_once",
    ),
    edit(
        "keys: those that the ledger was made with",
        "kernel/runtime/ledger_keys.py",
        "if record.key_id not in given.ids:",
        "if not given.ids:",
        "integration/test_keys.py::"
        "test_a_ledger_is_worked_on_with_the_keys_it_was_made_with_or_not_at_all",
    ),
    edit(
        "position: a batch lies in its own partition",
        CODEC,
        "if body.partition != partition or body.digest != self._digest:",
        "if body.digest != self._digest:",
        BATCHES,
    ),
    edit(
        "position: an entry is filed under its own token",
        CODEC,
        "if written[:-STAMP_DIGITS] != str(token):",
        "if not written:",
        ANSWERS,
    ),
    edit(
        "position: answers lie on their own run's channel",
        CODEC,
        "if body.run != run:",
        "if not run:",
        ANSWERS,
    ),
    edit(
        "position: a batch comes once to a turn",
        "consumers/positions.py",
        "if batch.lines[start] <= last.get(batch.run, 0):",
        "if False:",
        "unit/consumers/test_repeated.py::"
        "test_batches_that_changed_places_halt_where_a_run_goes_back",
    ),
    edit(
        "position: what was decided does not come again",
        "consumers/positions.py",
        "if line <= decided.get((run, partition), 0)",
        "if False",
        "unit/consumers/test_repeated.py::"
        "test_a_batch_copied_when_all_was_decided_halts_the_partition_too",
    ),
    edit(
        "turn: the prefix is committed before the partition halts",
        "consumers/turn.py",
        "reach = {} if decided is None else decided.reach",
        "reach = {} if decided is None or decided.raised else decided.reach",
        "unit/consumers/test_poison.py::"
        "test_the_prefix_is_committed_and_the_second_time_the_partition_halts",
    ),
    edit(
        "turn: what raises keeps its partition",
        "consumers/turn.py",
        "elif decided is not None and partition in decided.raised:",
        "elif False:",
        "unit/consumers/test_poison.py::"
        "test_what_raises_keeps_its_partition_although_it_is_over_the_share",
    ),
    edit(
        "decide: a skipped candidate settles in its turn",
        "kernel/domain/decide.py",
        "if seq in skipped:",
        "if False:",
        "unit/domain/test_decide_gates.py::"
        "test_a_skipped_candidate_settles_without_using_the_quota",
    ),
    edit(
        "decide: the gate",
        "kernel/domain/gate.py",
        "return gate.used >= quota or gate.front == pred",
        "return True",
        "unit/domain/test_decide_gates.py::test_a_candidate_waits_for_the_one_before_it",
    ),
    edit(
        "input: running digest",
        "kernel/adapters/files/source.py",
        "if self._digest.hexdigest() != digest:",
        "if not digest:",
        "unit/files/test_source_refused.py::test_an_edited_input_is_refused",
    ),
    edit(
        "collector: an answer comes again as it was",
        "kernel/ledger/order.py",
        "if before != code:",
        "if False:",
        "unit/ledger/test_order.py::test_another_answer_to_the_same_line_is_an_integrity_error",
    ),
    edit(
        "collector: no line further ahead than can be in flight",
        "kernel/ledger/order.py",
        "if lowest < 1 or highest - self.next_line >= self._ahead_lines_max:",
        "if lowest < 1:",
        "unit/ledger/test_order.py::test_a_line_too_far_ahead_is_refused_before_it_takes_memory",
    ),
    edit(
        "collector: begins only where nothing was acknowledged before",
        "consumers/collector.py",
        "if is_trimmed and output.lines < view.written:",
        "if False:",
        "integration/test_collected_before.py::test_a_run_whose_answers_are_trimmed_is_not_waited_for",
    ),
    edit(
        "output: what is behind the last checkpoint is cut off",
        "kernel/adapters/files/partial.py",
        "os.ftruncate(self._descriptor, self.offset)",
        "self.offset = self.found_bytes",
        f"{CHECKPOINTS}test_a_resume_goes_on_behind_the_last_checkpoint",
    ),
    edit(
        "output: an existing file is left alone",
        "kernel/adapters/files/partial.py",
        "        check_place(self.path, force=self._force)\n",
        "",
        "unit/files/test_output_refused.py::test_an_output_that_appeared_meanwhile_is_not_replaced",
    ),
    edit(
        "checkpoint: a torn slot counts as none",
        "kernel/adapters/files/checkpoint.py",
        "if magic != MAGIC or seal != zlib.crc32(fields):",
        "if magic != MAGIC:",
        f"{CHECKPOINTS}test_a_torn_slot_leaves_the_one_before_it",
    ),
    edit(
        "checkpoint: check sum of the codes",
        "kernel/adapters/files/checkpoint.py",
        "if len(codes) != mark.lines or zlib.crc32(codes) != crc:",
        "if len(codes) != mark.lines:",
        f"{CHECKPOINTS}test_codes_that_were_changed_are_an_integrity_error",
    ),
    edit(
        "checkpoint: of this ledger and this run",
        "kernel/adapters/files/checkpoint.py",
        "if identity != self._identity:",
        "if not identity:",
        f"{CHECKPOINTS}test_another_run_does_not_go_on_with_our_file",
    ),
    edit(
        "checkpoint: one writer",
        "kernel/adapters/files/checkpoint.py",
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.LOCK_EX",
        "unit/files/test_output_refused.py::test_two_processes_cannot_write_one_output",
    ),
    edit(
        "bundle: this very incarnation",
        "kernel/runtime/bootstrap.py",
        "if record.incarnation != bundle.incarnation:",
        "if not record.incarnation:",
        "integration/test_supervise.py::"
        "test_a_worker_that_finds_another_ledger_under_the_name_ends_with_5",
    ),
    edit(
        "shift: told to stop, it gives back what it holds",
        "consumers/shift.py",
        "return self._end(shift, forced=True)",
        "return True",
        "integration/test_supervise.py::"
        "test_a_worker_told_to_stop_gives_back_at_once_what_status_shows_it_to_hold",
    ),
    edit(
        "turn: who is left behind halts nothing",
        "consumers/turn.py",
        "        batch = merged(slices, self._settings.turn_attempts_max)\n",
        "        for part, error in broken:\n"
        "            self._fail(shift, part, part.entries[0].id, error, fatal=True)\n"
        "        batch = merged(slices, self._settings.turn_attempts_max)\n",
        "integration/test_two_versions.py::"
        "test_who_is_left_behind_by_the_ledger_ends_and_halts_nothing",
    ),
)

#: Guards that may be taken out, and nothing is answered otherwise for it.
NOT_NEEDED: Final = (
    (
        "wake: pred <= front, not only pred = front",
        "the freeing of a parked partition that a zombie moves covers for it; both out: hole 1",
    ),
    (
        "commit: frees a parked partition that it moves",
        "the wake rule covers for it; both out: hole 1",
    ),
    (
        "merge by sequence number",
        "the chain alone keeps decisions right; the order saves blocked turns",
    ),
    (
        "a gate is written only where something was settled",
        "the compare on front refuses it; both out are caught by the compare's own row",
    ),
    (
        "tick: a dead shift is removed",
        "whether a shift lives is told by its deadline; removal is tidying",
    ),
    (
        "tick: at most once a second",
        "a repair made twice changes nothing; it saves work",
    ),
    (
        "collector: reads again when its floor is gone",
        "a lost tail takes the connection along, and after an error it reads again anyway",
    ),
    (
        "commit: the answer ALREADY",
        "BEHIND is as right: whoever is refused takes again; it saves that turn",
    ),
)
