"""What a supervised process is told before it starts its work: where, what, who, and the secret.

Here: the fields, their text form, and what is said about a bundle that cannot be used. Not here:
the pipe it comes through (`child.py`) and who fills it in (`fleet.py`). Why a pipe and not the
command line: everybody on the machine can read the command line.

1. Plain values only; a process rebuilds everything else by itself.
2. An error names the field and never shows a value: the value may be the secret.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from kernel.errors import UsageError

SHOWN_AS = "***"
MAY_BE_EMPTY = frozenset({"run", "master_key", "keys_file"})
#: Of the fields that are no text.
TYPES: dict[str, type] = {"generation": int, "modules": tuple}


class BundleMalformed(UsageError):
    """The bundle that this process was started with cannot be used."""

    category = "bundle"


@dataclass(frozen=True, repr=False)
class Bundle:
    """The settings of one process; all of them are needed.

    `worker` is the id of the process within its supervisor (`w1`, `producer`), `generation` how
    often that id was started, this time included; `digest` the rules that it must be under. `run`
    is empty for a worker that is kept for any run. The secret is `master_key`, or in the file that
    `keys_file` names; the other one is empty. `scenario`, `group` and `modules` say what is
    built there: the graph, the part of it, and where its nodes are found.
    """

    redis_url: str
    ledger: str
    incarnation: str
    master_key: str
    keys_file: str
    digest: str
    run: str
    worker: str
    generation: int
    scenario: str
    group: str
    modules: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse fields of a wrong type, empty ones, and a key that is not hexadecimal."""
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not TYPES.get(field.name, str):
                raise BundleMalformed(f"bundle field '{field.name}' has the wrong type")
            if field.name not in MAY_BE_EMPTY and not value:
                raise BundleMalformed(f"bundle field '{field.name}' is empty")
        if bool(self.master_key) == bool(self.keys_file):
            wrong = "set beside 'keys_file'" if self.master_key else "empty"
            raise BundleMalformed(f"bundle field 'master_key' is {wrong}")
        if not all(type(module) is str and module for module in self.modules):
            raise BundleMalformed("bundle field 'modules' holds what is no name")
        try:
            bytes.fromhex(self.master_key)
        except ValueError:
            raise BundleMalformed("bundle field 'master_key' is not hexadecimal") from None

    def __repr__(self) -> str:
        """Show the fields without the secret and without a password in the address."""
        shown = asdict(self)
        credentials, at, place = self.redis_url.rpartition("@")
        scheme = credentials.partition("://")[0]
        shown["redis_url"] = f"{scheme}://{SHOWN_AS}@{place}" if at else place
        shown["master_key"] = SHOWN_AS
        return f"Bundle({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def of(self, worker: str, generation: int, group: str) -> Bundle:
        """Return the same settings for another process."""
        return replace(self, worker=worker, generation=generation, group=group)

    def to_json(self) -> str:
        """Return the text that `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Bundle:
        """Read a bundle.

        Raises:
            BundleMalformed: naming the field that is missing, unknown or wrong.
        """
        try:
            values: Any = json.loads(text)
        except ValueError:
            raise BundleMalformed("the bundle is not JSON") from None
        if not isinstance(values, dict):
            raise BundleMalformed("the bundle is not a JSON object")
        names = [field.name for field in fields(cls)]
        for name in names:
            if name not in values:
                raise BundleMalformed(f"bundle field '{name}' is missing")
        for name in values:
            if name not in names:
                raise BundleMalformed(f"bundle field {name[:40]!a} is unknown")
        if type(values["modules"]) is list:
            values["modules"] = tuple(values["modules"])
        return cls(**values)
