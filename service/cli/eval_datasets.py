"""`riddlewire eval dataset`: what experiments run over."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import AsJson, settings_of
from service.cli.terminal import note, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.article import Article
    from evaluation.datasets import Dataset
    from service.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What experiments run over: look at a dataset, or take a sample of one.")

Name = Annotated[str, typer.Argument(metavar="DATASET", help="dev, train, stored:N, or a .jsonl or .csv file.")]

_PAGE = 200
_SHOWN = 20


@app.command()
def show(
    ctx: typer.Context,
    name: Name = "dev",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="At most so many; 0 shows all.")] = _SHOWN,
    as_json: AsJson = False,
) -> None:
    """Show how many cases a dataset has, what they refer to, and the first of them.

    Examples:
    - `riddlewire eval dataset show dev`
    - `riddlewire eval dataset show cases.csv --limit 0 --json`
    """
    from evaluation.codec import case_to_json

    dataset = read(settings_of(ctx), name)
    shown = dataset.cases[: limit or None]
    with_riddle = sum(case.riddle is not None for case in dataset.cases)
    with_summary = sum(case.summary is not None for case in dataset.cases)
    if as_json:
        counts = {"cases": len(dataset.cases), "with_riddle": with_riddle, "with_summary": with_summary}
        print_json({"name": name, "hash": dataset.hash, **counts, "shown": [case_to_json(case) for case in shown]})
        return
    say(f"{name}: {len(dataset.cases)} cases, {with_summary} with a summary, {with_riddle} with a riddle", "bold")
    rows = ((case.id, case.topic, case.answer or "", case.article.title or case.article.text[:60]) for case in shown)
    print_table(("case", "topic", "answer", "article"), rows)
    if len(shown) < len(dataset.cases):
        note(f"{len(shown)} of {len(dataset.cases)}; --limit 0 shows all.")


@app.command()
def sample(
    ctx: typer.Context,
    name: Name,
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="How many cases.")],
) -> None:
    """Print a sample as JSONL, always the same cases of the same dataset. A larger one holds a smaller one.

    Example: `riddlewire eval dataset sample stored:500 50 > cases.jsonl`
    """
    import json

    from service.cli.hostile import escape_json

    for case in read(settings_of(ctx), name).limited(number).cases:
        given = {"article": case.article.text, "title": case.article.title, "topic": case.topic}
        references = {"summary": case.summary, "answer": case.answer, "riddle": case.riddle, "hints": list(case.hints)}
        row = {name: value for name, value in {**given, **references}.items() if value}
        sys.stdout.write(escape_json(json.dumps(row, ensure_ascii=False)) + "\n")


def read(settings: "Settings", name: str) -> "Dataset":
    """The dataset of that name.

    Raises:
        InvalidDataset: It cannot be used.
    """
    from evaluation.datasets import read_dataset, shipped_dataset, stored_dataset, stored_size

    if name in ("dev", "train"):
        return shipped_dataset("dev" if name == "dev" else "train")
    size = stored_size(name)
    if size is not None:
        return stored_dataset(name, _stored_articles(settings), size)
    return read_dataset(Path(name))


def _stored_articles(settings: "Settings") -> "Iterator[Article]":
    from service.cli.database import opened_engine
    from service.storage.riddles import RiddleRepository

    with opened_engine(settings) as engine:
        riddles, cursor = RiddleRepository(engine), None
        while True:
            page = riddles.list(limit=_PAGE, cursor=cursor)
            yield from (stored.riddle.article for stored in page.items)
            cursor = page.next_cursor
            if cursor is None:
                return
