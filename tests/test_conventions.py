"""Habits that no linter knows. Lists of exceptions may only shrink."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from typing import TYPE_CHECKING

from tests.sources import PACKAGES, ROOT, Source, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_FILE = 400
"""Lines."""

PATHS_OF_A_MACHINE = re.compile(r"(?<![\w.~/])/(?:home|root|Users|work|tmp|mnt)/\w")
"""Absolute paths that exist on one machine only."""

TEXT_FILES = ("*.py", "*.md", "*.toml", "*.yaml", "*.yml", "*.json", "*.jsonl", "*.gbnf", "*.txt", "Makefile")


def own_files(*, tests: bool = True) -> tuple[Source, ...]:
    """Every Python file of the project."""
    return sources(*PACKAGES, *(("tests",) if tests else ()))


def public(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Classes and functions of a module whose names do not begin with an underscore."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node


def test_public_classes_and_functions_have_docstrings() -> None:
    without = {
        f"{source.path}:{node.name}"
        for source in own_files(tests=False)
        if "/migrations/" not in source.path
        for node in public(source.tree)
        if not ast.get_docstring(node)
    }
    assert without == set()


def test_every_module_says_what_it_is() -> None:
    without = [
        source.path
        for source in own_files(tests=False)
        if source.text.strip() and "/migrations/" not in source.path and not ast.get_docstring(source.tree)
    ]
    assert without == []


def test_whoever_catches_everything_and_keeps_it_says_why() -> None:
    silent = [
        f"{source.path}:{node.lineno}"
        for source in own_files()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        if _catches_everything(node) and not _raises_again(node)
        if not _gives_reason(source.text.splitlines()[node.lineno - 1])
    ]
    assert silent == []


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(
        {"Exception", "BaseException"} & set(re.findall(r"\w+", ast.unparse(handler.type)))
    )


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _gives_reason(line: str) -> bool:
    """Whether a line ends in a comment of more than a linter's code."""
    comment = re.sub(r"noqa:\s*[A-Z0-9, ]+", "", line.partition("#")[2])
    return len(re.findall(r"\w+", comment)) > 2


def test_no_file_is_long() -> None:
    long = [source.path for source in own_files() if source.text.count("\n") > LONGEST_FILE]
    assert long == []


def test_all_lists_are_sorted_and_true() -> None:
    for source in own_files(tests=False):
        names = _listed(source.tree)
        if names is None:
            continue
        assert names == sorted(names), source.path
        module = import_module(source.path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        assert [name for name in names if not hasattr(module, name)] == [], source.path


def _listed(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def test_no_file_names_a_path_of_a_machine() -> None:
    folders = [ROOT / name for name in (*PACKAGES, "tests", "docs") if (ROOT / name).exists()]
    files = [path for folder in folders for pattern in TEXT_FILES for path in folder.rglob(pattern)]
    files += [path for pattern in TEXT_FILES for path in ROOT.glob(pattern)]
    naming = {str(path.relative_to(ROOT)) for path in files if PATHS_OF_A_MACHINE.search(path.read_text("utf-8"))}
    assert naming - {"tests/test_conventions.py"} == set()


def test_private_names_stay_in_their_module() -> None:
    taken = [
        f"{source.path}:{node.lineno} takes {alias.name}"
        for source in own_files(tests=False)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert taken == []
