"""Section 4, second half: who watches, and what a watcher can do wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import FrameType

import pytest

from kernel.engine.envelope import Envelope
from kernel.engine.observers import NodeCall, Observer
from tests.support.steps import Step, gives, runner_over


class Diary(Observer):
    """Writes down every hook, with a name of its own."""

    def __init__(self, name: str, book: list[str]) -> None:
        self._name = name
        self._book = book

    def on_ingress(self, envelope: Envelope, /) -> None:
        """Write."""
        self._write("ingress", envelope.kind)

    def before_node(self, call: NodeCall, /) -> None:
        """Write."""
        self._write("before", f"{call.group}/{call.node}/{call.envelope.kind}")

    def after_node(self, call: NodeCall, outputs: Sequence[Envelope], /) -> None:
        """Write."""
        self._write("after", f"{call.node}/{[output.trace_id for output in outputs]}")

    def on_node_error(self, call: NodeCall, error: BaseException, /) -> None:
        """Write."""
        self._write("error", f"{call.node}/{error}")

    def on_terminal(self, envelope: Envelope, /) -> None:
        """Write."""
        self._write("terminal", envelope.kind)

    def on_run_end(self, error: BaseException | None, /) -> None:
        """Write."""
        self._write("end", str(error))

    def _write(self, hook: str, text: str) -> None:
        self._book.append(f"{self._name} {hook} {text}")


class Faulty(Observer):
    """Raises in every hook."""

    def on_ingress(self, _envelope: Envelope, /) -> None:
        """Raise."""
        raise ValueError

    def before_node(self, _call: NodeCall, /) -> None:
        """Raise."""
        raise ValueError

    def after_node(self, _call: NodeCall, _outputs: Sequence[Envelope], /) -> None:
        """Raise."""
        raise ValueError

    def on_node_error(self, _call: NodeCall, _error: BaseException, /) -> None:
        """Raise."""
        raise ValueError

    def on_terminal(self, _envelope: Envelope, /) -> None:
        """Raise."""
        raise ValueError

    def on_run_end(self, _error: BaseException | None, /) -> None:
        """Raise."""
        raise ValueError


def fail(*_: object) -> Sequence[Envelope]:
    """Raise what a node with a bug raises."""
    raise LookupError("no window")


def test_an_observer_sees_every_hook_in_order() -> None:
    """From ingress to the end of the run, with trace ids filled in."""
    book: list[str] = []
    runner_over(
        [Step("a", gives("rows"))],
        {"start": ["a"]},
        terminals=["rows"],
        observers=[Diary("one", book)],
    ).run([Envelope([1], "start", trace_id="r:1")])

    assert book == [
        "one ingress start",
        "one before only/a/start",
        "one after a/['r:1']",
        "one terminal rows",
        "one end None",
    ]


def test_a_node_error_reaches_the_observers_and_then_the_caller() -> None:
    """Node error and end of run are seen before the caller gets the error."""
    book: list[str] = []
    runner = runner_over([Step("a", fail)], {"start": ["a"]}, observers=[Diary("one", book)])

    with pytest.raises(LookupError):
        runner.run([Envelope([1], "start")])

    assert book[-2:] == ["one error a/no window", "one end no window"]


def test_several_observers_are_told_in_order_before_and_in_reverse_after() -> None:
    """Hooks nest like brackets."""
    book: list[str] = []
    runner_over(
        [Step("a", gives())],
        {"start": ["a"]},
        observers=[Diary("one", book), Diary("two", book)],
    ).run([Envelope([1], "start")])

    assert [line.rsplit(" ", 1)[0] for line in book] == [
        "one ingress",
        "two ingress",
        "one before",
        "two before",
        "two after",
        "one after",
        "two end",
        "one end",
    ]


def test_an_observer_that_raises_harms_neither_the_others_nor_the_run_and_is_counted() -> None:
    """Result and the other observer's book are as if it were not there."""
    alone: list[str] = []
    beside: list[str] = []
    envelope = Envelope([1], "start")
    nodes = [Step("a", gives("rows"))]
    takes = {"start": ["a"]}
    calm = runner_over(nodes, takes, terminals=["rows"], observers=[Diary("d", alone)])
    shaken = runner_over(
        nodes, takes, terminals=["rows"], observers=[Faulty(), Diary("d", beside), Faulty()]
    )

    assert shaken.run([envelope]) == calm.run([envelope])
    assert beside == alone
    assert calm.observer_failures == {}
    assert shaken.observer_failures == {
        "Faulty.on_ingress": 2,
        "Faulty.before_node": 2,
        "Faulty.after_node": 2,
        "Faulty.on_terminal": 2,
        "Faulty.on_run_end": 2,
    }


def test_an_observer_that_raises_does_not_hide_the_node_s_error() -> None:
    """The caller gets what the node raised, not what the watcher did."""
    runner = runner_over([Step("a", fail)], {"start": ["a"]}, observers=[Faulty()])

    with pytest.raises(LookupError):
        runner.run([Envelope([1], "start")])

    assert runner.observer_failures["Faulty.on_node_error"] == 1


def test_a_run_ends_once_also_over_several_inputs() -> None:
    """`run_inputs` is one run."""
    book: list[str] = []
    runner_over([Step("a", gives())], {"start": ["a"]}, observers=[Diary("one", book)]).run_inputs(
        [Envelope([1], "start"), Envelope([2], "start")]
    )

    assert book.count("one end None") == 1
    assert book.count("one ingress start") == 2


def test_without_observers_no_call_record_is_made() -> None:
    """Nothing is made for watchers who are not there: no observer, no cost."""
    runner = runner_over([Step("a", gives())], {"start": ["a"]})
    made = names_called(lambda: runner.run([Envelope([1], "start")]))

    assert "_called" in made
    assert not {"NodeCall", "__new__", "before_node", "_call"} & made


def names_called(action: Callable[[], object]) -> set[str]:
    """Return the names of all Python functions that run during an action."""
    names: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            names.add(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return names
