"""How long a supervisor waits for its processes, and whether they may finish their turn.

Here: the figures and what must hold of them. Not here: waiting (`supervisor.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Deadlines:
    """The time-outs of one supervisor, in whole milliseconds.

    `ready_ms`: until all workers have said that they are ready. `stop_ms`: until those who were
    asked to end have ended; then they are killed. `kill_ms`: until the killed are gone.
    `drain_inflight`: ask first, so that each worker ends after its turn; else all are killed at
    once, and what they held is decided by others when their leases are over.

    Raises:
        ValueError: a time-out is not a positive whole number, or the switch is no boolean.
    """

    ready_ms: int = 10_000
    stop_ms: int = 10_000
    kill_ms: int = 5_000
    drain_inflight: bool = True

    def __post_init__(self) -> None:
        """Refuse what is none; True is an int to Python, but never a time-out."""
        if type(self.drain_inflight) is not bool:
            raise ValueError("drain_inflight must be True or False")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "drain_inflight" and (type(value) is not int or value < 1):
                raise ValueError(f"{field.name} must be a positive whole number of milliseconds")
