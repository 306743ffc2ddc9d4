"""The envelope: a payload plus its addressing. Nothing here knows what a payload is.

1. An envelope is immutable. Its payload is never None, its kind is explicit text; routing reads the
   kind and the target and never asks for the payload's Python class.
2. A text is not empty when it is given; a list of targets is not empty.
3. A trace id comes from a position (run or ledger, and a line or sequence number), never from a
   payload field.
4. ``repr`` leaves the payload out: it may end up in a log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kernel.engine.errors import EnvelopeRefused


@dataclass(frozen=True, slots=True)
class Envelope:
    """One batch on its way through the graph.

    Attributes:
        payload: The columns, or whatever the kind stands for; opaque to the engine.
        kind: What the payload is, in text.
        trace_id: Correlation id; an output without one inherits it.
        target: Names of the nodes that get it instead of every consumer of the kind. One name is
            kept as text, several as a tuple, whatever sequence they came in.
        reply_to: Name of the reply channel; an output without one inherits it.
    """

    payload: Any = field(repr=False)
    kind: str
    trace_id: str | None = None
    target: str | tuple[str, ...] | list[str] | None = None
    reply_to: str | None = None

    def __post_init__(self) -> None:
        if self.payload is None:
            raise EnvelopeRefused("payload", "must not be None")
        _check_text("kind", self.kind)
        if self.trace_id is not None:
            _check_text("trace_id", self.trace_id)
        if self.reply_to is not None:
            _check_text("reply_to", self.reply_to)
        if self.target is not None:
            object.__setattr__(self, "target", _checked_target(self.target))

    @property
    def targets(self) -> tuple[str, ...]:
        """The names it is addressed to; empty when it goes to every consumer of its kind."""
        if self.target is None:
            return ()
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    def inherit(self, parent: Envelope) -> Envelope:
        """Return this output with the parent's trace id and reply channel where it has none."""
        trace_id = self.trace_id if self.trace_id is not None else parent.trace_id
        reply_to = self.reply_to if self.reply_to is not None else parent.reply_to
        if trace_id is self.trace_id and reply_to is self.reply_to:
            return self
        return Envelope(
            payload=self.payload,
            kind=self.kind,
            trace_id=trace_id,
            target=self.target,
            reply_to=reply_to,
        )


def trace_id_at(origin: str, position: int) -> str:
    """Return the trace id of what starts at a line of a run or a sequence number of a ledger."""
    return f"{origin}:{position}"


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str) or not text:
        raise EnvelopeRefused(name, "must be a text that is not empty")


def _checked_target(target: object) -> str | tuple[str, ...]:
    if isinstance(target, str):
        _check_text("target", target)
        return target
    if not isinstance(target, tuple | list):
        raise EnvelopeRefused("target", "must be a name or a list of names")
    if not target:
        raise EnvelopeRefused("target", "must not be an empty list")
    for name in target:
        _check_text("target", name)
    return tuple(target)
