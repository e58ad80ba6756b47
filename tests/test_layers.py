"""Each package knows only those below it: domain <- prompts <- retrievers <- chains <- service."""

from __future__ import annotations

import subprocess
import sys
from itertools import chain

import pytest

from tests.sources import PACKAGES, ROOT, sources

BELOW = {
    "domain": set(),
    "prompts": {"domain"},
    "retrievers": {"domain", "prompts"},
    "chains": {"domain", "prompts", "retrievers"},
    "evaluation": {"domain", "prompts", "retrievers", "chains"},
    "finetuning": {"domain", "prompts", "retrievers", "chains"},
    "service": {"domain", "prompts", "retrievers", "chains", "evaluation", "finetuning"},
}

SLOW = ("torch", "transformers", "peft", "chromadb", "langchain_openai", "langchain_community", "xllamacpp", "alembic")
"""Packages that take a third of a second and more to import: only functions that need them may."""

OUTSIDE = {
    "chains": ("fastapi", "starlette", "sqlalchemy", "pydantic_settings", "typer"),
    "retrievers": ("fastapi", "starlette", "pydantic_settings", "typer"),
    "prompts": ("fastapi", "starlette", "sqlalchemy", "pydantic_settings", "typer", "chromadb"),
    "domain": ("fastapi", "starlette", "sqlalchemy", "pydantic", "langchain_core", "yaml"),
}
"""What a package must not know: HTTP servers, SQL, settings, the command line."""


def uses(name: str, *, of: str) -> bool:
    """Whether a dotted name is a package or inside it."""
    return name == of or name.startswith(f"{of}.")


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_imports_upward_or_sideways(package: str) -> None:
    forbidden = set(PACKAGES) - BELOW[package] - {package} | {"tests", "bench"}
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in sources(package)
        for name, line in source.imports()
        if name.partition(".")[0] in forbidden
    ]
    assert wrong == []


@pytest.mark.parametrize("package", OUTSIDE)
def test_lower_packages_do_not_know_the_outside(package: str) -> None:
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in sources(package)
        for name, line in source.imports()
        if any(uses(name, of=outside) for outside in OUTSIDE[package])
    ]
    assert wrong == []


def test_langchain_community_stands_in_one_module() -> None:
    users = {
        source.path
        for source in sources(*PACKAGES)
        for name, _ in source.imports()
        if uses(name, of="langchain_community")
    }
    assert users <= {"retrievers/loaders.py"}


@pytest.mark.parametrize("package", SLOW)
def test_slow_packages_are_imported_only_where_they_are_used(package: str) -> None:
    wrong = [
        f"{source.path}:{line}"
        for source in sources(*PACKAGES)
        for name, line in source.imports(at_module_level=True)
        if uses(name, of=package) and not source.path.startswith(_MAY_IMPORT_AT_ONCE.get(package, ()))
    ]
    assert wrong == []


def test_importing_the_library_imports_nothing_slow() -> None:
    script = f"import sys, domain, prompts, retrievers, chains; print(*sorted(set({SLOW!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == ""


def test_only_the_service_reads_the_environment() -> None:
    lower = sources(*(package for package in PACKAGES if package != "service"))
    readers = {source.path for source in lower if "os.environ" in source.text or "os.getenv" in source.text}
    assert readers <= {"chains/models/engine.py"}  # tells llama.cpp's OpenMP how to wait, which nothing else can


def test_the_order_has_no_circle() -> None:
    assert all(package not in chain.from_iterable(BELOW[below] for below in BELOW[package]) for package in BELOW)


_MAY_IMPORT_AT_ONCE = {
    "torch": (
        "chains/models/transformers",
        "finetuning/session.py",
        "finetuning/answer_trainer.py",
        "finetuning/lora.py",
    ),
    "transformers": (
        "chains/models/transformers",
        "finetuning/session.py",
        "finetuning/answer_trainer.py",
        "finetuning/watching.py",
    ),
    "peft": ("finetuning/lora.py",),
    "langchain_openai": ("chains/models/traced.py",),
    "alembic": ("service/storage/migrations/",),
}
"""Files that are themselves imported only where they are used; may only shrink."""
