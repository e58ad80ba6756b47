"""The pool works things out once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from evaluation.evaluators import Pool
from tests.evaluation.evaluators.makers import EMBEDDINGS, a_case, a_pool
from tests.support.examples import an_example


class Counting:
    """The embedded model, with a count of the texts it was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.texts += texts
        return EMBEDDINGS.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        return EMBEDDINGS.embed_query(text)


def test_stories_are_embedded_once_and_only_when_needed_from_any_thread() -> None:
    embeddings = Counting()
    pool = Pool(cases={"sea": a_case("sea"), "sky": a_case("sky")}, embeddings=embeddings)
    assert embeddings.texts == []
    with ThreadPoolExecutor(8) as threads:
        stories = set(threads.map(lambda _: pool.stories(), range(32)))
    assert len(stories) == 1
    assert len(embeddings.texts) == 2


def test_examples_are_embedded_once_each_and_unknown_ones_left_out() -> None:
    embeddings = Counting()
    one, other = (replace(an_example(topic), id=topic) for topic in ("sea", "sky"))
    pool = Pool(cases={}, examples={"sea": one, "sky": other}, embeddings=embeddings)
    assert pool.example_vectors(["sea", "gone"]).shape == (1, EMBEDDINGS.dimension)
    rows = pool.example_vectors(["sky", "sea", "sky"])
    assert rows.shape == (3, EMBEDDINGS.dimension)
    assert np.array_equal(rows[0], rows[2])
    assert len(embeddings.texts) == 2


def test_facts_are_worked_out_once_a_case() -> None:
    pool = a_pool()
    assert pool.facts(pool.cases["sea"]) is pool.facts(pool.cases["sea"])
    assert pool.facts(pool.cases["sky"]).mentions("comet")


def test_the_embedded_model_is_the_default() -> None:
    assert Pool(cases={}).embeddings.embed_query("sea") == EMBEDDINGS.embed_query("sea")
