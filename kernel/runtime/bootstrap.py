"""What a supervised process holds its bundle to before it works: this program, this ledger.

Here: the comparison of a bundle with the program's own graph and with the ledger's record. Not
here: the form of a bundle (`bundle.py`), and what to do without one (`build.py`).

1. An error names the field. Nothing is ever imported because a bundle names it: its modules are
   compared with the scenario's, and discovery reads those.
2. A process that is started again may find another ledger under the old name, or none: what it was
   to go on with is gone, and waiting would not bring it back.
"""

from __future__ import annotations

from kernel.errors import LedgerGone, RulesDiffer
from kernel.ledger.ports import gone
from kernel.ledger.record import LedgerRecord
from kernel.ledger.scenario import GRAPH
from kernel.runtime.bundle import Bundle, BundleMalformed


def check_bundle(bundle: Bundle, *, ledger: str, group: str) -> None:
    """Refuse a bundle that is for another process than this one.

    Raises:
        BundleMalformed: naming the first field that does not fit.
    """
    wanted = {
        "ledger": ledger,
        "scenario": GRAPH.scenario_id,
        "group": group,
        "modules": GRAPH.modules,
    }
    for field, here in wanted.items():
        if getattr(bundle, field) != here:
            raise BundleMalformed(f"bundle field '{field}' is for another process or program")


def check_record(bundle: Bundle, record: LedgerRecord | None) -> LedgerRecord:
    """Return the record if it is that of the ledger that the bundle is for.

    Raises:
        LedgerGone: there is none, or one that was made anew under the same name.
        RulesDiffer: the ledger has come under other rules.
    """
    name = bundle.ledger
    if record is None:
        raise gone(f"ledger {name}")
    if record.incarnation != bundle.incarnation:
        raise LedgerGone(
            f"ledger {name} was dropped and made anew under the same name (bundle field "
            "'incarnation'); what this process was started for is gone, so start it anew"
        )
    if record.digest != bundle.digest:
        raise RulesDiffer(
            f"ledger {name} has come under other rules (bundle field 'digest') since this process "
            "was started; start it anew"
        )
    return record
