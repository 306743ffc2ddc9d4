"""What a supervised process refuses before it does anything, and which field it names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kernel.domain import ruleset
from kernel.domain.ruleset import digest_of
from kernel.errors import IntegrityError, LedgerGone, RulesDiffer
from kernel.ledger.record import LedgerRecord
from kernel.ledger.scenario import GRAPH, LIMITS
from kernel.runtime.bootstrap import check_bundle, check_record
from kernel.runtime.build import rules_of
from kernel.runtime.bundle import BundleMalformed
from tests.support.chunks import MONDAY_RULES
from tests.support.stand_ins import BUNDLE

RECORD = LedgerRecord(
    *(BUNDLE.incarnation, 1, MONDAY_RULES.digest, MONDAY_RULES.to_json()), *("{}", "00")
)
FITTING = replace(BUNDLE, modules=GRAPH.modules, group=LIMITS, digest=RECORD.digest)


def test_a_bundle_for_this_process_and_its_ledger_is_taken() -> None:
    """Nothing is refused that fits."""
    check_bundle(FITTING, ledger="books", group=LIMITS)

    assert check_record(FITTING, RECORD) is RECORD
    assert rules_of("books", RECORD) == MONDAY_RULES


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ledger", "others"),
        ("scenario", "another"),
        ("group", "egress"),
        ("modules", ("os",)),
    ],
)
def test_a_bundle_for_another_process_is_refused_by_its_field(field: str, value: object) -> None:
    """Before a server is asked; a module that it names is not even imported."""
    changed: dict[str, Any] = {field: value}

    with pytest.raises(BundleMalformed, match=f"'{field}'"):
        check_bundle(replace(FITTING, **changed), ledger="books", group=LIMITS)


@pytest.mark.parametrize(
    ("record", "error", "said"),
    [
        (None, LedgerGone, "ledger books is gone"),
        (RECORD._replace(incarnation="second"), LedgerGone, "made anew .*'incarnation'"),
        (RECORD._replace(digest="other"), RulesDiffer, "other rules .*'digest'"),
    ],
)
def test_a_ledger_that_is_not_the_bundles_is_refused(
    record: LedgerRecord | None, error: type[Exception], said: str
) -> None:
    """Dropped, made anew, or under other rules: nothing is waited for."""
    with pytest.raises(error, match=said):
        check_record(FITTING, record)


@pytest.mark.parametrize("rules", [RECORD.rules, '{"a_limit_of_later":1}'])
def test_a_ledger_of_another_version_of_the_engine_is_refused_naming_both(rules: str) -> None:
    """Also where its rules have fields that this version does not know."""
    later = RECORD._replace(rules=rules, digest=digest_of("41", rules))

    with pytest.raises(RulesDiffer, match=r"by version 41 of the engine, and this is version 1:"):
        rules_of("books", later)

    assert ruleset.ENGINE_VERSION == "1"


def test_rules_that_no_version_has_written_are_an_integrity_error() -> None:
    """A record in which rules and digest do not belong together was changed by somebody."""
    with pytest.raises(IntegrityError, match="holds rules that are not"):
        rules_of("books", RECORD._replace(digest=digest_of("1", "{}")))
