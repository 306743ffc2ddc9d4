"""What each user of `deploy/users.acl` runs, and what the server has to refuse it.

Lives here: the tables, and reading out of a script which commands it calls. Not here: a server that
is asked (`tests/integration/test_users.py`).
"""

from __future__ import annotations

import re
from typing import Final

from kernel.adapters.redis.scripts import FLAGS, source

#: Which scripts a role runs.
SCRIPTS: Final = {
    "producer": ("create", "open", "append", "finish", "leave"),
    "worker": ("take", "load", "commit", "fail", "end_shift", "tick"),
    "collector": ("open", "ack", "leave", "register", "conclude"),
    "client": ("open", "append", "finish", "leave", "ack"),
    "operator": ("resume", "expire"),
    "runner": tuple(FLAGS),
}
#: What a script does for one role only: the producer alone makes a run.
NOT_HIS: Final = {("collector", "open", "SADD")}
#: What nobody but the administrator may.
FOR_NOBODY: Final = (
    "FLUSHALL",
    "FLUSHDB",
    "CONFIG SET appendonly no",
    "CONFIG GET *",
    "DEBUG SLEEP 0",
    "SHUTDOWN NOSAVE",
    "ACL LIST",
    "ACL SETUSER worker +@all",
    "MODULE LIST",
    "KEYS *",
    "SCAN 0",
    "RANDOMKEY",
    "MONITOR",
    "CLIENT LIST",
    "CLIENT KILL TYPE normal",
    "SCRIPT FLUSH",
    "FUNCTION LIST",
    "REPLICAOF NO ONE",
    "SAVE",
    "SELECT 1",
    "SUBSCRIBE rq:pubsub:x",
    "PUBLISH rq:pubsub:x {}",
    "HGETALL fl:{other}:record",
    "HSET fl:{other}:record x 1",
    "XADD fl:{other}:log:0 * b x",
    "RPUSH rq:queue:fl-other job",
    "ZADD rq:failed:fl-other 1 job",
    "SET rq:suspended 1",
    "DEL fl:{prod}:record",
    "RENAME fl:{prod}:record fl:{prod}:x",
    "SET anything 1",
)
#: What one role may, and these may not.
FORBIDDEN: Final = {
    "producer": (
        "HSET fl:{prod}:used 10957 0",
        "HSET fl:{prod}:front 10957 0",
        "HSET fl:{prod}:leases 0 x",
        "HGETALL fl:{prod}:w:1",
        "XRANGE fl:{prod}:log:0 - +",
        "XTRIM fl:{prod}:log:0 MAXLEN 0",
        "RPUSH fl:{prod}:audit x",
        "BLMOVE rq:queue:fl-prod rq:queue:fl-prod:intermediate LEFT RIGHT 1",
        "ZADD fl:throwaway 1 prod",
    ),
    "worker": (
        "HSET fl:{prod}:ids x 1",
        "HSET fl:{prod}:last 10957 1",
        "XADD fl:{prod}:log:0 * b x",
        "XTRIM fl:{prod}:run:monday:replies MAXLEN 0",
        "XREAD STREAMS fl:{prod}:run:monday:replies 0",
        "RPUSH fl:{prod}:audit x",
        "SADD fl:{prod}:runs x",
        "ZADD fl:throwaway 1 prod",
    ),
    "collector": (
        "HSET fl:{prod}:record next_seq 1",
        "HSET fl:{prod}:parts 0:c 1",
        "HSET fl:{prod}:used 10957 0",
        "HMGET fl:{prod}:ids x",
        "XADD fl:{prod}:run:monday:replies * b x",
        "XADD fl:{prod}:log:0 * b x",
        "RPUSH fl:{prod}:ready 1",
        "RPUSH rq:queue:fl-prod job",
        "HSET rq:job:x data x",
    ),
    "client": (
        "HSET fl:{prod}:used 10957 0",
        "HSET fl:{prod}:leases 0 x",
        "HGETALL fl:{prod}:w:1",
        "XRANGE fl:{prod}:log:0 - +",
        "XTRIM fl:{prod}:log:0 MAXLEN 0",
        "RPUSH fl:{prod}:audit x",
        "ZADD fl:throwaway 1 prod",
    ),
    "operator": (
        "HSET fl:{prod}:used 10957 0",
        "HSET fl:{prod}:ids x 1",
        "HSET fl:{prod}:run:monday lines 1",
        "XADD fl:{prod}:run:monday:replies * b x",
        "XADD fl:{prod}:log:0 * b x",
        "XTRIM fl:{prod}:log:0 MAXLEN 0",
        "HGETALL fl:{prod}:w:1",
        "DEL fl:{prod}:audit",
    ),
    "runner": ("HSET fl:{prod}:parts 0:c 1", "RPUSH rq:queue:fl-prod job", "HGETALL fl:{prod}:ids"),
}


def used_text(script: str) -> str:
    """Return a script without the shared functions that it does not call."""
    first, *rest = re.split(r"(?m)^local function ", source(script).decode())
    shared = {text.partition("(")[0]: text for text in rest}
    body = rest[-1].partition("\nend\n")[2]  # behind the last shared function
    used, ahead = first + body, [first + body]
    while ahead:
        text = ahead.pop()
        for name in [name for name in shared if re.search(rf"\b{name}\(", text)]:
            called_text = shared.pop(name).partition("\nend\n")[0]
            used += called_text
            ahead.append(called_text)
    return used


def calls_of(script: str, ledger: str) -> set[tuple[str, str]]:
    """Return the commands in a script with a key that each is for, where the text shows it."""
    named = {"KEYS[1]": "record", "run_key": "run:r", "parts": "parts"}
    named["run_key .. ':replies'"] = "run:r:replies"
    shown = r"key\('([\w:]+)'[^)]*\)|(KEYS\[1\]|run_key(?: \.\. ':replies')?|parts)"
    found = set()
    for name, literal, variable in re.findall(
        rf"redis\.call\('(\w+)', (?:{shown})", used_text(script)
    ):
        short = literal or named[variable]
        found.add((name, f"fl:{{{ledger}}}:{short}{'0' if short.endswith(':') else ''}"))
    return found
