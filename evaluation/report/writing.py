"""Writing a report: the page and the short table into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evaluation.report.markdown import markdown_table
from evaluation.report.page import page
from evaluation.report.text import clean_line

if TYPE_CHECKING:
    from pathlib import Path

    from evaluation.results import Results

PAGE: Final = "report.html"
TABLE: Final = "report.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where the report's files are."""

    html: Path
    markdown: Path


def write_report(results: Results, folder: Path) -> Written:
    """Write `report.html` and `report.md` into `folder`, over what is there.

    Args:
        results: Of the experiment, as far as it has come.
        folder: Made when it is not there.

    Raises:
        MissingExtra: Jinja2, matplotlib or scipy is not installed.
        OSError: The folder cannot be written to.
    """
    html = page(results)
    manifest = results.manifest
    head = (
        f"# {clean_line(manifest.experiment)}\n\n"
        f"{len(results.cases)} cases of `{clean_line(manifest.dataset.name).replace('`', '')}`, "
        f"{manifest.repeats} {'run' if manifest.repeats == 1 else 'runs'} each. Means with 95% intervals; "
        "★ best mean, shown ahead of another pipeline; ≈ no difference to the best shown.\n\n"
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = Written(html=folder / PAGE, markdown=folder / TABLE)
    written.html.write_text(html, encoding="utf-8")
    written.markdown.write_text(f"{head}{markdown_table(results)}\n[The whole report]({PAGE})\n", encoding="utf-8")
    return written
