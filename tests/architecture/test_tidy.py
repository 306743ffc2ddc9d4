"""The tree stays small, named in our words, alive, and free of any one machine.

Each check is first shown to find an offence, then the whole tree is held to it. There is no list of
exceptions: a file that grows too long is split.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable

import pytest

from tests.architecture import tidy

FILES = tidy.tracked_files()
PYTHON = [name for name in FILES if name.endswith(".py")]
LUA = [name for name in FILES if name.endswith(".lua")]
OURS = [name for name in PYTHON if name.partition("/")[0] in tidy.PACKAGES]
SCRIPTS = "kernel/adapters/redis/scripts.py"


def text_of(name: str) -> str:
    """Return the text of a file of the tree."""
    return (tidy.ROOT / name).read_text(encoding="utf-8")


def tree_of(name: str) -> ast.Module:
    """Return the syntax tree of a Python file of the tree."""
    return ast.parse(text_of(name), filename=name)


def listed(offences: Iterable[tuple[str, list[str]]]) -> str:
    """Put offences one to a line, so that a failure names them all; empty when there are none."""
    return "\n".join(f"{name}: {what}" for name, found in offences for what in found)


def test_the_checks_find_what_they_are_for() -> None:
    """A check that finds nothing in a bad example guards nothing."""
    long = "def f():\n" + "    x = 1\n" * 50

    assert tidy.too_long("\n" * 301)
    assert not tidy.too_long("\n" * 300)
    assert tidy.long_functions(ast.parse(long))
    assert not tidy.long_functions(ast.parse(long.replace("    x = 1\n", "", 1)))
    assert tidy.no_docstring(ast.parse("x = 1"))
    assert tidy.strangers_at_the_root(["docs/a.md", ".ci/run", "kernel/a.py"]) == ["docs"]


@pytest.mark.parametrize(
    "source",
    [
        "class TaskList: ...",
        "class IOHelper: ...",
        "def read_data(): ...",
        "def load_config(): ...",
        "def load(): ...",
        "async def process(): ...",
        "class A:\n  def process_line(self): ...",
        "def queue_depth(): ...",
    ],
)
def test_a_banned_word_in_a_name_is_found(source: str) -> None:
    """In classes, functions and methods, in either spelling."""
    assert tidy.bad_names("kernel.domain.money", ast.parse(source))


def test_our_own_words_are_not_banned() -> None:
    """`load` is the noun of the domain and a method of the ports; words merely contain others."""
    source = "class FundLoad:\n  def load(self): ...\ndef date_of(load): ...\ndef informed(): ..."

    assert not tidy.bad_names("kernel.ledger.ports", ast.parse(source))
    assert not tidy.bad_names("consumers.worker", ast.parse("def queue_of(): ..."))
    assert tidy.bad_names("kernel.common.money", ast.parse(""))


@pytest.mark.parametrize("source", ["x = 1.0", "x = 1e3", "x = float(y)", "x = a / b", "x /= 2"])
def test_floating_point_is_found(source: str) -> None:
    """Whichever way it comes in."""
    assert tidy.floats(ast.parse(source))


@pytest.mark.parametrize("folder", ["work", "root", "opt/wheels"])
def test_a_path_of_one_machine_is_found(folder: str) -> None:
    """Absolute paths are; the same word inside a relative path or an address is not."""
    assert tidy.machine_words(f"cd /{folder}/main")
    assert not tidy.machine_words(f"cd ../{folder}/main and ./{folder}/x")


def test_an_unreachable_module_is_found() -> None:
    """Imports, `from` imports and strings that are a module's name lead on; nothing else does."""
    sources = {
        "kernel": "",
        "kernel.a": "import kernel.b\nfrom kernel import c",
        "kernel.b": "RUN = 'kernel.d'",
        "kernel.c": "text = 'see kernel.e'",
        "kernel.d": "",
        "kernel.e": "import kernel.e",
    }
    modules = {name: ast.parse(source) for name, source in sources.items()}

    assert tidy.unreachable(modules, ["kernel.a:main".partition(":")[0]]) == ["kernel.e"]


def test_no_file_and_no_function_is_too_long() -> None:
    """Python and Lua files have at most 300 lines, functions at most 50."""
    files = [(name, tidy.too_long(text_of(name))) for name in PYTHON + LUA]
    files += [(name, tidy.long_functions(tree_of(name))) for name in PYTHON]

    assert listed(files) == ""


def test_every_module_says_what_lives_in_it() -> None:
    """A docstring in Python, a head comment in Lua."""
    files = [(name, tidy.no_docstring(tree_of(name))) for name in PYTHON]
    files += [(name, ["no head comment"]) for name in LUA if not text_of(name).startswith("--")]

    assert listed(files) == ""


def test_no_name_has_a_banned_word() -> None:
    """Modules, classes and functions are named in the words of the glossary."""
    python = ((name, tidy.bad_names(tidy.module_name(name), tree_of(name))) for name in PYTHON)
    lua = ((name, tidy.bad_names(name.removesuffix(".lua"), ast.parse(""))) for name in LUA)

    assert listed([*python, *lua]) == ""


def test_the_domain_knows_no_floating_point() -> None:
    """Money is integer cents, and a rounding error in it would be somebody's money."""
    domain = [name for name in PYTHON if name.startswith("kernel/domain/")]

    assert domain
    assert listed((name, tidy.floats(tree_of(name))) for name in domain) == ""


def test_every_module_is_reachable_from_an_entry_point() -> None:
    """What no command, no worker and no job can reach is dead: wire it in or remove it."""
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    points = list(project["scripts"].values())
    points += project["entry-points"]["fundload.commands"].values()
    # The twins of the scheduling ports: the simulator runs the real turn on them.
    points.append("kernel.adapters.memory.ledger")
    modules = {tidy.module_name(name): tree_of(name) for name in OURS}

    dead = tidy.unreachable(modules, [point.partition(":")[0] for point in points])

    assert dead == [], "no entry point reaches:\n" + "\n".join(dead)


def test_every_lua_file_is_named_by_its_wrapper() -> None:
    """A script that no wrapper names is dead."""
    strings = {
        node.value.removesuffix(".lua")
        for node in (ast.walk(tree_of(SCRIPTS)) if SCRIPTS in FILES else ())
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    stems = {name.rpartition("/")[2].removesuffix(".lua") for name in LUA}

    dead = sorted(stems - strings)
    assert dead == [], f"not named in {SCRIPTS}: {', '.join(dead)}"


def test_the_root_holds_only_what_belongs_there() -> None:
    """The root stays as it was agreed; anything new goes below one of its folders."""
    assert tidy.strangers_at_the_root(FILES) == []


def test_no_file_speaks_of_one_machine() -> None:
    """No path and no package host of whoever wrote it: a clone works the same anywhere."""
    texts = ((name, (tidy.ROOT / name).read_bytes().decode("utf-8", "replace")) for name in FILES)

    assert listed((name, tidy.machine_words(text)) for name, text in texts) == ""
