"""SIGTERM as an exception. On its own: `python -m` gives the command module two names."""

from __future__ import annotations


class Terminated(BaseException):
    """SIGTERM arrived. Not an `Exception`, so that no verb takes it for a failure of its own."""
