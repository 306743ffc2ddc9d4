"""The tree of errors: complete, drawn as it is, each class with a category and a code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kernel import errors


def family(root: type[errors.FundloadError]) -> list[type[errors.FundloadError]]:
    """Return the class and all below it, as far as `kernel.errors` defines them."""
    below = [kind for child in root.__subclasses__() for kind in family(child)]
    return [root, *(kind for kind in below if kind.__module__ == errors.__name__)]


TREE = family(errors.FundloadError)


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_class_has_a_category_and_a_documented_exit_code(
    kind: type[errors.FundloadError],
) -> None:
    """A log line and the shell both learn what kind of failure it was."""
    assert re.fullmatch(r"[a-z][a-z_]*", kind.category)
    assert kind.exit_code in errors.EXIT_CODES
    assert kind.exit_code not in {errors.EXIT_DONE, errors.EXIT_SIGINT, errors.EXIT_SIGTERM}


def test_no_two_classes_share_a_category() -> None:
    """A counter by category tells the classes apart."""
    categories = [kind.category for kind in TREE]

    assert len(set(categories)) == len(categories)


def test_a_class_ends_the_process_as_its_parent_does() -> None:
    """Whoever catches the parent may rely on its exit code; only the root's children choose."""
    for kind in TREE[1:]:
        parent = kind.__mro__[1]
        assert issubclass(parent, errors.FundloadError)
        if parent is not errors.FundloadError:
            assert kind.exit_code == parent.exit_code


def test_the_exit_codes_are_all_in_the_table_with_a_sentence() -> None:
    """The table of the documentation is this table: no constant is missing, no sentence empty."""
    constants = {
        value
        for name, value in vars(errors).items()
        if name.startswith("EXIT_") and isinstance(value, int)
    }

    assert constants == set(errors.EXIT_CODES)
    assert constants == {0, 1, 2, 4, 5, 6, 7, 130, 143}
    assert all(sentence.endswith(".") for sentence in errors.EXIT_CODES.values())


def test_the_drawing_in_the_docstring_is_the_tree() -> None:
    """Each class is drawn once, and each code drawn is the code of the class."""
    drawn = re.findall(r"^[ │├└─]+(\w+)(?: +(\d)\b| {3})", errors.__doc__ or "", re.MULTILINE)

    assert sorted(name for name, _ in drawn) == sorted(kind.__name__ for kind in TREE)
    codes = {name: int(code) for name, code in drawn if code}
    assert len(codes) == 7
    assert all(getattr(errors, name).exit_code == code for name, code in codes.items())


def test_an_error_without_a_sentence_speaks_by_its_class() -> None:
    """Nobody ever reads an empty line on the terminal."""
    assert str(errors.LedgerGone()) == "The ledger that was worked on is no longer there."
    assert str(errors.LedgerGone("Ledger prod is gone.")) == "Ledger prod is gone."


def test_the_readme_has_the_table_of_exit_codes() -> None:
    """The one table that operators read says, row for row, what the code says."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    rows = {
        int(code): text for code, text in re.findall(r"^\| (\d+) \| (.+) \|$", readme, re.MULTILINE)
    }

    assert rows == errors.EXIT_CODES
