"""What an operator may look at and do where a partition stands still.

Here: reading a partition's head with the ledger's key, letting it go on, giving its head up. Not
here: the options and the words around them (`partition_commands.py`), and how a skipped attempt is
decided.

1. What is shown of an attempt is its run, line and number: no amount, no id, no customer.
2. Every act is audited by the script that does it, with who and when; a skip with its reason too.
   It is sealed: a worker that is to skip opens it, and so does whoever shows the audit.
3. A skip names the number of the head that was looked at, and its entry, so that nobody skips
   another by mistake.
"""

from __future__ import annotations

import getpass
import os
import socket
from datetime import date
from random import Random
from typing import NamedTuple

from consumers.operate import look, moment, place, why_still
from consumers.positions import again
from kernel.adapters.acts import opened_act, request_of
from kernel.adapters.redis.bell import RqBell
from kernel.adapters.redis.halts import read_audit, read_head, read_last_line, read_now_ms
from kernel.adapters.redis.ledger import find
from kernel.domain.batch import CANDIDATE
from kernel.engine.sealing import Seals
from kernel.errors import IntegrityError, Refused, UsageError, WrongPosition
from kernel.ledger.halts import AuditEntry, SkipNote
from kernel.ledger.ports import gone
from kernel.ledger.status import LedgerView, PartitionView
from kernel.ledger.units import TOKEN_BITS
from kernel.runtime.build import Attachment, attached, reached
from kernel.runtime.ledger_keys import given_keys
from kernel.runtime.patience import SystemClock, patiently
from kernel.runtime.verbs import say

#: Acts shown of a partition, the last ones.
ACTS_SHOWN = 5


class Head(NamedTuple):
    """The first undecided attempt: where it comes from, and the day whose gate it settles."""

    run: str
    line: int
    seq: int
    settles: date | None
    entry: str


class Looked(NamedTuple):
    """A partition as it was looked at; `broken` says why its head cannot be read."""

    hold: Attachment
    view: LedgerView
    part: PartitionView
    head: Head | None
    broken: str
    acts: tuple[AuditEntry, ...]


def look_at(redis_url: str, ledger: str, partition: int, keys_path: str | None) -> Looked:
    """Look at one partition, its head opened with the ledger's key.

    Raises:
        UsageError: there is no such ledger, or no such partition.
        KeyFileUnusable, KeysDiffer, Refused: the ledger's keys are not to be had like this.
        StoreUnavailable: the server does not answer.
    """
    given = given_keys(keys_path, say)
    view = look(redis_url, ledger)
    if not 0 <= partition < len(view.partitions):
        raise UsageError(
            f"ledger {ledger} has the partitions 0 to {len(view.partitions) - 1}, not {partition}"
        )
    client = reached(redis_url)
    record = find(client, ledger)
    if record is None:
        raise gone(f"ledger {ledger}")
    hold = attached(redis_url, ledger, client, record, given)
    part = view.partitions[partition]
    head, broken = None, ""
    try:
        head = head_of(hold, part)
    except IntegrityError as error:
        broken = f"{type(error).__name__}: {error}"
    acts = [act for act in read_audit(hold.ledger.attached) if act.partition == partition]
    return Looked(hold, view, part, head, broken, tuple(acts[-ACTS_SHOWN:]))


def head_of(hold: Attachment, part: PartitionView) -> Head | None:
    """Open a partition's first undecided attempt; None where everything is decided.

    Raises:
        SealBroken, WrongPosition: it is not what a producer of this ledger wrote there.
    """
    entry = read_head(hold.ledger.attached, partition=part.partition, cursor=part.cursor)
    if entry is None:
        return None
    batch = hold.codec.logged(part.partition, entry)
    index = part.cursor - (entry.end - len(batch.seqs))
    if not 0 <= index < len(batch.seqs):
        raise WrongPosition("an entry does not begin where the one before it ended")
    line = batch.lines[index]
    last = read_last_line(hold.ledger.attached, partition=part.partition, run=batch.run)
    if line <= last:
        raise again(batch.run, line, last)
    settles = date.fromordinal(batch.days[index]) if batch.flags[index] & CANDIDATE else None
    return Head(batch.run, line, batch.seqs[index], settles, entry.id)


