"""Who may watch a runner: the hooks, and the fan-out that keeps a failing watcher from doing harm.

1. Observers see; they change nothing. Before-hooks run in the order of attachment, after-hooks in
   reverse.
2. An observer that raises harms neither the others nor the run. Each failure is counted by observer
   and hook.
3. A runner without observers calls none of this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kernel.engine.envelope import Envelope


class NodeCall(NamedTuple):
    """A node about to be called, or called, with an envelope."""

    group: str
    node: str
    envelope: Envelope


class Observer:
    """Hooks that do nothing. An observer overrides those it cares about."""

    def on_ingress(self, envelope: Envelope, /) -> None:
        """See an envelope that was given to the runner."""

    def before_node(self, call: NodeCall, /) -> None:
        """See a call that is about to happen."""

    def after_node(self, call: NodeCall, outputs: Sequence[Envelope], /) -> None:
        """See what a node returned; trace ids are filled in."""

    def on_node_error(self, call: NodeCall, error: BaseException, /) -> None:
        """See what a node raised; the caller of the runner gets it next."""

    def on_terminal(self, envelope: Envelope, /) -> None:
        """See an envelope that leaves the graph."""

    def on_run_end(self, error: BaseException | None, /) -> None:
        """See that a run is over; `error` is what ended it early."""


class ObserverFanout(Observer):
    """One observer made of several."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._reversed = self._observers[::-1]
        #: Failures by "<observer class>.<hook>".
        self.failures: Counter[str] = Counter()

    def on_ingress(self, envelope: Envelope, /) -> None:
        """Tell all, in order."""
        for observer in self._observers:
            self._call(observer, observer.on_ingress, envelope)

    def before_node(self, call: NodeCall, /) -> None:
        """Tell all, in order."""
        for observer in self._observers:
            self._call(observer, observer.before_node, call)

    def after_node(self, call: NodeCall, outputs: Sequence[Envelope], /) -> None:
        """Tell all, in reverse."""
        for observer in self._reversed:
            self._call(observer, observer.after_node, call, outputs)

    def on_node_error(self, call: NodeCall, error: BaseException, /) -> None:
        """Tell all, in reverse."""
        for observer in self._reversed:
            self._call(observer, observer.on_node_error, call, error)

    def on_terminal(self, envelope: Envelope, /) -> None:
        """Tell all, in order."""
        for observer in self._observers:
            self._call(observer, observer.on_terminal, envelope)

    def on_run_end(self, error: BaseException | None, /) -> None:
        """Tell all, in reverse."""
        for observer in self._reversed:
            self._call(observer, observer.on_run_end, error)

    def _call(self, observer: Observer, hook: Callable[..., None], *arguments: object) -> None:
        try:
            hook(*arguments)
        except Exception:  # noqa: BLE001 - whatever a watcher raises is counted; the run goes on
            self.failures[f"{type(observer).__name__}.{hook.__name__}"] += 1
