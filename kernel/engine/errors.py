"""The engine's own errors: what a wrong graph, a wrong node or a failed handoff is called.

EngineError                  exit 1: a fault in how the graph was put together, or in a node
├── EnvelopeRefused          a field of an envelope breaks its rule
├── RoutingRefused           no way for an output: carries kind and node
├── PlacementRefused         a node in no group, in two groups, or an unknown group
├── GraphRefused             pre-flight found the graph wrong: carries every finding
├── MissingDependency        something a runner needs was not given: carries its name
├── NodeMisbehaved           a node returned what no node may return: carries the node
├── WaitRefused              an answer cannot be waited for as asked: carries the argument
│   └── AlreadyInFlight      ... because it is waited for already: carries the trace id
└── HandoffFailed            work for another group could not be given away: carries the group
    ├── HandoffTimedOut · HandoffTransportFailed · HandoffExecutionFailed
    └── HandoffRoutingFailed · HandoffDecodeFailed · HandoffShutDown

Texts name kinds, nodes and groups, never a payload. A handoff's text is fixed, so that nothing of
the inner error can leak through it; the inner error stays reachable as ``__cause__``, and its exit
code is kept, because *why* the program ends (Redis away, ledger gone) is decided by the world and
not by the handoff.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from kernel.errors import FundloadError

if TYPE_CHECKING:
    from collections.abc import Sequence


class EngineError(FundloadError):
    """Something is wrong with the graph or with a node: a bug, not a bad input."""

    category = "engine"
    exit_code = 1


class EnvelopeRefused(EngineError):
    """A field of an envelope breaks its rule."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"envelope field '{field}' {rule}")
        self.field = field


class RoutingRefused(EngineError):
    """An envelope has no way to go from where it was emitted."""

    def __init__(self, why: str, *, kind: str, node: str | None) -> None:
        emitter = "the input" if node is None else f"node '{node}'"
        super().__init__(f"kind '{kind}' from {emitter}: {why}")
        self.kind = kind
        self.node = node


class PlacementRefused(EngineError):
    """A node or group is not where a placement needs it to be."""


class GraphRefused(EngineError):
    """Pre-flight found the graph wrong; every finding is listed, not just the first."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("scenario refused: " + "; ".join(findings))
        self.findings = tuple(findings)


class MissingDependency(EngineError):
    """A runner was to be built without something that it needs."""

    def __init__(self, name: str, *, needed_by: str) -> None:
        super().__init__(f"missing dependency '{name}', needed by {needed_by}")
        self.name = name


class NodeMisbehaved(EngineError):
    """A node returned what no node may return."""

    def __init__(self, node: str, what: str) -> None:
        super().__init__(f"node '{node}' {what}")
        self.node = node


class WaitRefused(EngineError):
    """An answer cannot be waited for in the way it was asked."""

    def __init__(self, argument: str, rule: str) -> None:
        super().__init__(f"'{argument}' of a wait {rule}")
        self.argument = argument


class AlreadyInFlight(WaitRefused):
    """An answer is waited for already, and one id has one waiter."""

    def __init__(self, trace_id: str) -> None:
        super().__init__("trace_id", f"is in flight already: {trace_id}")
        self.trace_id = trace_id


class HandoffFailed(EngineError):
    """Work for another group could not be given away. Raised as one of its six kinds."""

    #: The six kinds differ in this text alone; ``{group}`` is the group that failed.
    text: ClassVar[str] = "remote handoff failed for group '{group}'"
    kind: ClassVar[str] = "execution"

    def __init__(self, group: str) -> None:
        super().__init__(self.text.format(group=group))
        self.group = group
        #: True when giving up tidily failed as well; the first error is the one that is raised.
        self.stop_failed = False


class HandoffTimedOut(HandoffFailed):
    """The far side did not answer in time; whether it acted is not known."""

    text = "remote handoff timed out for group '{group}'"
    kind = "timeout"


class HandoffTransportFailed(HandoffFailed):
    """The way to the far side broke."""

    text = "remote handoff transport failed for group '{group}'"
    kind = "transport"


class HandoffExecutionFailed(HandoffFailed):
    """The far side took the work and failed in it."""


class HandoffRoutingFailed(HandoffFailed):
    """The far side has nobody for this work, or something came back that must not."""

    text = "remote handoff routing failed for group '{group}'"
    kind = "routing"


class HandoffDecodeFailed(HandoffFailed):
    """What crossed could not be read."""

    text = "remote handoff decode failed for group '{group}'"
    kind = "decode"


class HandoffShutDown(HandoffFailed):
    """The near or far side is stopping."""

    text = "remote handoff shut down for group '{group}'"
    kind = "shutdown"
