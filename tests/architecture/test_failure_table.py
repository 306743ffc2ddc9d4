"""The failure table in the README and the tests that show its rows name each other.

A test says which row it shows by the mark `row`, given the text of the row's first column; the row
names the test as `file::function`, both without their `test_`. So a row that nobody shows is found,
and a test that lost its row. Files are read as text: no test is imported here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from tests.architecture import tidy

HEADING = "## When something dies"
MARK = "row"

#: Row -> the tests that it names, or that name it.
Shown = dict[str, set[str]]

BAD_TABLE = f"""
{HEADING}

| what | what happens | shown by |
|---|---|---|
| worker killed | Another goes on. | `kills::goes_on` |
| server flushed | All end. | |
| power cut | Nothing is lost. | `kills::is_gone` |

## Another section

| worker frozen | - | `kills::stands_still` |
"""
BAD_TEST = """
import pytest

FROZEN = pytest.mark.row("worker frozen")


@pytest.mark.slow
@pytest.mark.row("worker killed")
def test_goes_on(): ...


@FROZEN
@pytest.mark.row("server flushed")
def test_stands_still(): ...


def test_something_else(): ...
"""


def table_of(readme: str) -> Shown:
    """Return the rows of the failure table with the tests that each names."""
    section = readme.partition(f"{HEADING}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    return {row[0].strip(): set(re.findall(r"`([^`]+)`", row[-1])) for row in rows[1:]}


def marks_of(name: str, source: str) -> Shown:
    """Return the rows that the tests of one file say they show, with those tests."""
    tree = ast.parse(source, filename=name)
    stem = name.rpartition("/")[2].removesuffix(".py").removeprefix("test_")
    named = {
        target.id: row
        for node in tree.body
        if isinstance(node, ast.Assign) and (row := _row_of(node.value, {}))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    shown: Shown = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for decorator in node.decorator_list:
                if row := _row_of(decorator, named):
                    test = f"{stem}::{node.name.removeprefix('test_')}"
                    shown.setdefault(row, set()).add(test)
    return shown


def _row_of(node: ast.expr, named: Mapping[str, str]) -> str:
    """Return the row that a decorator names, directly or by a name of the module; else nothing."""
    if isinstance(node, ast.Name):
        return named.get(node.id, "")
    if isinstance(node, ast.Call) and ast.unparse(node.func) == f"pytest.mark.{MARK}":
        return str(ast.literal_eval(node.args[0]))
    return ""


def offences(table: Shown, marked: Shown) -> list[str]:
    """Return what does not fit: rows without a test, and names that only one side knows."""
    found = [f"row '{row}' names no test" for row, tests in table.items() if not tests]
    for row in sorted(table.keys() | marked.keys()):
        named, bearing = table.get(row, set()), marked.get(row, set())
        if row not in table:
            found.append(f"no row '{row}', which is marked on {', '.join(sorted(bearing))}")
            continue
        found += [f"row '{row}' does not name {test}, marked so" for test in bearing - named]
        found += [f"row '{row}' names {test}, which is not marked so" for test in named - bearing]
    return found


def test_what_does_not_fit_is_found() -> None:
    """A row without a test, a test that is not there, a mark without a row, a row left out."""
    found = offences(table_of(BAD_TABLE), marks_of("tests/test_kills.py", BAD_TEST))

    assert sorted(found) == [
        "no row 'worker frozen', which is marked on kills::stands_still",
        "row 'power cut' names kills::is_gone, which is not marked so",
        "row 'server flushed' does not name kills::stands_still, marked so",
        "row 'server flushed' names no test",
    ]


def test_every_row_of_the_failure_table_is_shown() -> None:
    """Each row names the tests that bear its mark: all of them, and no others."""
    marked: Shown = {}
    for name in tidy.tracked_files():
        if name.startswith("tests/") and name.rpartition("/")[2].startswith("test_"):
            for row, tests in marks_of(name, (tidy.ROOT / name).read_text("utf-8")).items():
                marked.setdefault(row, set()).update(tests)
    table = table_of((tidy.ROOT / "README.md").read_text("utf-8"))

    assert len(table) > 10, "the failure table is not where it was"
    assert "\n".join(offences(table, marked)) == ""
