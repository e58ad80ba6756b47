"""Line-ups: which stories a solver has to tell apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from domain import Article
from evaluation.case import Case
from evaluation.evaluators.stories import LINEUP, Stories
from retrievers.shipped import read_shipped
from tests.evaluation.evaluators.makers import EMBEDDINGS, a_case


def shipped_cases(count: int) -> dict[str, Case]:
    cases = [
        Case(id=f"case {place}", article=Article(text=example.article, title=example.headline), topic=example.topic)
        for place, example in enumerate(read_shipped()[:count])
    ]
    return {case.id: case for case in cases}


CASES = shipped_cases(60)
STORIES = Stories(CASES, EMBEDDINGS)


def test_every_lineup_has_ten_different_stories_and_the_right_one_first() -> None:
    for case_id in CASES:
        for difficulty in ("random", "topical", "similar"):
            lineup = STORIES.lineup(case_id, difficulty)
            assert lineup[0] == case_id
            assert len(set(lineup)) == len(lineup) == LINEUP


def test_lineups_depend_on_nothing_but_the_ids() -> None:
    other_way_round = Stories(dict(reversed(CASES.items())), EMBEDDINGS)
    for difficulty in ("random", "topical", "similar"):
        assert STORIES.lineup("case 7", difficulty) == other_way_round.lineup("case 7", difficulty)


def test_random_lineups_are_fixed_for_good() -> None:
    assert STORIES.lineup("case 7", "random")[1:5] == PINNED


PINNED = ("case 0", "case 41", "case 40", "case 33")
"""Changing how they are drawn makes older experiments incomparable."""


def test_random_lineups_differ_from_case_to_case_and_use_every_story() -> None:
    used = {other for case_id in CASES for other in STORIES.lineup(case_id, "random")[1:]}
    assert len(used) > 0.95 * len(CASES)
    assert set(STORIES.lineup("case 1", "random")[1:]) != set(STORIES.lineup("case 2", "random")[1:])


def test_topical_lineups_begin_with_others_of_the_topic() -> None:
    others = STORIES.lineup("case 0", "topical")[1:]
    assert {CASES[other].topic for other in others} == {CASES["case 0"].topic}


def test_topical_lineups_are_filled_up_with_random_stories() -> None:
    cases = {
        **shipped_cases(40),
        "case 0": replace(CASES["case 0"], topic="rare"),
        "new": a_case(id="new", topic="sea"),
    }
    cases["new"] = replace(cases["new"], topic="rare")
    lineup = Stories(cases, EMBEDDINGS).lineup("new", "topical")
    assert lineup[1] == "case 0"
    assert len(lineup) == LINEUP


def test_the_same_day_counts_as_alike_whatever_the_time_zone() -> None:
    day = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    one, other, later = (
        a_case(topic, id=topic, article=replace(a_case(topic).article, published_at=when))
        for topic, when in (("sea", day), ("sky", day.replace(hour=1)), ("food", day.replace(day=2)))
    )
    stories = Stories({case.id: case for case in (one, other, later)}, EMBEDDINGS)
    assert stories.alike("sea") == ["sky"]
    assert stories.lineup("food", "topical") == ("food",)


def test_similar_lineups_hold_the_nearest_stories() -> None:
    lineup = STORIES.lineup("case 3", "similar")
    vector = EMBEDDINGS.embed_documents([f"{CASES['case 3'].article.title}\n{CASES['case 3'].article.text}"])[0]
    scores = STORIES.similarities(np.array(vector, dtype=np.float32), [*CASES])
    ranked = [case_id for _, case_id in sorted(zip(-scores, CASES, strict=True))]
    assert list(lineup) == ranked[:LINEUP]


def test_the_same_article_twice_is_never_among_the_others() -> None:
    cases = {**shipped_cases(12), "twin": replace(CASES["case 0"], id="twin")}
    stories = Stories(cases, EMBEDDINGS)
    for difficulty in ("random", "topical", "similar"):
        assert "twin" not in stories.lineup("case 0", difficulty)


def test_a_small_dataset_gives_what_there_is() -> None:
    stories = Stories(shipped_cases(3), EMBEDDINGS)
    assert sorted(stories.lineup("case 1", "random")) == ["case 0", "case 1", "case 2"]
    assert Stories(shipped_cases(1), EMBEDDINGS).lineup("case 0", "similar") == ("case 0",)
