"""The short table as Markdown, for a README or a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from evaluation.report.measured import Measures
from evaluation.report.tables import headline_table
from evaluation.report.text import clean_line

if TYPE_CHECKING:
    from evaluation.report.tables import Cell
    from evaluation.results import Results


def markdown_table(results: Results) -> str:
    """One line a pipeline, one column a headline metric: the mean with its interval; `(n)` where some are unscored.

    A star stands at the best mean that is shown to be ahead of anyone, a wave at those that cannot be told from it.
    """
    measures = Measures(results)
    table = headline_table(measures)
    heads = ["Pipeline", "Runs", "Failed", *(_text(row.title) for row in table.rows)]
    lines = [_line(heads), _line(["---", *("---:" for _ in heads[1:])])]
    for place, name in enumerate(measures.order):
        pipeline = results.pipeline(name)
        cells = [_cell(row.cells[place]) for row in table.rows]
        lines.append(_line([_text(name), f"{len(pipeline.outcomes)}", f"{pipeline.failed}", *cells]))
    return "\n".join(lines) + "\n"


def _cell(cell: Cell) -> str:
    mark = {"best": " ★", "level": " ≈", "": ""}[cell.mark]
    parts = [f"{_text(cell.value)}{mark}", *([f"({cell.span})"] if cell.span else [])]
    if cell.missing:
        parts.append(f"n {cell.n}")
    return " ".join(parts)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """On one line, with all that Markdown and HTML would read as mark-up told to be a letter."""
    return _MARKUP.sub(r"\\\g<0>", clean_line(text)).replace("<", "&lt;")


_MARKUP: Final = re.compile(r"[\\`*\[\]|~#]|_(?!\w)|(?<!\w)_")
