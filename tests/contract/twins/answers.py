"""Every answer of every script, written down: the twins' run must meet each of them often enough.

Taken from the head comments of the Lua files, and a test holds the list to them, so that a new
answer cannot come in without a test that meets it. `STORE FULL` is the server's own refusal, `step`
stands for the outcomes of a commit's next steps, `note` for what became of an operator's notes, and
REWOUND of a commit is told apart by cause.
"""

from __future__ import annotations

FULL = "STORE FULL"

ANSWERS: dict[str, tuple[str, ...]] = {
    "create": ("CREATED", "EXISTS", FULL),
    "open": ("OPENED", "WAIT", "ABSENT", "GONE", FULL),
    "append": (
        *("APPENDED", "ALREADY", "REWOUND", "FULL", "CONFLICT", "RULES", "CLOSED", "GONE", FULL),
    ),
    "finish": ("FINISHED", "ALREADY", "REWOUND", "CLOSED", "GONE"),
    "leave": ("LEFT", "CLOSED", "GONE"),
    "take": ("TAKEN", "GONE"),
    "load": ("LOADED", "GONE"),
    "commit": (
        *("APPLIED", "ALREADY", "BEHIND", "REWOUND: entry", "REWOUND: front", "HALTED", "RULES"),
        "GONE",
    ),
    "fail": ("RETRY", "HALTED", "LOST", "BEHIND", "REWOUND", "GONE"),
    "end_shift": ("CONTINUE", "ENDED", "GONE"),
    "ack": ("ACKED", "REWOUND", "CLOSED", "GONE"),
    "tick": ("TICKED", "EARLY", "GONE"),
    "resume": (
        *("RESUMED", "ALREADY", "STALE", "REPLAYED", "BEHIND", "NOT_HALTED", "OTHER_HEAD", "GONE"),
    ),
    "drop": ("MORE", "DROPPED"),
    "note": ("made", "passed"),
    "step": ("kept", "freed", "ready", "parked", "left"),
    "read": ("READ", "ABSENT", "GONE"),
    "read_ids": ("READ", "GONE"),
}

#: Answers of the scripts that move no money and touch no key of the state that the twins compare.
#: `test_outcomes_on_the_server.py` meets each; the machine does not ask them.
OUTCOMES: dict[str, tuple[str, ...]] = {
    "register": ("REGISTERED", "IN_FLIGHT", "GONE"),
    "conclude": ("FIRST", "DUPLICATE", "LATE", "IDLE", "GONE"),
    "expire": ("EXPIRED", "GONE"),
}

#: Answers that say "no": they must leave the store exactly as it was.
REFUSALS = frozenset(
    {
        "WAIT",
        "ABSENT",
        "REWOUND",
        "FULL",
        "CONFLICT",
        "RULES",
        "CLOSED",
        "GONE",
        "BEHIND",
        "LOST",
        "NOT_HALTED",
        "OTHER_HEAD",
        "STALE",
        "REPLAYED",
    }
    | {"ALREADY", "EXISTS", FULL, "READ", "LOADED"}
)
