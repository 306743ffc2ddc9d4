"""The kernel: everything that decides about a fund load, and the machinery both apps stand on.

Six rings, and imports point inwards only (checked by import-linter):

    runtime     processes: the command line, wiring, supervision, the embedded server
    adapters    the outside world: Redis, RQ, files, configuration, logs; the same ports in memory
    ledger      the graph and its nodes, the ports, the states of a partition
    engine      a small stream engine that knows nothing of this business
    domain      the rules of fund loads, pure
    errors      one tree of exceptions, each with a category and an exit code

`engine` and `domain` stand side by side and do not know each other. The two apps, `producer` and
`consumers`, stand above `runtime` and never import one another.

This file re-exports nothing. It holds the one version constant of the distribution, because the
packager, `fundload --version` and the wire checks must not disagree about it.
"""

from __future__ import annotations

__version__ = "0.1.0"
