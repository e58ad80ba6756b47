"""Summaries beside references and articles."""

from __future__ import annotations

import pytest
from rouge_score.rouge_scorer import RougeScorer

from domain import Article
from evaluation.evaluators.summary import Compression, Faithfulness, Rouge
from tests.evaluation.evaluators.makers import FAILED, a_case, a_pool, an_outcome
from tests.support.examples import STORIES

POOL = a_pool()


def rouge(summary: str, reference: str) -> dict[str, float | None]:
    case = a_case(summary=reference)
    return {name: score.value for name, score in Rouge()(an_outcome(case, summary=summary), case, POOL).items()}


def test_rouge_of_a_text_with_itself_is_1() -> None:
    assert rouge("a dog barks at noon", "a dog barks at noon") == {"rouge1": 1.0, "rouge2": 1.0, "rougeL": 1.0}


def test_rouge_gives_the_values_of_its_paper() -> None:
    # Lin 2004, section 3: "police killed the gunman" against "police kill the gunman" and "the gunman kill police"
    close = rouge("police kill the gunman", "police the gunman slay")
    assert close["rouge1"] == pytest.approx(0.75)
    assert close["rougeL"] == pytest.approx(0.75)
    assert rouge("the gunman kill police", "police killed the gunman")["rougeL"] == pytest.approx(0.5)


def test_rouge_compares_stems() -> None:
    assert rouge("police killed the gunmen", "police kill the gunmen")["rouge2"] == 1.0


def test_rouge_is_what_the_package_gives() -> None:
    theirs = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    one, *others = (STORIES[topic] for topic in STORIES)
    for other in others:
        values = {name: score.fmeasure for name, score in theirs.score(one, f"{other} {one[:60]}").items()}
        assert rouge(f"{other} {one[:60]}", one) == pytest.approx(values)


def test_rouge_2_counts_pairs() -> None:
    # 1 of 3 pairs of either: "the cat"
    assert rouge("the cat sat down", "down went the cat")["rouge2"] == pytest.approx(1 / 3)


def test_rouge_without_a_reference_is_unscored() -> None:
    case = a_case(summary=None)
    score = Rouge()(an_outcome(case, summary="a summary"), case, POOL)["rouge1"]
    assert score.value is None
    assert "no reference" in score.reason


def test_the_reference_is_not_measured_against_itself() -> None:
    assert Rouge()(an_outcome(pipeline="reference"), a_case(), POOL)["rougeL"].value is None


ARTICLE = Article(
    text="Owen Strand bought 12 boats in Bergen on Monday. Mr Strand paid 400 crowns.", title="Boats sold"
)
CASE = a_case(article=ARTICLE)


def faithfulness(summary: str) -> float | None:
    return Faithfulness()(an_outcome(CASE, summary=summary), CASE, a_pool(CASE))["faithfulness"].value


def test_a_summary_whose_names_and_numbers_stand_in_the_article_is_faithful() -> None:
    assert faithfulness("In Bergen the dealer Strand bought twelve boats for 400 crowns.") == 1.0


def test_half_of_the_facts_invented_is_half_faithful() -> None:
    assert faithfulness("In Bergen the dealer Fjord bought 12 boats for 900 crowns.") == 0.5


def test_what_was_made_up_is_named() -> None:
    score = Faithfulness()(an_outcome(CASE, summary="The dealer Fjord bought 12 boats."), CASE, a_pool(CASE))
    assert '"fjord"' in score["faithfulness"].reason


def test_a_summary_without_names_and_numbers_is_unscored_and_not_faithful() -> None:
    assert faithfulness("somebody bought boats.") is None


def test_compression_is_words_over_words() -> None:
    case = a_case(article=Article(text="one two three four five six seven eight nine ten"))
    assert Compression()(an_outcome(case, summary="one two"), case, POOL)["compression"].value == 0.2


@pytest.mark.parametrize("evaluator", [Rouge(), Faithfulness(), Compression()])
@pytest.mark.parametrize("outcome", [FAILED, an_outcome(summary=None), an_outcome(summary=" ")])
def test_no_summary_is_unscored(evaluator: Rouge, outcome: object) -> None:
    scores = evaluator(outcome, a_case(), POOL)  # type: ignore[arg-type]
    assert set(scores) == {metric.name for metric in evaluator.metrics}
    assert all(score.value is None and score.reason for score in scores.values())


def test_a_summary_without_end_costs_no_time() -> None:
    case = a_case(summary="word " * 60)
    assert Rouge()(an_outcome(case, summary="word another " * 50_000), case, POOL)["rouge1"].value is not None
