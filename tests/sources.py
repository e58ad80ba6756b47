"""The project's own Python files, parsed, for the tests of its structure."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGES = ("domain", "prompts", "retrievers", "chains", "evaluation", "finetuning", "service")
"""Lowest first. Those that are not there yet have no files."""


@dataclass(frozen=True)
class Source:
    """One file: its path from the project's root, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The folder at the root it belongs to."""
        return self.path.partition("/")[0]

    def imports(self, *, at_module_level: bool = False) -> Iterator[tuple[str, int]]:
        """Dotted names of the modules it imports, with their lines; not those for the type checker alone."""
        for node in _statements(self.tree, into_functions=not at_module_level):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield str(node.module), node.lineno


@cache
def sources(*packages: str) -> tuple[Source, ...]:
    """All Python files of some packages."""
    paths = sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))
    return tuple(
        Source(str(path.relative_to(ROOT)), text := path.read_text("utf-8"), ast.parse(text)) for path in paths
    )


def _statements(node: ast.AST, *, into_functions: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not into_functions:
            continue
        yield child
        yield from _statements(child, into_functions=into_functions)
