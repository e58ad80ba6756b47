"""Commands of `riddlewire eval` that write an experiment down: for other tools, and as a report."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from service.cli.eval_results import experiments_of, results_of
from service.cli.files import write_file
from service.cli.terminal import note, say

Name = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="See `riddlewire eval list`.")]


def export(
    ctx: typer.Context,
    name: Name,
    form: Annotated[str, typer.Option("--format", help="csv, jsonl, promptfoo or langsmith.")] = "csv",
    pipeline: Annotated[str | None, typer.Option(help="Only this one; for langsmith, whose riddles it takes.")] = None,
    target: Annotated[str, typer.Option("--to", metavar="FILE|-", help="Where to; - is standard output.")] = "-",
) -> None:
    """Write an experiment for other tools: pandas (csv, jsonl), promptfoo's viewer, LangSmith's datasets.

    Examples:
    - `riddlewire eval export nightly --format csv --to nightly.csv`
    - `riddlewire eval export nightly --format promptfoo --to nightly.json && promptfoo import nightly.json`
    """
    from evaluation.export import FORMATS
    from evaluation.export import export as exported

    wanted = next((known for known in FORMATS if known == form), None)
    if wanted is None:
        raise typer.BadParameter(f"{form!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    _write(exported(results_of(ctx, name), wanted, pipeline), target)


def report(
    ctx: typer.Context,
    name: Name,
    folder: Annotated[Path | None, typer.Option("--to", help="Where to; by default the experiment's folder.")] = None,
) -> None:
    """Write the report: one HTML file that needs no network, and a Markdown table.

    Example: `riddlewire eval report nightly --to reports/`
    """
    from evaluation.report import write_report

    results = results_of(ctx, name)
    target = folder or experiments_of(ctx).get(name).folder
    write_report(results, target)
    for file in ("report.html", "report.md"):
        say(str(target / file))


def _write(text: str, target: str) -> None:
    if target == "-":
        sys.stdout.write(text)
        return
    write_file(target, [text.encode()])
    note(f"Written to {target}.")
