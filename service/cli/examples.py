"""`riddlewire examples`: the pre-made examples that retrieval finds. Works beside a running server."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import example_files, promotions
from service.cli.articles import read
from service.cli.database import opened_store
from service.cli.options import AsJson, settings_of
from service.cli.terminal import note, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.example import Example
    from retrievers import ExampleStore, Scored

app = typer.Typer(
    no_args_is_help=True,
    help="The pre-made examples. A change counts from the next riddle on, in every process.",
)

Topic = Annotated[str | None, typer.Option(help="Only this topic.")]

_PAGE = 200


@app.command()
def add(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="The example's article; - reads standard input.")],
    *,
    summary: Annotated[str, typer.Option(help="The article in one or two sentences.")],
    answer: Annotated[str, typer.Option(help="What is to be guessed, 2 to 7 words.")],
    riddle: Annotated[str, typer.Option(help=r"Two to six lines; \n starts a new one.")],
    hints: Annotated[list[str] | None, typer.Option("--hint", help="From gentle to nearly giving it away.")] = None,
    headline: Annotated[str | None, typer.Option(help="The title, where the source does not tell it.")] = None,
    topic: Annotated[str, typer.Option(help="A short lower-case word.")] = "",
    as_json: AsJson = False,
) -> None:
    r"""Add one example and print its id. The same content twice is kept once.

    Example: `riddlewire examples add fog.txt --summary "Fog closed the airport." --answer "fog at the airport"
    --riddle "I have no wings,\nyet I keep all of them down."`
    """
    from domain.example import Example

    article = read(source, headline)
    example = Example(
        article=article.text,
        headline=article.title or "",
        summary=summary,
        answer=answer,
        riddle=riddle.replace(r"\n", "\n"),
        hints=tuple(hints or ()),
        topic=topic,
    )
    with opened_store(settings_of(ctx)) as store:
        kept = store.add(example)
    if as_json:
        print_json(_payload(kept))
    else:
        typer.echo(kept.id)


@app.command("list")
def list_examples(
    ctx: typer.Context,
    topic: Topic = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="At most so many; 0 lists all.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List examples, newest first.

    Example: `riddlewire examples list --topic weather --limit 0`
    """
    with opened_store(settings_of(ctx)) as store:
        found = list(_listed(store, topic, limit))
        total = store.count()
    if as_json:
        print_json([_payload(example) for example in found])
        return
    print_table(("id", "topic", "answer", "headline"), map(_row, found))
    if len(found) < total and topic is None:
        note(f"{len(found)} of {total}; --limit 0 lists all.")


@app.command()
def search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT|@FILE", help="What to look for; @FILE takes a file's text.")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many.")] = 5,
    topic: Topic = None,
    as_json: AsJson = False,
) -> None:
    """Find the examples most similar to a text, best first, as retrieval sees them.

    Examples:
    - `riddlewire examples search "a storm over the harbour"`
    - `riddlewire examples search @article.txt -k 10 --json`
    """
    found = _search(ctx, read(text[1:]).text if text.startswith("@") else text, k, topic)
    if as_json:
        print_json([{**_payload(scored.example), "score": round(scored.score, 4)} for scored in found])
        return
    rows = ((f"{scored.score:.3f}", *_row(scored.example)) for scored in found)
    print_table(("score", "id", "topic", "answer", "headline"), rows)


def remove(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="See `riddlewire examples list`.")],
) -> None:
    """Remove examples; a shipped one does not come back.

    Example: `riddlewire examples remove ex_00ff00ff00ff00ff`
    """
    with opened_store(settings_of(ctx)) as store:
        for example_id in ids:
            store.remove(example_id)
            note(f"{example_id} is removed.")


app.command("import")(example_files.import_examples)
app.command()(example_files.export)
app.command()(remove)
app.command()(promotions.pending)
app.command()(promotions.approve)
app.command()(promotions.reject)


def _payload(example: "Example") -> dict[str, object]:
    from service.examples.schemas import example_payload

    return example_payload(example)


def _row(example: "Example") -> tuple[str, str, str, str]:
    return example.id, example.topic, example.answer, example.headline


def _listed(store: "ExampleStore", topic: str | None, limit: int) -> "Iterator[Example]":
    cursor, left = None, limit or sys.maxsize
    while left > 0:
        page = store.list(min(left, _PAGE), cursor, topic=topic)
        yield from page.items
        left -= len(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _search(ctx: typer.Context, text: str, k: int, topic: str | None) -> "list[Scored]":
    from service.cli.database import opened_examples

    with opened_examples(settings_of(ctx)) as examples:
        return examples.search(text, k=k, topic=topic)
