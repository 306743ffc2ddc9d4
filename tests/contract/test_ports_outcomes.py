"""What a wait comes to: both forms, in one process and for any process, under one suite."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from kernel.engine.errors import AlreadyInFlight, WaitRefused
from kernel.engine.replies import EVENTS_MAX, Counters, Event, Outcome, Waiter
from tests.contract.outcomes import KEEP_MS, OUTCOMES_MAX, outcomes_of
from tests.support.stages import server_stage

if TYPE_CHECKING:
    from kernel.ledger.ports import OutcomePort


@pytest.fixture(params=["memory", "server"])
def port(request: pytest.FixtureRequest) -> OutcomePort:
    """A form without a wait, which keeps three outcomes for a second."""
    if request.param == "memory":
        return Waiter(keep_ms=KEEP_MS, outcomes_max=OUTCOMES_MAX)
    client, name = (request.getfixturevalue(which) for which in ("client", "ledger_name"))
    return outcomes_of(server_stage(client, name))


def test_an_answer_is_kept_and_polling_does_not_consume_it(port: OutcomePort) -> None:
    """Nothing before it, the same as often as asked behind it."""
    port.register("r:1", now=1_000, timeout_ms=50)
    assert port.poll("r:1") is None

    assert port.complete("r:1", {"lines": 3}, now=1_001)

    assert [port.poll("r:1") for _ in range(3)] == [Outcome("success", {"lines": 3})] * 3
    assert port.counters() == Counters(registered=1, completed=1)


@pytest.mark.parametrize("payload", [None, False, 0, "", "text", [1, ["a"]], {"a": None}])
def test_a_payload_comes_back_as_it_was(port: OutcomePort, payload: object) -> None:
    """Also one that is false or nothing: it is a success."""
    port.register("r:1", now=1_000, timeout_ms=50)
    port.complete("r:1", payload, now=1_000)

    assert port.poll("r:1") == Outcome("success", payload)


ENDS: dict[str, tuple[Callable[[OutcomePort, int], object], Outcome]] = {
    "success": (lambda p, now: p.complete("r:1", "rows", now=now), Outcome("success", "rows")),
    "error": (lambda p, now: p.fail("r:1", "broken", now=now), Outcome("error", None, "broken")),
    "cancelled": (
        lambda p, now: p.cancel("r:1", "Ctrl-C", now=now),
        Outcome("cancelled", None, "Ctrl-C"),
    ),
    "timeout": (lambda p, now: p.expire(now), Outcome("timeout", None, "no answer in time")),
}


@pytest.mark.parametrize("first", ENDS)
def test_the_first_outcome_stays_whatever_comes_behind_it(port: OutcomePort, first: str) -> None:
    """Two answers behind it are two duplicates; a cancel and a deadline change nothing at all."""
    port.register("r:1", now=1_000, timeout_ms=50)
    end, outcome = ENDS[first]
    end(port, 1_050)
    counted = port.counters()

    assert not port.complete("r:1", "late rows", now=1_060)
    assert not port.fail("r:1", "late", now=1_060)
    assert not port.cancel("r:1", "late", now=1_060)
    assert port.expire(1_061) == ()

    assert port.poll("r:1") == outcome
    assert port.counters() == counted._replace(duplicate_terminal=2)
    assert counted.in_flight == 0
    assert counted.completed + counted.cancelled + counted.expired == counted.registered == 1


def test_an_answer_nobody_waits_for_is_late_and_leaves_nothing(port: OutcomePort) -> None:
    """Counted, whether it is a success or an error; to cancel it is no answer."""
    assert not port.complete("r:1", "rows", now=1_000)
    assert not port.fail("r:1", "broken", now=1_000)
    assert not port.cancel("r:1", "Ctrl-C", now=1_000)

    assert port.poll("r:1") is None
    assert port.counters() == Counters(late_reply_drop=2)


def test_an_id_in_flight_is_refused_and_one_with_an_outcome_begins_anew(port: OutcomePort) -> None:
    """One id has one waiter; a run that was cancelled may be collected again."""
    port.register("r", now=1_000, timeout_ms=50)
    with pytest.raises(AlreadyInFlight, match="r"):
        port.register("r", now=1_001, timeout_ms=500)
    port.cancel("r", "Ctrl-C", now=1_002)

    port.register("r", now=1_003, timeout_ms=50)

    assert port.poll("r") is None
    assert port.complete("r", 7, now=1_004)
    assert port.poll("r") == Outcome("success", 7)
    assert port.counters() == Counters(registered=2, completed=1, cancelled=1)


@pytest.mark.parametrize("timeout_ms", [0, -1, True, 1.5, "5", None])
def test_a_time_out_that_is_no_positive_int_is_refused(
    port: OutcomePort,
    timeout_ms: Any,  # noqa: ANN401 - what callers without a type checker give
) -> None:
    """A bool is none either; nothing is registered, and what is in flight is not moved."""
    port.register("there", now=1_000, timeout_ms=50)
    for act in (port.register, port.extend):
        with pytest.raises(WaitRefused, match="timeout_ms"):
            act("there", now=1_000, timeout_ms=timeout_ms)

    assert port.expire(1_050) == ("there",)
    assert port.counters() == Counters(registered=1, expired=1)


def test_an_empty_id_is_refused(port: OutcomePort) -> None:
    """It could be answered by mistake."""
    with pytest.raises(WaitRefused, match="trace_id"):
        port.register("", now=1_000, timeout_ms=50)

    assert port.counters() == Counters()


def test_what_is_due_expires_at_its_deadline_and_not_before(port: OutcomePort) -> None:
    """At `now >= deadline`, earliest first; what was answered or moved on is left alone."""
    for number, trace_id in enumerate("abcd"):
        port.register(trace_id, now=1_000, timeout_ms=40 - 10 * number)
    port.complete("b", None, now=1_001)
    assert port.extend("d", now=1_001, timeout_ms=500)

    assert port.expire(1_019) == ()
    assert port.expire(1_040) == ("c", "a")

    assert port.counters() == Counters(registered=4, completed=1, expired=2, in_flight=1)
    assert port.expire(1_501) == ("d",)


def test_an_answer_behind_a_deadline_that_nobody_looked_at_is_the_first(port: OutcomePort) -> None:
    """It was done, and nobody was told otherwise."""
    port.register("r", now=1_000, timeout_ms=10)

    assert port.complete("r", "rows", now=5_000)

    assert port.expire(5_001) == ()
    assert port.poll("r") == Outcome("success", "rows")


def test_only_what_is_in_flight_can_be_moved_on(port: OutcomePort) -> None:
    """Neither an id that is not known nor one that has come to an outcome."""
    port.register("r", now=1_000, timeout_ms=10)
    port.complete("r", None, now=1_001)

    assert not port.extend("r", now=1_002, timeout_ms=10)
    assert not port.extend("other", now=1_002, timeout_ms=10)


def test_outcomes_are_forgotten_by_age_and_by_number(port: OutcomePort) -> None:
    """Oldest first; whoever answers what is forgotten is late."""
    for number, trace_id in enumerate("abcd"):
        port.register(trace_id, now=1_000 + number, timeout_ms=50)
        port.complete(trace_id, number, now=1_000 + number)

    assert [port.poll(trace_id) is not None for trace_id in "abcd"] == [False, True, True, True]
    assert port.expire(2_002) == ()
    assert [port.poll(trace_id) is not None for trace_id in "bcd"] == [False, False, True]
    assert not port.complete("b", 1, now=2_002)
    assert port.counters() == Counters(registered=4, completed=4, late_reply_drop=1)


def test_diagnostics_name_the_last_events_without_payloads_or_texts(port: OutcomePort) -> None:
    """The newest 256, oldest of them first: when, what, and which id."""
    for number in range(90):
        port.register(f"r:{number}", now=1_000 + number, timeout_ms=50)
        port.fail(f"r:{number}", "SECRET", now=1_000 + number)
        port.complete(f"r:{number}", "SECRET", now=1_000 + number)

    events = port.diagnostics()
    assert len(events) == EVENTS_MAX
    assert events[0] == Event(1_004, "duplicate", "r:4"), events[:3]
    assert events[-2:] == (Event(1_089, "error", "r:89"), Event(1_089, "duplicate", "r:89"))
    assert "SECRET" not in repr(events)