def as_text(looked: Looked) -> str:
    """Return what `partition show` prints."""
    part, head = looked.part, looked.head
    out = [f"{place(part)} of ledger {looked.hold.name}: {_state(looked)}"]
    if looked.broken:
        is_moved = looked.broken.startswith(WrongPosition.__name__)
        out.append(f"  head   cannot be read; {looked.broken}")
        what = "place  is wrong" if is_moved else "seal   does not hold"
        out.append(f"  {what}, so nothing of this batch is ever decided")
    elif head is not None:
        out.append(f"  head   line {head.line} of run {head.run}, number {head.seq}")
        out.append("  seal   holds")
        if head.settles is not None:
            out.append(f"  gate   later primes of {head.settles} wait until it is decided")
    for act in looked.acts:
        doubt = "" if is_own(act, looked.hold.codec.seals) else "; NOT SEALED by an operator"
        out.append(f"  {moment(act.at_ms)}  {act_text(act)}{doubt}")
    return "\n".join(out)


def _state(looked: Looked) -> str:
    part = looked.part
    if part.state in ("parked", "halted"):
        return why_still(looked.view, part)
    return part.state


def act_text(act: AuditEntry) -> str:
    """Say what an operator did."""
    ended = f"ended a halt at {act.position} ({act.halted})"
    if act.what == "skip":
        return f"{act.who} skipped number {act.seq}, {act.reason!r}, and {ended}"
    return f"{act.who} {ended}"


def is_own(entry: AuditEntry, seals: Seals) -> bool:
    """Tell whether who had the ledger's keys did just what the audit says."""
    try:
        act = opened_act(seals, entry.sealed)
    except IntegrityError:
        return False
    said = (entry.what, entry.partition, entry.position, entry.seq, entry.who, entry.reason)
    return said == (act.what, act.partition, act.position, act.seq, act.who, act.reason)


def resume(looked: Looked, *, rng: Random, note: SkipNote | None = None) -> None:
    """Let a partition go on where it was halted when it was looked at, and ring.

    Raises:
        Refused: it is not halted, or not there any more, or before another attempt.
        LedgerGone, StoreUnavailable: as they say.
    """
    hold, part = looked.hold, looked.part
    clock, store = SystemClock(), hold.ledger.attached
    token, who = rng.getrandbits(TOKEN_BITS) | 1, operator()
    asked_ms = patiently(clock, lambda: read_now_ms(store))
    place = part.partition, part.cursor
    request = request_of(hold.codec.seals, place, token, who, note, asked_ms)
    answer = patiently(clock, lambda: hold.ledger.resume(request))
    if answer.status == "GONE":
        raise gone(f"ledger {hold.name}")
    if answer.status == "NOT_HALTED":
        raise Refused(f"partition {part.partition} is not halted, so there is nothing to resume")
    if answer.status in ("STALE", "REPLAYED"):
        raise Refused(
            f"this was asked for before, or too long ago ({answer.status}), so nothing was done; "
            "look again with `fundload partition show`"
        )
    if answer.status in ("BEHIND", "OTHER_HEAD"):
        raise Refused(
            f"partition {part.partition} is halted elsewhere by now; look again with "
            "`fundload partition show`"
        )
    if answer.ring:
        RqBell(hold.client, hold.ledger.attached).ring()


def skip(looked: Looked, *, seq: int, reason: str, rng: Random) -> None:
    """Give the head of a halted partition up, and let the partition go on.

    Raises:
        Refused: it is not halted, or its head is another one, or cannot be read.
        LedgerGone, StoreUnavailable: as they say.
    """
    partition = looked.part.partition
    if looked.part.state != "halted":
        raise Refused(f"partition {partition} is not halted, so there is nothing to skip")
    if looked.head is None:
        raise Refused(
            f"the head of partition {partition} cannot be read ({looked.broken or 'it is gone'}), "
            "so it has no number to skip; put its log back as it was written, and resume"
        )
    if looked.head.seq != seq:
        raise Refused(
            f"the head of partition {partition} is number {looked.head.seq}, not {seq}; only the "
            "head can be skipped"
        )
    resume(looked, rng=rng, note=SkipNote(seq, reason, looked.head.entry))


def operator() -> str:
    """Return who acts, for the audit: user and host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        user = f"uid-{os.getuid()}"
    name = f"{user}@{socket.gethostname()}"
    return "".join(c if c.isprintable() else "?" for c in name)[:100]
