"""Commands of `riddlewire examples` that read and write whole files of them: import and export."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.database import opened_store
from service.cli.exits import Exit
from service.cli.files import opened, write_file
from service.cli.hostile import escape_json
from service.cli.options import AsJson, settings_of
from service.cli.terminal import note, print_json, tracked

if TYPE_CHECKING:
    from domain.example import Example
    from retrievers import ExampleStore, ImportReport, Rejected

_BATCH = 200


def import_examples(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="JSONL, one example a line, as `export` writes it.")],
    as_json: AsJson = False,
) -> None:
    """Import examples; twice the same file changes nothing. Lines that cannot be used are left out and reported.

    Exits with 6 when a line was left out.

    Example: `riddlewire examples import ours.jsonl`
    """
    from retrievers.jsonl import read_examples

    with opened(source) as file:
        records = list(read_examples(file))
    with opened_store(settings_of(ctx)) as store:
        report = _imported(store, records)
    if as_json:
        print_json(report)
    else:
        for rejected in report.rejected:
            note(f"line {rejected.line}: {rejected.reason}")
        typer.echo(
            f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
            f"{len(report.rejected)} rejected"
        )
    raise typer.Exit(Exit.INPUT if report.rejected else Exit.OK)


def export(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(metavar="FILE|-", help="Where to; - is standard output.")] = "-",
) -> None:
    """Write all examples as JSONL, which `import` takes.

    Example: `riddlewire examples export backup.jsonl`
    """
    from retrievers.jsonl import write_example

    with opened_store(settings_of(ctx)) as store:
        lines = (write_example(example) for example in store.export(all_tenants=True))
        if target == "-":
            sys.stdout.writelines(escape_json(line.decode()) for line in lines)
            return
        write_file(target, lines)
        note(f"{store.count()} examples written to {target}.")


def _imported(store: "ExampleStore", records: "list[tuple[int, Example] | Rejected]") -> "ImportReport":
    """In batches, so that a bar can move; each is kept as a whole, and doing it all again changes nothing."""
    from retrievers.importing import ImportReport
    from retrievers.jsonl import split_rejected

    total = ImportReport()
    batches = [records[start : start + _BATCH] for start in range(0, len(records), _BATCH)]
    for batch in tracked(batches, "Importing"):
        rejected: list[Rejected] = []
        good = list(split_rejected(batch, rejected))
        report = store.import_(good, rejected=rejected)
        total = ImportReport(
            added=total.added + report.added,
            updated=total.updated + report.updated,
            unchanged=total.unchanged + report.unchanged,
            rejected=(*total.rejected, *report.rejected),
        )
    return total
