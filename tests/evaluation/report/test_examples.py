"""Best and worst, stories side by side, and what was kept back."""

from __future__ import annotations

from evaluation.report.checks import check_rows, kept_back
from evaluation.report.examples import apart, ranked, sampled
from evaluation.report.measured import Measures
from evaluation.report.pictures import chance, pictures, points
from tests.evaluation.report.made import ACCURACY, case, four_ways, metric, outcome, pipeline, results


def test_best_are_published_and_found_with_the_largest_margin() -> None:
    good = next(one for one in ranked(Measures(four_ways())) if one.pipeline == "good")
    assert [told.headline for told in good.best] == ["Headline 19", "Headline 18", "Headline 17"]
    assert [told.headline for told in good.worst] == ["Headline 0", "Headline 1", "Headline 2"]
    assert good.best[0].solved == "solver finds the story at rank 1, margin 0.190"


def test_what_was_kept_back_is_worse_than_what_was_published_and_failures_are_neither() -> None:
    bad = next(one for one in ranked(Measures(four_ways())) if one.pipeline == "bad")
    assert bad.worst[0].status == "needs review"
    assert [check.name for check in bad.worst[0].failing] == ["leakage"]
    assert "Headline 0" not in {told.headline for told in (*bad.best, *bad.worst)}


def test_few_riddles_are_never_both_best_and_worst() -> None:
    cases = [case(number) for number in range(3)]
    (found,) = ranked(Measures(results(cases, pipeline("one", [outcome(of, "one") for of in cases]))))
    assert len(found.best) == len(found.worst) == 1
    assert found.best != found.worst


def test_a_story_tells_people_first_and_everybody_once() -> None:
    story = sampled(Measures(four_ways()))[0]
    assert [told.pipeline for told in story.told] == ["reference", "good", "quick", "bad"]
    assert [told.status for told in story.told] == ["written by people", "published", "published", "failed"]
    assert story.told[3].error == "The provider was down."


def test_stories_far_apart_are_those_where_scores_differ_most() -> None:
    measures = Measures(four_ways())
    far = apart(measures)
    assert far[0].headline == "Headline 1"  # one pipeline published, another did not
    assert {story.id for story in sampled(measures, without=far)}.isdisjoint(story.id for story in far)


def test_a_story_without_headline_is_known_by_its_first_words() -> None:
    cases = [case(1, title="", text="One two three four five six seven eight nine ten eleven.")]
    (story,) = sampled(Measures(results(cases, pipeline("one", [outcome(cases[0], "one")]))))
    assert story.headline == "One two three four five six seven eight nine ten …"


def test_pass_rates_of_checks_are_of_riddles_and_not_of_runs() -> None:
    rows = {row.name: row for row in check_rows(Measures(four_ways()))}
    assert list(rows) == ["leakage", "form"]
    bad = rows["leakage"].rates[2]
    assert (bad.text, bad.made) == ("94.7%", 19)


def test_a_check_that_was_never_made_is_not_0() -> None:
    cases = [case(1)]
    failed = pipeline("failing", [outcome(cases[0], "failing", error="No.")])
    rows = check_rows(Measures(results(cases, pipeline("one", [outcome(cases[0], "one")]), failed)))
    assert [(rate.share, rate.text) for rate in rows[0].rates] == [(1.0, "100.0%"), (None, "not checked")]


def test_reasons_are_counted_the_most_frequent_first() -> None:
    cases = [case(number) for number in range(3)]
    kept = [outcome(of, "one", published=False, detail=detail) for of, detail in zip(cases, "aba", strict=True)]
    (found,) = kept_back(Measures(results(cases, pipeline("one", kept))))
    assert (found.needs_review, found.runs) == (3, 3)
    (reason,) = found.reasons
    assert (reason.check, reason.times, reason.sentences) == ("leakage", 3, ("a", "b"))


def test_points_are_where_they_were_measured_and_unscored_pipelines_have_none() -> None:
    measures = Measures(four_ways())
    assert [(one.name, one.takes, one.gives) for one in points(measures, ACCURACY, "latency_ms")] == [
        ("good", 2000.0, 1.0),
        ("quick", 500.0, 0.5),
        ("bad", 4000.0, 0.0),
    ]
    assert [one.name for one in points(measures, ACCURACY, "cost_usd")] == ["good"]


def test_guessing_is_easier_among_fewer_stories() -> None:
    found = four_ways()
    assert chance(found.pipeline("good"), "solver_accuracy") == 0.1
    assert chance(found.pipeline("bad"), "solver_accuracy_hard") is None


def test_many_pipelines_and_many_values_can_be_drawn() -> None:
    cases = [case(number) for number in range(200)]
    values = {"rougeL": [number / 200 for number in range(200)], "latency_ms": [1.0 + number for number in range(200)]}
    many = [pipeline(f"p{number}", [outcome(of, f"p{number}") for of in cases], values) for number in range(10)]
    drawn = pictures(
        Measures(results(cases, *many, metrics=[metric("rougeL"), metric("latency_ms", unit="ms", better="lower")]))
    )
    assert len(drawn.by_latency) == 1
    assert [plot.title for plot in drawn.spreads] == ["Rougel", "Latency ms"]
    assert drawn.spreads[0].caption.count("49.8%") == 10
    assert drawn.spreads[0].svg.count("<use") < 10 * 151 + 20
