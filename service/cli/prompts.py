"""`riddlewire prompts`: the versioned prompt files, as the next riddle will use them."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from domain.errors import InvalidInput
from service.cli.articles import read
from service.cli.explanation import print_message
from service.cli.hostile import clean
from service.cli.options import AsJson, settings_of
from service.cli.terminal import note, out, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.example import Example
    from prompts import Catalog, Prompt

app = typer.Typer(no_args_is_help=True, help="Prompt files: list, read, compare and render them. Calls no model.")

Ref = Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="Without a version, the latest.")]

_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@app.command("list")
def list_prompts(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List every version of every prompt; yours lie over those of the package.

    Files that are refused are reported on standard error.
    """
    from service.prompts.schemas import prompt_summary

    catalog = _catalog(ctx)
    found = sorted(catalog.prompts(), key=lambda prompt: (prompt.name, prompt.version))
    if as_json:
        print_json([prompt_summary(prompt) for prompt in found])
    else:
        rows = ((prompt.ref, prompt.format, prompt.source, prompt.description) for prompt in found)
        print_table(("prompt", "format", "source", "description"), rows)
    _report_problems(catalog)


@app.command()
def show(ctx: typer.Context, ref: Ref, as_json: AsJson = False) -> None:
    """Show a prompt's messages as its file has them.

    Example: `riddlewire prompts show riddle@1`
    """
    from service.prompts.schemas import prompt_payload

    catalog = _catalog(ctx)
    prompt = catalog.prompt(ref)
    if as_json:
        print_json(prompt_payload(prompt, _versions(catalog, prompt.name)) | {"path": prompt.path})
        return
    say(f"{prompt.ref}: {prompt.description}", "bold")
    say(f"{prompt.format}, {prompt.source}, needs {', '.join(prompt.variables) or 'nothing'}", "dim")
    say(str(prompt.path), "dim")
    for part, messages in _parts(prompt):
        say()
        say(part, "bold magenta")
        for role, content in messages:
            print_message(role, content)


@app.command()
def diff(
    ctx: typer.Context,
    old: Ref,
    new: Annotated[
        str | None,
        typer.Argument(metavar="NAME[@VERSION]", help="Without it, the latest version of the same prompt."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two prompts, line by line; nothing is printed when their messages are the same.

    With one name and no version: what the latest version changed.

    Examples:
    - `riddlewire prompts diff riddle`
    - `riddlewire prompts diff riddle@1 riddle@2`
    """
    from prompts import diff_prompts

    before, after = _pair(_catalog(ctx), old, new)
    lines = diff_prompts(before, after).splitlines()
    if as_json:
        print_json({"old": before.ref, "new": after.ref, "same": not lines, "diff": lines})
        return
    for line in lines:
        out().print(Text(clean(line), style=_DIFF_STYLES.get(line[:1], "")), soft_wrap=True)


@app.command()
def render(
    ctx: typer.Context,
    ref: Ref,
    article: Annotated[
        str | None, typer.Option(metavar="FILE|URL|-", help="Gives the variables article, section and title.")
    ] = None,
    summary: Annotated[str | None, typer.Option(help="Gives the variable summary.")] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=TEXT", help="Gives any variable; may be repeated.")
    ] = None,
    examples: Annotated[
        int, typer.Option("--examples", "-k", min=0, max=50, help="Show so many examples similar to the article.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Render a prompt to the messages that a model would get.

    Example: `riddlewire prompts render riddle --article article.txt --summary "Fog closed the airport." -k 2`
    """
    prompt = _catalog(ctx).prompt(ref)
    given, chosen = _values(article, summary), _pairs(values or [])
    shown = _similar(ctx, given.get("article", ""), examples) if examples else ()
    needed = {name: given[name] for name in prompt.variables if name in given}
    messages = [(str(message.type), str(message.content)) for message in prompt.render(needed | chosen, shown)]
    if as_json:
        print_json({"prompt": prompt.ref, "messages": [{"role": role, "content": text} for role, text in messages]})
        return
    for role, content in messages:
        print_message(role, content)


def _catalog(ctx: typer.Context) -> "Catalog":
    from prompts import Catalog

    return Catalog(settings_of(ctx).home)


def _report_problems(catalog: "Catalog") -> None:
    for problem in catalog.problems():
        where = f"{problem.path}:{problem.line}" if problem.line else str(problem.path)
        note(f"refused: {where}: {problem.reason}")


def _versions(catalog: "Catalog", name: str) -> list[int]:
    return sorted(prompt.version for prompt in catalog.prompts() if prompt.name == name)


def _pair(catalog: "Catalog", old: str, new: str | None) -> "tuple[Prompt, Prompt]":
    if new is not None or "@" in old:
        return catalog.prompt(old), catalog.prompt(new or old.partition("@")[0])
    after = catalog.prompt(old)
    earlier = [version for version in _versions(catalog, after.name) if version < after.version]
    return catalog.prompt(f"{after.name}@{earlier[-1]}") if earlier else after, after


def _parts(prompt: "Prompt") -> "list[tuple[str, Sequence[tuple[str, str]]]]":
    parts = {
        "messages": prompt.before,
        "for each example": prompt.examples or (),
        "after the examples": prompt.after,
        "after a refused attempt": prompt.retry,
    }
    return [(name, [(part.role, part.content) for part in of]) for name, of in parts.items() if of]


def _values(source: str | None, summary: str | None) -> dict[str, str]:
    values: dict[str, str] = {}
    if source is not None:
        article = read(source)
        values |= {"article": article.text, "section": article.text, "title": article.title or ""}
    if summary is not None:
        values["summary"] = summary
    return values


def _pairs(pairs: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in pairs:
        name, found, text = pair.partition("=")
        if not found:
            raise typer.BadParameter(f"--set takes NAME=TEXT, not {pair!r}.")
        values[name] = text
    return values


def _similar(ctx: typer.Context, text: str, k: int) -> "tuple[Example, ...]":
    if not text:
        raise InvalidInput("article", "is needed to find similar examples: give --article")
    from service.cli.database import opened_examples

    with opened_examples(settings_of(ctx)) as found:
        return tuple(scored.example for scored in reversed(found.search(text, k=k)))
