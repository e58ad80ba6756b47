"""`riddlewire doctor`: looks at everything a riddle depends on and says what to do about what is wrong."""

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from domain.errors import ConfigurationError
from service.cli.exits import Exit
from service.cli.hostile import clean_line
from service.cli.options import settings_of
from service.cli.running import run
from service.cli.terminal import out, print_json, working

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.cli.checkup import Finding
    from service.settings import Settings

_MARKS = {"ok": ("✓", "green"), "note": ("-", "yellow"), "failed": ("✗", "bold red")}


def doctor(
    ctx: typer.Context,
    models: Annotated[
        bool, typer.Option("--models/--no-models", help="Also start or reach the model of every pipeline.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check everything a riddle depends on, and say what to do about what is wrong.

    Looks at Python, packages, settings, data folder, database, API keys, embeddings, index, examples, prompt and
    pipeline files, budgets, and the models of all pipelines. Generates nothing, so it costs nothing.

    Exits with 1 when something keeps the service or its default pipeline from working, or a budget limits nothing.
    """
    found: list[Finding] = []
    for finding in _findings(ctx, models=models):
        found.append(finding)
        if not as_json:
            _print(finding)
    failed = [finding for finding in found if finding.verdict == "failed"]
    if as_json:
        print_json({"ok": not failed, "findings": [asdict(finding) for finding in found]})
    elif not failed:
        out().print(Text("All is well.", style="bold green"))
    raise typer.Exit(Exit.FAILED if failed else Exit.OK)


def _findings(ctx: typer.Context, *, models: bool) -> "Iterator[Finding]":
    from service.cli import checkup

    yield checkup.check_python()
    yield from _one(checkup.check_packages, "Looking at packages …")
    yield from _one(checkup.check_page_reader, "Looking at packages …")
    yield from checkup.check_extras()
    yield from checkup.check_variables(os.environ)
    try:
        settings = settings_of(ctx)
    except ConfigurationError as error:
        remedy = "change or unset these environment variables"
        yield checkup.Finding(name="settings", verdict="failed", detail=str(error), remedy=remedy)
        return
    yield from _of_settings(settings, models=models)


def _of_settings(settings: "Settings", *, models: bool) -> "Iterator[Finding]":
    from service.cli import checkup, job_checkup
    from service.storage.engine import open_engine

    home = checkup.check_home(settings)
    yield home
    if home.verdict == "failed":
        return
    engine = open_engine(settings.database_url, pool_size=1)
    try:
        database = checkup.check_database(settings, engine)
        yield database
        if database.verdict == "ok":
            yield checkup.check_keys(settings, engine)
            yield from _all(lambda: job_checkup.check_jobs(settings, engine), "Looking at jobs …")
            yield from _all(lambda: checkup.check_examples(settings, engine), "Building the example index …")
    finally:
        engine.dispose()
    yield from checkup.check_files(settings)
    yield from checkup.check_budgets(settings)
    yield from job_checkup.check_stuck_after(settings)
    if models:
        yield from _all(lambda: iter(run(_of_models(settings))), "Starting models …")


async def _of_models(settings: "Settings") -> "list[Finding]":
    from service.cli.model_checkup import check_pipelines

    return [finding async for finding in check_pipelines(settings)]


def _one(check: "Callable[[], Finding]", what: str) -> "Iterator[Finding]":
    yield from _all(lambda: iter((check(),)), what)


def _all(check: "Callable[[], Iterator[Finding]]", what: str) -> "Iterator[Finding]":
    with working(what):
        found = list(check())
    yield from found


def _print(finding: "Finding") -> None:
    mark, style = _MARKS[finding.verdict]
    out().print(Text.assemble((mark, style), " ", (finding.name, "bold"), ": ", clean_line(finding.detail)))
    if finding.remedy:
        out().print(Text(f"    {clean_line(finding.remedy)}", style=style))
