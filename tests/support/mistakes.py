"""Mistakes that are easy to make and that the public reference outputs do not notice.

Lives here: each mistake as a change of text in a copy of `kernel/`, and how a copy with it is made.
Lives elsewhere: the comparison that must catch it (`verdict`). Why text: a mistake made in the very
line that carries the rule proves that the comparison guards this line, which no mock could.

1. A change must find its old text exactly once; else the program has moved, and the list follows.
2. The first nine names are those the reference data's description lists; more may be added behind.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, NamedTuple

PROJECT: Final = Path(__file__).resolve().parents[2]
_DECIDE: Final = "domain/decide.py"
_BODY: Final = " " * 16


class Change(NamedTuple):
    """Replace one text by another in one file of `kernel/`."""

    path: str
    old: str
    new: str


MISTAKES: Final[dict[str, Change]] = {
    "at the limit counts as above it": Change(
        _DECIDE, "elif day_sum > daily_max:", "elif day_sum >= daily_max:"
    ),
    "weeks start on Sunday": Change(
        "domain/windows.py", "(day - 1 - week_start) % DAYS", "(day - week_start) % DAYS"
    ),
    "no weekly limit": Change(_DECIDE, "elif week_sum > weekly_max:", "elif False:"),
    "no attempt limit": Change(_DECIDE, "if attempts > attempts_max:", "if False:"),
    "only accepted attempts count": Change(
        _DECIDE, "if counts_all or code == _ACCEPTED:", "if code == _ACCEPTED:"
    ),
    "duplicates count as attempts": Change(
        _DECIDE,
        f"{_BODY}code = duplicate_codes[flag & CLASS]\n",
        f"{_BODY}code = duplicate_codes[flag & CLASS]\n"
        f"{_BODY}changed, old, _, attempts_at = day_views[day]\n"
        f"{_BODY}record = changed.get(customer) or old.get(customer) or fresh()\n"
        f"{_BODY}record[attempts_at] += 1\n"
        f"{_BODY}changed[customer] = record\n",
    ),
    "no prime cap": Change(_DECIDE, "elif flag & prime and amount > cap:", "elif False:"),
    "the cap looks at the raw amount": Change(
        _DECIDE, "flag & prime and amount > cap:", "flag & prime and batch.cents[index] > cap:"
    ),
    "raw amounts are summed": Change(
        _DECIDE,
        "record[day_at], record[WEEK_SUM] = day_sum, week_sum\n",
        "record[day_at] += batch.cents[index]\n"
        f"{_BODY}    record[WEEK_SUM] += batch.cents[index]\n",
    ),
    # Beyond the nine: the same slips at the other rules, and the ones next to them.
    "at the weekly limit counts as above it": Change(
        _DECIDE, "elif week_sum > weekly_max:", "elif week_sum >= weekly_max:"
    ),
    "at the attempt limit counts as above it": Change(
        _DECIDE, "if attempts > attempts_max:", "if attempts >= attempts_max:"
    ),
    "at the cap counts as above it": Change(_DECIDE, "amount > cap:", "amount >= cap:"),
    "a declined prime uses the slot": Change(
        "domain/decide.py", "gate.used + (code == _ACCEPTED)", "gate.used + 1"
    ),
    "halves are rounded up": Change(
        "domain/features.py", "(rest == _HALF and whole & 1)", "rest == _HALF"
    ),
    "a conflict is taken for a replay": Change(
        "domain/identity.py",
        "REPLAY if first == fingerprint else CONFLICT",
        "REPLAY if first is not None else CONFLICT",
    ),
}
NINE: Final = tuple(MISTAKES)[:9]


def copy_of_kernel(folder: Path, change: Change | None = None) -> Path:
    """Copy `kernel/` into a folder, with a change made in it, and give the folder."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "kernel", folder / "kernel", ignore=ignored)
    if change is not None:
        target = folder / "kernel" / change.path
        source = target.read_text(encoding="utf-8")
        found = source.count(change.old)
        assert found == 1, f"{change.path} holds {change.old!r} {found} times, not once"
        target.write_text(source.replace(change.old, change.new), encoding="utf-8")
    return folder
