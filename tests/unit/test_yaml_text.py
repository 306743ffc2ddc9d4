"""YAML as configuration files need it: no guesses, no repeated keys, errors with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernel.adapters.yaml_text import FILE_BYTES_MAX, read_yaml
from kernel.errors import ConfigError


def refusal(path: Path) -> str:
    """Return what is said about a file that cannot be read."""
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    return str(caught.value)


def written(folder: Path, content: str | bytes) -> Path:
    """Write a file into the folder."""
    path = folder / "rules.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0", 0),
        ("3.5", 3.5),
        ("1.5e3", 1500.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("no", "no"),
        ("On", "On"),
        ("True", "True"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2000-01-03", "2000-01-03"),
        (".inf", ".inf"),
        ("9" * 5_000, "9" * 5_000),
        ("'3'", "3"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_plain_word_is_a_value_only_when_nobody_can_doubt_it(
    tmp_path: Path, text: str, value: object
) -> None:
    """Whatever older YAML would guess at stays text, for the models to refuse."""
    read = read_yaml(written(tmp_path, f"key: {text}\n"))

    assert read == {"key": value}
    assert isinstance(read, dict)
    assert type(read["key"]) is type(value)


def test_a_merge_key_is_an_ordinary_key(tmp_path: Path) -> None:
    """`<<` would bring in keys that are not written there."""
    assert read_yaml(written(tmp_path, "<<: {a: 1}\n")) == {"<<": {"a": 1}}


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    """Some editors write one."""
    assert read_yaml(written(tmp_path, b"\xef\xbb\xbfa: 1\n")) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "place", "sentence"),
    [
        ("a: 1\nb: [1, 2\n", ":3:1", "not valid YAML: expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", ":2:1", "not valid YAML: found character '\\t'"),
        ("a: 1\na: 2\n", ":2:1", "the key 'a' is there twice; keep one"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", ":4:3", "the key 'b' is there twice"),
        ("a: {b: 1, b: 1}\n", ":1:11", "the key 'b' is there twice"),
        ("a: 1\n'a': 2\n", ":2:1", "the key 'a' is there twice"),
        ("[a, b]: 1\n", ":1:1", "a key must be a word"),
        ("? {a: b}\n: 1\n", ":1:3", "a key must be a word"),
        ("a: &x 1\nb: 2\n", ":1:4", "tags (!), anchors (&) and aliases (*) are refused"),
        ("a: *x\n", ":1:4", "tags (!), anchors (&) and aliases (*) are refused"),
        ("a: !!int '8'\n", ":1:4", "tags (!), anchors (&) and aliases (*) are refused"),
        ("a: ! 8\n", ":1:4", "tags (!), anchors (&) and aliases (*) are refused"),
        ("a: !!python/object/apply:os.getcwd []\n", ":1:4", "tags (!), anchors (&)"),
        ("a: 1\n---\na: 1\n", ":2:1", "not valid YAML: but found another document"),
        ("a: 1\nb: \x07\n", ":2", "a character that YAML does not allow"),
        (b"a: 1\nb: \xff\n", ":2", "not UTF-8 text"),
        ("a: " + "[" * 30_000, "", "nested far too deeply"),
        (b"#" * (FILE_BYTES_MAX + 1), "", "larger than 65536 bytes"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, place: str, sentence: str
) -> None:
    """The file's name, the line where there is one, and what is wrong."""
    path = written(tmp_path, content)

    told = refusal(path)

    assert told.startswith(f"{path}{place}: ")
    assert sentence in told


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """With the path that was given."""
    told = refusal(tmp_path / "absent.yaml")

    assert (
        told == f"{tmp_path}/absent.yaml: cannot read the configuration: No such file or directory"
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """Paths only, and of files."""
    assert refusal(tmp_path).endswith("cannot read the configuration: Is a directory")


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """A loop of links stands for a lack of rights, which root never has."""
    link = tmp_path / "loop.yaml"
    link.symlink_to(link)

    assert refusal(link).startswith(f"{link}: cannot read the configuration: Too many levels")
