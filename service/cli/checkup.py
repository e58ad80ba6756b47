"""What `riddlewire doctor` looks at, apart from models: Python, packages, data folder, database, examples, files.

A check never raises on what it was made to find: it returns what it found and what to do about it.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from domain.errors import RiddlewireError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

    from service.settings import Settings

Verdict = Literal["ok", "note", "failed"]

_OLDEST_PYTHON = (3, 11)
_EXTRAS = {
    "local": "models that run through transformers, and fine-tuning",
    "telemetry": "OpenTelemetry traces",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found.

    Args:
        name: Of the check.
        verdict: `note` is worth knowing and keeps nothing from working.
        detail: What is the case.
        remedy: What to do; empty when there is nothing to do.
    """

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def check_python() -> Finding:
    """Whether this interpreter is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Finding(name="python", verdict="failed", detail=version, remedy="use Python 3.11 or newer")
    return Finding(name="python", verdict="ok", detail=version)


def check_packages() -> Finding:
    """Whether what the package asks for is installed in versions it can use."""
    problems = _unmet(extra=None)
    if problems:
        remedy = "install Riddlewire again: pip install --upgrade riddlewire"
        return Finding(name="packages", verdict="failed", detail="; ".join(problems), remedy=remedy)
    return Finding(name="packages", verdict="ok", detail="all that is needed is installed")


def check_page_reader() -> Finding:
    """Whether articles can be taken out of web pages: the library imports parts that its package does not ask for."""
    try:
        import trafilatura  # noqa: F401  # importing it is the check
    except ImportError as error:
        remedy = "pip install lxml_html_clean"
        return Finding(name="web pages", verdict="failed", detail=f"cannot be read: {error}", remedy=remedy)
    return Finding(name="web pages", verdict="ok", detail="articles can be read from URLs")


def check_extras() -> Iterator[Finding]:
    """Which optional parts are installed."""
    for extra, purpose in _EXTRAS.items():
        missing = _unmet(extra=extra)
        if missing:
            remedy = f"for {purpose}: pip install 'riddlewire[{extra}]'"
            yield Finding(name=f"extra {extra}", verdict="note", detail="not installed", remedy=remedy)
        else:
            yield Finding(name=f"extra {extra}", verdict="ok", detail=f"installed ({purpose})")


def _unmet(extra: str | None) -> list[str]:
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    problems = []
    for line in requires("riddlewire") or ():
        wanted = Requirement(line)
        applies = wanted.marker is None or wanted.marker.evaluate({"extra": extra or ""})
        if not applies or (extra is not None and wanted.marker is None):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            problems.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            problems.append(f"{wanted.name} {found} is not {wanted.specifier}")
    return problems


def check_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that look like settings and are none: a misspelt one protects nothing, and nobody tells."""
    from service.settings_table import unknown_variables

    for name, meant in sorted(unknown_variables(environment).items()):
        remedy = f"did you mean {meant}?" if meant else "see docs/configuration.md for those there are, or unset it"
        yield Finding(name="settings", verdict="note", detail=f"{name} is set, and nothing reads it", remedy=remedy)


def check_home(settings: Settings) -> Finding:
    """Whether the data folder can be written."""
    import shutil
    import tempfile

    from service.storage.home import make_home

    try:
        make_home(settings.home)
        with tempfile.TemporaryFile(dir=settings.home) as file:
            file.write(b"riddlewire")
    except (RiddlewireError, OSError) as error:
        return Finding(
            name="data folder", verdict="failed", detail=str(error), remedy="set RIDDLEWIRE_HOME to a folder you own"
        )
    free = shutil.disk_usage(settings.home).free / 2**30
    return Finding(name="data folder", verdict="ok", detail=f"{settings.home} ({free:.1f} GiB free)")


