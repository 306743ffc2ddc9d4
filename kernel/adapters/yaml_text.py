"""YAML as configuration files need it: text in, plain values out, no surprises.

Here: the reading of a file and of its syntax. Not here: what the keys mean (`config.py`). The full
language guesses too much for a file that holds limits on money, so this is a part of it:

1. Nothing is executed and nothing is built but maps, lists, text, whole numbers, floats, true,
   false and null.
2. A plain `no`, `on`, `010`, `1:30` or `1_000` is text, not false, true, 8, 90 or 1000: the strict
   models then say what they want instead of taking a guess for a value.
3. A key given twice in one map is an error: it is never clear which one was meant.
4. Tags, anchors and aliases are errors: the first make a value something else than it looks like,
   with the others a small file can stand for a huge one.
5. A file larger than `FILE_BYTES_MAX` is refused before it is read to its end.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from kernel.errors import ConfigError

#: A configuration has a few hundred bytes; more than this is some other file.
FILE_BYTES_MAX: Final = 65_536


class _PlainLoader(yaml.SafeLoader):
    """The safe loader without its guesses, aliases and repeated keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - its name

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node, unless it has a tag or an anchor, or is an alias."""
        untyped: Any = self
        event = untyped.peek_event()
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None or event.tag is not None:
            raise yaml.MarkedYAMLError(
                problem="tags (!), anchors (&) and aliases (*) are refused; write the value out",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - the signature is theirs
    ) -> dict[object, object]:
        """Construct a map, unless a key is repeated."""
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be a word", problem_mark=key_node.start_mark
                )
            if key_node.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key_node.value[:40]!r} is there twice; keep one",
                    problem_mark=key_node.start_mark,
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"null|~|", ["n", "~", ""]),
):
    _PlainLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


def read_yaml(path: Path) -> object:
    """Return the values of a YAML file.

    Raises:
        ConfigError: the file cannot be read, is not UTF-8, or is not YAML of the kind above; with
            the line where there is one.
    """
    text = _read_text(path)
    try:
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not valid YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{path}:{line}: a character that YAML does not allow") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested far too deeply for a configuration") from error


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"{path}: cannot read the configuration: {reason}") from error
    if len(raw) > FILE_BYTES_MAX:
        raise ConfigError(f"{path}: larger than {FILE_BYTES_MAX} bytes; is this a configuration?")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from error
