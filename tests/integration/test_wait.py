"""`fundload wait`: another process learns what became of a run, and ends as the run did."""

from __future__ import annotations

import signal
from pathlib import Path

from kernel.adapters.redis import keys
from kernel.adapters.redis.attached import Attached
from kernel.adapters.redis.client import connect
from kernel.adapters.redis.ledger import find
from kernel.adapters.redis.outcomes import RedisOutcomes
from kernel.engine.replies import Counters
from kernel.errors import EXIT_INCOMPLETE, EXIT_REFUSED
from tests.support.fleet import ENDS_S, Fleet, Member, config_file
from tests.support.memory import memory_bytes, sample_bytes
from tests.support.operating import spoken
from tests.support.waiting import wait_until

LINES = 600


def wait_on(fleet: Fleet, *options: str) -> Member:
    """Start to wait for the fleet's run."""
    place = ("--redis-url", fleet.url, "--ledger", fleet.ledger)
    return fleet.start("wait", *place, "--run", fleet.run, *options)


def ended(member: Member) -> tuple[int, str]:
    """Wait until it has ended; return its exit code and what it printed on stdout."""
    out, _ = member.popen.communicate(timeout=ENDS_S)
    return member.popen.returncode, out.decode()


def told(fleet: Fleet) -> tuple[int, str]:
    """Ask what became of the run, which is known."""
    return spoken(fleet, "wait", "--run", fleet.run, "--timeout", "0")


def outcomes_of(fleet: Fleet) -> RedisOutcomes:
    """Look at the waits of the fleet's ledger."""
    client = connect(fleet.url)
    record = find(client, fleet.ledger)
    assert record is not None
    return RedisOutcomes(Attached(client, fleet.ledger, record))


def in_flight(fleet: Fleet, collector: Member) -> Member:
    """Wait until a collector has registered the run."""
    outcomes = outcomes_of(fleet)
    wait_until(lambda: outcomes.is_in_flight(fleet.run), within_s=ENDS_S, what="a run in flight")
    return collector


def fed(fleet: Fleet) -> tuple[Path, Path]:
    """Append the run; return its configuration and input. Nobody is there to decide it."""
    source = fleet.folder / "sample"
    source.write_bytes(sample_bytes(LINES))
    config = config_file(
        fleet.folder, "experiment", run_lease_ms=600, chunk_lines_max=64, turn_attempts_max=64
    )
    assert fleet.produce(config, source).ends() == 0
    return config, source


def test_a_run_is_waited_for_from_before_it_exists_until_its_rows_are_written(
    fleet: Fleet,
) -> None:
    """Whatever happens to its collectors meanwhile, and whoever else would like to collect it."""
    output = fleet.folder / "output"
    early = wait_on(fleet)
    config, source = fed(fleet)
    late = wait_on(fleet)
    first = in_flight(fleet, fleet.collect(output))
    assert fleet.collect(fleet.folder / "other").ends() == EXIT_REFUSED
    first.kill()
    collector = fleet.collect(output)
    assert (early.popen.poll(), late.popen.poll()) == (None, None)

    fleet.worker()

    assert collector.ends() == 0
    done = (0, f"run {fleet.run}: success; {LINES} lines are written\n")
    assert [ended(early), ended(late), told(fleet)] == [done, done, done]
    assert output.read_bytes() == memory_bytes(config, source)
    counted = outcomes_of(fleet).counters()
    assert counted == Counters(registered=1, completed=1), "one run, whoever collected it"
    assert fleet.collect(fleet.folder / "third").ends() == EXIT_REFUSED
    assert told(fleet) == done, "what came of it stays, though it cannot be collected again"


def test_a_run_that_was_stopped_is_told_with_its_signal_until_it_is_gone_on_with(
    fleet: Fleet,
) -> None:
    """143 or 130, as its collector ended; and once it is collected after all, 0."""
    config, source = fed(fleet)
    output = fleet.folder / "output"
    for signum, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        collector = in_flight(fleet, fleet.collect(output))
        waits = wait_on(fleet)

        collector.tell(signum)

        assert collector.ends() == code
        assert (ended(waits)[0], told(fleet)[0]) == (code, code)
    again = in_flight(fleet, fleet.collect(output))
    waits = wait_on(fleet)
    fleet.worker()
    assert (again.ends(), ended(waits)[0]) == (0, 0)
    assert output.read_bytes() == memory_bytes(config, source)


def test_a_wait_that_is_over_says_how_far_the_run_is(fleet: Fleet) -> None:
    """Exit 6: without a ledger, before the run, in it, and when nobody gives signs of life."""
    code, said = told(fleet)
    no_ledger = f"there is no ledger {fleet.ledger}; `fundload produce` makes it"
    assert (code, no_ledger in said) == (EXIT_INCOMPLETE, True), said
    fleet.make_ledger(config_file(fleet.folder, "baseline"))
    code, said = told(fleet)
    assert (code, "it has not begun" in said) == (EXIT_INCOMPLETE, True), said
    outcomes_of(fleet).register(fleet.run, timeout_ms=1)

    code, said = ended(wait_on(fleet, "--timeout", str(ENDS_S)))

    assert code == EXIT_INCOMPLETE
    assert "timeout; whoever collected it has given no sign of life" in said


def test_a_run_without_an_outcome_is_told_from_its_record(fleet: Fleet) -> None:
    """Outcomes are forgotten some day; that all lines are written is not."""
    fed(fleet)
    fleet.worker()
    code, said = told(fleet)
    assert (code, f"of {LINES} lines are answered" in said) == (EXIT_INCOMPLETE, True), said
    assert fleet.collect(fleet.folder / "output").ends() == 0
    client = connect(fleet.url)
    client.delete(keys.beside(fleet.ledger, "outcomes"))  # as time would

    assert told(fleet) == (0, f"run {fleet.run}: success; {LINES} lines are written\n")
