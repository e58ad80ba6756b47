"""The page: a whole report as one HTML file that asks nobody for anything and runs no script."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.errors import MissingExtra
from evaluation.report.checks import check_rows, kept_back
from evaluation.report.examples import ORDERING, apart, ranked, sampled
from evaluation.report.measured import FEWEST_CASES, Measures
from evaluation.report.pictures import pictures
from evaluation.report.replay import replay_command
from evaluation.report.tables import group_tables, headline_table
from evaluation.report.text import clean
from evaluation.report.verdict import verdict
from evaluation.results import REFERENCE
from evaluation.statistics import CONFIDENCE

if TYPE_CHECKING:
    from jinja2 import Environment

    from evaluation.results import PipelineResults, Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One pipeline, or the riddles that people wrote, as tables and lists name it."""

    name: str
    option: str
    description: str
    models: tuple[str, ...]
    colour: int
    people: bool
    runs: int
    failed: int


def page(results: Results) -> str:
    """The report as HTML.

    Raises:
        MissingExtra: Jinja2, matplotlib or scipy is not installed.
    """
    measures = Measures(results)
    by_difference = apart(measures)
    return (
        _environment()
        .get_template("report.html")
        .render(
            manifest=results.manifest,
            cases=len(results.cases),
            columns=[_column(results.pipeline(name), index) for index, name in enumerate(measures.order)],
            verdict=verdict(measures),
            headline=headline_table(measures),
            groups=group_tables(measures),
            pictures=pictures(measures),
            checks=check_rows(measures),
            kept_back=kept_back(measures),
            ranked=ranked(measures),
            ordering=ORDERING,
            apart=by_difference,
            sampled=sampled(measures, without=by_difference),
            replay=replay_command(results.manifest),
            confidence=f"{CONFIDENCE:.0%}",
            fewest=FEWEST_CASES,
        )
    )


def _column(results: PipelineResults, index: int) -> Column:
    return Column(
        name=results.pipeline,
        option=results.option,
        description=results.description,
        models=results.models,
        colour=index % 8 + 1,
        people=results.pipeline == REFERENCE,
        runs=len(results.outcomes),
        failed=results.failed,
    )


def _environment() -> Environment:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise MissingExtra("evaluation reports", "eval") from None
    environment = Environment(
        loader=PackageLoader("evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pretty"] = _pretty
    return environment


def _pretty(values: Any) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False)


def _readable(value: Any) -> Any:
    """Whatever stands in the page is cleaned, so that no template can forget to; mark-up of our own is not touched."""
    return clean(value) if type(value) is str else value
