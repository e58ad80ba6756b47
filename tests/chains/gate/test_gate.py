"""The verdict as a whole, and what it costs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.gate import ArticleFacts, Gate, UnknownCheck
from domain import Article, Draft, Example
from prompts import GateSpec
from tests.chains.drafts import shipped
from tests.chains.gate.cases import (
    ARTICLE,
    DRAFT,
    GATE,
    SUMMARY,
    as_draft,
    facts_of,
    judge,
    judge_example,
    others,
    spoilt,
)

ALL = ("format", "form", "leakage", "grounding", "copying", "safety")


def test_checks_stand_in_the_order_of_the_pipeline_and_all_have_scores() -> None:
    verdict = judge()
    assert tuple(check.name for check in verdict.checks) == ALL
    assert all(check.score is not None and 0.5 <= check.score <= 1 for check in verdict.checks)
    assert verdict.reasons == ()


def test_only_the_checks_that_the_pipeline_names_are_made() -> None:
    gate = Gate(GateSpec(checks=("safety",)))
    verdict = gate.judge(spoilt(riddle="mist"), article=ARTICLE, summary=SUMMARY)
    assert [check.name for check in verdict.checks] == ["safety"]
    assert verdict.passed


def test_thresholds_of_the_pipeline_hold_also_when_they_are_floats() -> None:
    gate = Gate(GateSpec(thresholds={"max_lines": 2.0}))
    verdict = gate.judge(DRAFT, article=ARTICLE, summary=SUMMARY)
    assert verdict.reasons == ("The riddle has more than 2 lines.",)


def test_unknown_checks_are_refused_by_name() -> None:
    with pytest.raises(UnknownCheck, match="no check 'rhyme'"):
        Gate(GateSpec(checks=("rhyme",)))


def test_the_gate_carries_how_often_a_model_may_try() -> None:
    gate = Gate(GateSpec(attempts=3, candidates=2))
    assert (gate.attempts, gate.candidates) == (3, 2)


def test_a_failing_draft_never_ranks_above_a_passing_one() -> None:
    passing = [judge(as_draft(example)).score for example in shipped()[:20] if judge(as_draft(example)).passed]
    failed = judge(spoilt(answer="mist")).score
    assert all(failed < score for score in passing)


def test_details_of_checks_are_the_reasons() -> None:
    verdict = judge(spoilt(answer="mist"))
    detail = next(check.detail for check in verdict.checks if check.name == "form")
    assert detail == "The answer does not have 2 to 7 words."


@given(st.text(max_size=60), st.text(max_size=300), st.lists(st.text(max_size=60), max_size=6), st.text(max_size=200))
def test_any_draft_gets_a_verdict_with_short_reasons(answer: str, riddle: str, hints: list[str], summary: str) -> None:
    verdict = judge(Draft(answer=answer, riddle=riddle, hints=tuple(hints)), summary=summary, examples=shipped()[:4])
    assert 0 <= verdict.score <= 1
    assert verdict.passed == (not verdict.reasons)
    assert all(len(reason) <= 120 and reason.isprintable() for reason in verdict.reasons)


@given(st.sampled_from(shipped()))
def test_the_same_draft_gets_the_same_verdict(example: Example) -> None:
    assert judge_example(example, examples=others(example)) == judge_example(example, examples=others(example))


@pytest.mark.parametrize("unit", ["a", " a", "A. B ", "Zed Yow 33 ", "1,", "\u202e", "é", "雾", "'", "\n", "-"])
def test_ten_megabytes_of_anything_are_read_in_bounded_time(unit: str) -> None:
    huge = "x" + unit * (10_000_000 // len(unit))
    begun = time.process_time()
    judge(Draft(answer=huge, riddle=huge, hints=(huge,) * 3), article=Article(text=huge, title=huge), summary=huge)
    assert time.process_time() - begun < 6


def test_a_verdict_takes_well_under_a_few_milliseconds() -> None:
    cases = [(as_draft(example), facts_of(example), example, others(example)) for example in shipped()[:100]]
    for draft, facts, example, shown in cases:
        GATE.judge(draft, article=facts, summary=example.summary, examples=shown)
    begun = time.process_time()
    for draft, facts, example, shown in cases:
        GATE.judge(draft, article=facts, summary=example.summary, examples=shown)
    assert (time.process_time() - begun) / len(cases) < 0.004


def test_facts_of_an_article_of_400_words_take_a_few_milliseconds_at_most() -> None:
    articles = [Article(text=f"{example.article}\n\n{example.article}") for example in shipped()[:50]]
    begun = time.process_time()
    for article in articles:
        facts = ArticleFacts(article)
        facts.names  # noqa: B018 -- works them out
        facts.flat  # noqa: B018
        facts.mentions("")
    assert (time.process_time() - begun) / len(articles) < 0.01
