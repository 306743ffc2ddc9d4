"""The checks of the tidy test: each takes source text or names and returns the offences found.

They are functions of their arguments, so that `test_tidy.py` can first show that a check finds what
it is for, and then hold the whole tree to it. Nothing here reads a file, except `tracked_files`.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("producer", "consumers", "kernel")

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50

#: Words that say nothing, or say something else here (task and message are the broker's words).
BANNED = {
    "manager",
    "helper",
    "util",
    "utils",
    "common",
    "handler",
    "data",
    "info",
    "task",
    "message",
    "transaction",
}
#: Nouns of ours that are no verbs here: a function's name must not begin with one.
NO_VERBS = {"process", "load"}

ROOT_NAMES = {
    *PACKAGES,
    "tests",
    "deploy",
    "configs",
    "pyproject.toml",
    "requirements.lock",
    "Makefile",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
}

#: What only means something on one machine. Split, so that this file does not find itself.
MACHINE = re.compile(
    "|".join(
        (
            r"(?<![\w.$}-])/" + r"work/",
            r"(?<![\w.])/" + r"root/",
            r"(?<![\w.])/" + r"opt/(?:wheels|pypi)",
            r"(?<![\w.])/" + r"tmp/(?:w/|bash_jobs)",
            "python" + "hosted",
            "pypi" + r"\.(?:org|python)",
            "registry" + r"\.npmjs",
            "index" + "-url =",
        )
    )
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Offences = list[str]


def tracked_files() -> list[str]:
    """Return what git has or would take: every file that is not ignored and still there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = listed.stdout.decode().split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def functions(tree: ast.AST) -> Iterator[tuple[Function, bool]]:
    """Yield every function with whether it is a method."""
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, Function):
                yield child, isinstance(parent, ast.ClassDef)


def too_long(source: str) -> Offences:
    """Find a file of more lines than one reads in one go."""
    lines = source.count("\n")
    return [f"{lines} lines, {FILE_LINES_MAX} allowed"] if lines > FILE_LINES_MAX else []


def long_functions(tree: ast.AST) -> Offences:
    """Find functions of more lines than one can see at once, docstring included."""
    found = []
    for function, _ in functions(tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            found.append(f"{function.name}: {lines} lines, {FUNCTION_LINES_MAX} allowed")
    return found


def no_docstring(tree: ast.Module) -> Offences:
    """Find a module that does not say what lives in it."""
    return [] if ast.get_docstring(tree) else ["no module docstring"]


def words_of(name: str) -> list[str]:
    """Split a name into its words, whether written_so or SoWritten."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return apart.lower().strip("_").split("_")


def bad_names(module: str, tree: ast.AST) -> Offences:
    """Find banned words in the names of a module, its classes and its functions.

    A test's name is a sentence about something, so only its module is held to the list. `queue` is
    RQ's word and stays where RQ is touched. `load` alone is a method of the ports, and may be a
    function of the adapters, which carry such a method out.
    """
    rq = module in {"kernel.adapters.redis.bell", "consumers.worker"} or module.startswith("tests")
    banned = BANNED if rq else BANNED | {"queue"}
    names = [*module.split(".")]
    names += [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = []
    for function, is_method in functions(tree):
        if function.name.startswith("test_"):
            continue
        names.append(function.name)
        verb = words_of(function.name)[0]
        is_port = function.name == "load" and (is_method or module.startswith("kernel.adapters."))
        if verb in NO_VERBS and not is_port:
            found.append(f"{function.name}: `{verb}` is no verb here")
    found += [f"{name}: `{word}`" for name in names for word in words_of(name) if word in banned]
    return found


def floats(tree: ast.AST) -> Offences:
    """Find floating point: a constant, the name `float`, a true division."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(f"line {node.lineno}: the constant {node.value}")
        elif isinstance(node, ast.Name) and node.id == "float":
            found.append(f"line {node.lineno}: float")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.append(f"line {node.lineno}: a division with /")
    return found


def machine_words(text: str) -> Offences:
    """Find paths and addresses that belong to one machine."""
    return [
        f"line {number}: {match.group()}"
        for number, line in enumerate(text.splitlines(), start=1)
        for match in MACHINE.finditer(line)
    ]


def strangers_at_the_root(names: Iterable[str]) -> Offences:
    """Find top-level names that are neither on the list nor dotfiles."""
    tops = {name.partition("/")[0] for name in names}
    return sorted(top for top in tops if top not in ROOT_NAMES and not top.startswith("."))


def module_name(path: str) -> str:
    """Return the dotted name of a Python file of the tree."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def mentions(tree: ast.AST) -> set[str]:
    """Return every dotted name that a module imports, or names in a string of its own.

    A string counts only if it is nothing but such a name: `python -m` and RQ find modules so.
    """
    found: set[str] = set()
    dotted = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update({node.value} if dotted.fullmatch(node.value) else ())
    return found


def unreachable(modules: Mapping[str, ast.AST], entries: Iterable[str]) -> Offences:
    """Find modules that no chain of imports from the entry points reaches.

    A name reaches every module that it begins with: importing `a.b.c` runs `a` and `a.b` too.
    """
    reached: set[str] = set()
    ahead = set(entries)
    while ahead:
        parts = ahead.pop().split(".")
        prefixes = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        for module in (prefixes & modules.keys()) - reached:
            reached.add(module)
            ahead |= mentions(modules[module])
    return sorted(modules.keys() - reached)
