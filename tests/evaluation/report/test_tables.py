"""What the tables say, in HTML and in Markdown."""

from __future__ import annotations

from evaluation.report import markdown_table
from evaluation.report.measured import Measures
from evaluation.report.tables import Cell, group_tables, headline_table
from tests.evaluation.report.made import ACCURACY, COST, DISTINCT, case, four_ways, outcome, pipeline, results


def cells(title: str) -> dict[str, Cell]:
    """The cells of a metric's row by pipeline."""
    measures = Measures(four_ways())
    rows = [row for table in group_tables(measures) for row in table.rows]
    row = next(row for row in rows if row.title == title)
    return dict(zip(measures.order, row.cells, strict=True))


def test_a_mean_stands_with_its_interval_and_what_it_rests_on() -> None:
    cell = cells(ACCURACY.title)["quick"]
    assert (cell.value, cell.span, cell.note) == ("50.0%", "29.9 to 70.1%", "n 20")


def test_failed_runs_are_counted_apart() -> None:
    cell = cells(ACCURACY.title)["bad"]
    assert (cell.value, cell.note) == ("0.0%", "n 19, 1 not scored")


def test_unscored_is_said_with_its_reason_and_is_not_0() -> None:
    cell = cells(COST.title)["quick"]
    assert (cell.value, cell.note, cell.scored) == ("not scored", "nobody was asked", False)
    assert "0" not in cell.value + cell.span + cell.note


def test_a_metric_that_nobody_scored_for_a_pipeline_is_unscored() -> None:
    assert not cells("Solver mrr")["reference"].scored


def test_a_value_of_the_whole_set_has_no_interval() -> None:
    cell = cells(DISTINCT.title)["good"]
    assert (cell.value, cell.span, cell.note) == ("80.0%", "", "over the whole set")


def test_only_who_is_shown_to_be_ahead_is_marked_best() -> None:
    assert {name: cell.mark for name, cell in cells(ACCURACY.title).items()} == {
        "good": "best",
        "quick": "",
        "bad": "",
        "reference": "",
    }


def test_nobody_is_marked_where_no_difference_is_shown() -> None:
    cases = [case(number) for number in range(12)]
    half = [float(number % 2) for number in range(12)]
    one = pipeline("one", [outcome(of, "one") for of in cases], {"solver_accuracy": half})
    other = pipeline("other", [outcome(of, "other") for of in cases], {"solver_accuracy": half[::-1]})
    (row, *_) = headline_table(Measures(results(cases, one, other))).rows
    assert [cell.mark for cell in row.cells] == ["", ""]


def test_the_short_table_has_headline_metrics_only() -> None:
    titles = [row.title for row in headline_table(Measures(four_ways())).rows]
    assert titles == ["Solver accuracy", "Latency ms", "Cost usd"]


def test_the_markdown_table_has_the_same_numbers() -> None:
    assert markdown_table(four_ways()).splitlines() == [
        "| Pipeline | Runs | Failed | Solver accuracy | Latency ms | Cost usd |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| good | 20 | 0 | 100.0% ★ (83.9 to 100.0%) | 2.00 s (2.00 to 2.00 s) | $0.010 ($0.010 to $0.010) |",
        "| quick | 20 | 0 | 50.0% (29.9 to 70.1%) | 500 ms ★ (500 to 500 ms) | not scored |",
        "| bad | 20 | 1 | 0.0% (0.0 to 16.8%) n 19 | 4.00 s (4.00 to 4.00 s) n 19 | not scored |",
        "| reference | 20 | 0 | 100.0% (83.9 to 100.0%) | not scored | not scored |",
    ]


def test_a_name_cannot_break_the_markdown_table() -> None:
    cases = [case(1)]
    name = "a|b\n<script>`x` [l](j) _e_ in_word"
    lines = markdown_table(results(cases, pipeline(name, [outcome(cases[0], name)]))).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(r"| a\|b &lt;script>\`x\` \[l\](j) \_e\_ in_word | 1 | 0 |")
