from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import Article
from prompts import RetrievalSpec
from retrievers.selection import NEAR_DUPLICATE, Candidate, Selection, choose
from retrievers.vectors import Matrix, unit
from tests.support.articles import real_articles
from tests.support.examples import an_example

if TYPE_CHECKING:
    from retrievers.examples import Examples

SPEC = RetrievalSpec(k=3, floor=0.2, mmr_lambda=0.7)
QUERY = np.array([1, 0, 0, 0], dtype=np.float32)


def candidate(number: int, *vector: float, same_text: bool = False) -> Candidate:
    example = replace(an_example(number=number), id=f"ex_{number}")
    return Candidate(example, unit(np.array(vector, dtype=np.float32)), same_text)


def shown(selection: Selection) -> list[str]:
    return [scored.example.id for scored in selection.examples]


def reason(selection: Selection, number: int) -> str:
    return next(considered.reason for considered in selection.considered if considered.id == f"ex_{number}")


def test_the_most_similar_comes_last() -> None:
    candidates = [candidate(1, 1, 1, 0, 0), candidate(2, 1, 0.2, 0, 0), candidate(3, 1, 0, 2, 0)]
    selection = choose(QUERY, candidates, replace(SPEC, mmr_lambda=1.0))
    assert shown(selection) == ["ex_3", "ex_1", "ex_2"]
    assert [considered.id for considered in selection.considered] == ["ex_2", "ex_1", "ex_3"]


def test_below_the_floor_nothing_is_shown() -> None:
    selection = choose(QUERY, [candidate(1, 0.1, 1, 0, 0)], SPEC)
    assert selection.examples == ()
    assert reason(selection, 1) == "similarity 0.100 is below the floor of 0.200"


def test_the_articles_own_text_is_no_example_for_it() -> None:
    selection = choose(QUERY, [candidate(1, 1, 0, 0, 0, same_text=True), candidate(2, 1, 1, 0, 0)], SPEC)
    assert shown(selection) == ["ex_2"]
    assert reason(selection, 1) == "its text is the article's own"


def test_of_near_duplicates_the_more_similar_stays() -> None:
    selection = choose(QUERY, [candidate(1, 1, 0.52, 0, 0), candidate(2, 1, 0.5, 0, 0)], SPEC)
    assert shown(selection) == ["ex_2"]
    assert reason(selection, 1) == "nearly the same as ex_2, which is more similar"


def test_diversity_prefers_another_story_to_more_of_the_same() -> None:
    candidates = [candidate(1, 1, 0.5, 0, 0), candidate(2, 1, 1.2, 0, 0), candidate(3, 1, 0, 0, 1.7)]
    spec = replace(SPEC, k=2)
    assert shown(choose(QUERY, candidates, replace(spec, mmr_lambda=0.3))) == ["ex_3", "ex_1"]
    relevance_only = choose(QUERY, candidates, replace(spec, mmr_lambda=1.0))
    assert shown(relevance_only) == ["ex_2", "ex_1"]
    assert reason(relevance_only, 3) == "the 2 shown are a better mix of similarity and variety"


def test_the_budget_drops_the_least_similar_first() -> None:
    candidates = [candidate(1, 1, 1, 0, 0), candidate(2, 1, 0.2, 0, 0), candidate(3, 1, 0, 2, 0)]
    selection = choose(QUERY, candidates, SPEC, count_tokens=lambda _: 100, budget_tokens=250)
    assert shown(selection) == ["ex_1", "ex_2"]
    assert reason(selection, 3) == "dropped to fit the budget: 300 tokens of examples, 250 allowed"
    assert reason(selection, 2) == "shown, number 1 by similarity"


def test_without_candidates_the_selection_is_empty() -> None:
    assert choose(QUERY, [], SPEC) == Selection()


vectors = st.lists(st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(
    rows=vectors,
    k=st.integers(0, 6),
    floor=st.floats(-1, 1),
    relevance=st.floats(0, 1),
    budget=st.integers(0, 400),
    sizes=st.lists(st.integers(0, 200), min_size=12, max_size=12),
)
def test_every_selection_keeps_the_rules(
    rows: list[list[float]], k: int, floor: float, relevance: float, budget: int, sizes: list[int]
) -> None:
    candidates = [candidate(number, *row) for number, row in enumerate(rows)]
    spec = RetrievalSpec(k=k, floor=floor, mmr_lambda=relevance)
    tokens = {f"ex_{number}": size for number, size in enumerate(sizes)}
    selection = choose(QUERY, candidates, spec, count_tokens=lambda example: tokens[example.id], budget_tokens=budget)

    scores = [scored.score for scored in selection.examples]
    assert len(scores) <= k
    assert scores == sorted(scores)
    assert all(score >= np.float32(floor) for score in scores)
    assert sum(tokens[example_id] for example_id in shown(selection)) <= budget
    assert {considered.id for considered in selection.considered} == {f"ex_{n}" for n in range(len(rows))}
    assert sorted(considered.id for considered in selection.considered if considered.kept) == sorted(shown(selection))
    assert all(considered.reason for considered in selection.considered)
    by_id: dict[str, Matrix] = {item.example.id: item.vector for item in candidates}
    kept = [by_id[example_id] for example_id in shown(selection)]
    assert all(float(a @ b) < NEAR_DUPLICATE for i, a in enumerate(kept) for b in kept[:i])


def test_a_shipped_example_does_not_retrieve_itself(shipped: Examples) -> None:
    own = shipped.store.list(limit=1).items[0]
    article = Article(text=f"  {own.article.upper()}\n", title=None)
    selection = shipped.select(article, RetrievalSpec(k=4))
    assert own.id not in shown(selection)
    assert [c.reason for c in selection.considered if c.id == own.id] == ["its text is the article's own"]
    assert len(selection.examples) == 4


async def test_real_articles_get_four_different_explained_examples(shipped: Examples) -> None:
    for article in real_articles(20):
        selection = await shipped.aselect(article, RetrievalSpec(k=4))
        assert len({scored.example.id for scored in selection.examples}) == 4
        assert len(selection.considered) >= 24


@pytest.mark.parametrize("text", ["a", "x" * 1_000_000, "\n\n" * 1000 + "z", "新聞" * 5000, "😀", "\u200b\u200bword"])
def test_any_text_can_be_asked_about(shipped: Examples, text: str) -> None:
    assert len(shipped.select(Article(text=text), RetrievalSpec(k=2, floor=-1.0)).examples) == 2