def check_database(settings: Settings, engine: Engine) -> Finding:
    """Whether the database answers and has the tables of this version; an empty one gets them, an older one is left."""
    from sqlalchemy.exc import SQLAlchemyError

    from service.storage.migrate import HEAD, current_revision, is_older, migrate

    shown = engine.url.render_as_string(hide_password=True)
    try:
        if is_older(engine):
            detail = f"{shown}, schema {current_revision(engine)}; this version has {HEAD}"
            remedy = "back up and stop every process of the old version; the first one to start then migrates"
            return Finding(name="database", verdict="note", detail=detail, remedy=remedy)
        migrate(engine)
    except (RiddlewireError, SQLAlchemyError) as error:
        remedy = "check RIDDLEWIRE_DATABASE_URL and that the database server runs"
        return Finding(name="database", verdict="failed", detail=str(error), remedy=remedy)
    kind = "SQLite, one serving process" if settings.needs_home_lock else "shared"
    return Finding(name="database", verdict="ok", detail=f"{shown}, schema {HEAD} ({kind})")


def check_keys(settings: Settings, engine: Engine) -> Finding:
    """Whether the service may be served where the settings say."""
    from service.keys import KeyStore

    keys_exist = KeyStore(engine).exist()
    try:
        settings.check_exposure(keys_exist=keys_exist)
    except RiddlewireError as error:
        remedy = "riddlewire keys create NAME --role admin"
        return Finding(name="API keys", verdict="failed", detail=str(error), remedy=remedy)
    detail = "keys are on" if keys_exist else f"none: {settings.host} is open to everybody on this machine"
    return Finding(name="API keys", verdict="ok", detail=detail)


def check_examples(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Whether the embeddings load, the index can be built and an example is found."""
    from retrievers import open_examples

    start = time.perf_counter()
    try:
        examples = open_examples(engine=engine, chroma=settings.chroma_url, embeddings=settings.embeddings, seed=True)
    except RiddlewireError as error:
        remedy = "check RIDDLEWIRE_EMBEDDINGS, its provider's key, and RIDDLEWIRE_CHROMA_URL"
        yield Finding(name="embeddings and index", verdict="failed", detail=str(error), remedy=remedy)
        return
    try:
        yield from _look_up(settings, examples, start)
    finally:
        examples.close()


def _look_up(settings: Settings, examples: object, start: float) -> Iterator[Finding]:
    from retrievers import Examples

    assert isinstance(examples, Examples)
    where = settings.chroma_url or "in this process"
    detail = f"{settings.embeddings}, {examples.embeddings.dimension} dimensions, index {where}"
    seconds = time.perf_counter() - start
    yield Finding(name="embeddings and index", verdict="ok", detail=f"{detail}, ready in {seconds:.1f} s")
    count = examples.store.count()
    found = examples.search("a storm over the harbour", k=1)
    if found:
        yield Finding(
            name="examples", verdict="ok", detail=f"{count} stored; a test search finds {found[0].example.id}"
        )
    else:
        remedy = "riddlewire examples import FILE"
        yield Finding(name="examples", verdict="failed", detail=f"{count} stored, none is found", remedy=remedy)


def check_files(settings: Settings) -> Iterator[Finding]:
    """Prompt and pipeline files: one finding for each that is refused."""
    from prompts import Catalog

    catalog = Catalog(settings.home)
    for problem in catalog.problems():
        where = f"{problem.path}:{problem.line}" if problem.line else str(problem.path)
        remedy = "repair the file; until then the last good one counts"
        yield Finding(name="files", verdict="failed", detail=f"{where}: {problem.reason}", remedy=remedy)
    if not catalog.problems():
        detail = f"{len(catalog.prompts())} prompts, {len(catalog.pipelines())} pipelines"
        yield Finding(name="files", verdict="ok", detail=detail)


def check_budgets(settings: Settings) -> Iterator[Finding]:
    """Budgets that limit nothing: whoever set one relies on it."""
    from prompts import Catalog
    from service.limits.idle_budgets import idle_budgets

    known = [pipeline.name for pipeline in Catalog(settings.home).pipelines()]
    for idle in idle_budgets(settings.budgets.pipelines, known):
        yield Finding(name=f"budget of {idle.pipeline}", verdict="failed", detail=idle.detail, remedy=idle.remedy)
