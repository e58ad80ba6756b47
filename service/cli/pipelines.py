"""`riddlewire pipelines`: what each is made of, what it would ask, and several of them on one article."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import RiddlewireError
from service.cli.articles import read
from service.cli.exits import Exit, exit_of
from service.cli.options import AsJson, settings_of
from service.cli.running import run
from service.cli.terminal import note, print_json, print_table, say, tracked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chains.pipeline import RiddlePipeline
    from domain.article import Article
    from prompts import Catalog
    from service.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Pipelines: list, read, explain and compare them.")

Title = Annotated[str | None, typer.Option(help="The headline, where the source does not tell it.")]
Source = Annotated[str, typer.Argument(metavar="FILE|URL|-", help="The article; - reads standard input.")]


@app.command("list")
def list_pipelines(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the pipelines; yours lie over those of the package. The default is marked with a star."""
    from service.pipelines.schemas import pipeline_payload

    settings = settings_of(ctx)
    specs = sorted(_catalog(settings).pipelines(), key=lambda spec: spec.name)
    found = [pipeline_payload(spec, default=settings.pipeline) for spec in specs]
    if as_json:
        print_json(found)
        return
    print_table(("", "pipeline", "models", "source", "description"), map(_row, found))


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="See `riddlewire pipelines list`.")],
    as_json: AsJson = False,
) -> None:
    """Show what a pipeline is made of: steps, prompts, models, retrieval, gate.

    Example: `riddlewire pipelines show embedded`
    """
    from service.pipelines.schemas import pipeline_payload

    settings = settings_of(ctx)
    spec = _catalog(settings).pipeline(name)
    payload = pipeline_payload(spec, default=settings.pipeline)
    if as_json:
        print_json(payload)
        return
    say(f"{spec.name}: {spec.description}", "bold")
    say(f"{spec.option}, {spec.source}, {spec.path}", "dim")
    for step in payload["steps"]:
        say()
        say(f"Step {step['step']}", "bold magenta")
        print_table(("", ""), _pairs({name: step[name] for name in step if name != "step"}))
    for heading in ("retrieval", "gate"):
        if payload[heading]:
            say()
            say(heading.capitalize(), "bold magenta")
            print_table(("", ""), _pairs(payload[heading]))


@app.command()
def explain(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="See `riddlewire pipelines list`.")],
    source: Source,
    title: Title = None,
    topic: Annotated[str | None, typer.Option(help="Prefer examples of this topic.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show which examples a pipeline would retrieve for an article and why, and the exact messages. Calls no model.

    Example: `riddlewire pipelines explain embedded article.txt`
    """
    explanation = run(_explain(ctx, name, read(source, title), topic))
    if as_json:
        print_json(explanation)
        return
    from service.cli.explanation import print_explanation

    print_explanation(explanation)


@app.command()
def compare(
    ctx: typer.Context,
    source: Source,
    names: Annotated[list[str], typer.Argument(metavar="PIPELINE...", help="Two or more, one after another.")],
    title: Title = None,
    as_json: AsJson = False,
) -> None:
    """Run several pipelines on one article and show the results side by side. Nothing is kept.

    A pipeline that fails does not keep the others from running; the exit code is then that of its error.

    Example: `riddlewire pipelines compare article.txt embedded zero-shot openai`
    """
    results, code = run(_compare(ctx, read(source, title), list(dict.fromkeys(names))))
    if as_json:
        print_json({"results": results})
    else:
        from service.cli.comparison import print_comparison

        print_comparison(results)
    raise typer.Exit(code)


def _catalog(settings: "Settings") -> "Catalog":
    from prompts import Catalog

    catalog = Catalog(settings.home)
    for problem in catalog.problems():
        note(f"refused: {problem.path}: {problem.reason}")
    return catalog


def _row(payload: "Mapping[str, Any]") -> tuple[str, ...]:
    models = ", ".join(dict.fromkeys(step["model"] for step in payload["steps"]))
    star = "*" if payload["default"] else ""
    return star, payload["name"], models, payload["source"], payload["description"]


def _pairs(values: "Mapping[str, Any]") -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _spelled(value)) for name, value in values.items() if value not in (None, [], {})]


def _spelled(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {_spelled(part)}" for name, part in value.items() if part is not None)
        case list():
            return ", ".join(repr(part) if "\n" in str(part) else str(part) for part in value)
        case float():
            return f"{value:g}"
        case _:
            return str(value)


async def _explain(ctx: typer.Context, name: str, article: "Article", topic: str | None) -> dict[str, Any]:
    from service.cli.local import opened
    from service.pipelines.schemas import explanation_payload

    async with opened(ctx) as resources:
        return explanation_payload(await resources.pipeline(name).explain(article, topic=topic))


async def _compare(ctx: typer.Context, article: "Article", names: list[str]) -> tuple[list[dict[str, Any]], Exit]:
    from service.cli.local import opened

    results: list[dict[str, Any]] = []
    code = Exit.OK
    async with opened(ctx) as resources:
        pipelines = [resources.pipeline(name) for name in names]
        for pipeline in tracked(pipelines, "Comparing"):
            result, ended = await _run(pipeline, article)
            results.append(result)
            code = code or ended
    return results, code


async def _run(pipeline: "RiddlePipeline", article: "Article") -> tuple[dict[str, Any], Exit]:
    from chains.models.scope import CallScope, in_scope
    from service.riddles.payload import made_payload

    try:
        with in_scope(CallScope(cache="off")):  # what is compared is measured too
            riddle = await pipeline.ainvoke(article)
    except RiddlewireError as error:
        return {"pipeline": pipeline.name, "riddle": None, "error": str(error)}, exit_of(error)
    return {"pipeline": pipeline.name, "riddle": made_payload(riddle), "error": None}, Exit.OK
