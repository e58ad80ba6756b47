from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.example_selectors import BaseExampleSelector
from langchain_core.prompts import (
    ChatPromptTemplate,
    FewShotChatMessagePromptTemplate,
    FewShotPromptTemplate,
    PromptTemplate,
)
from langchain_tests.integration_tests import RetrieversIntegrationTests

from domain.errors import InvalidArticle, InvalidExample
from prompts import RetrievalSpec
from retrievers.examples import open_examples
from retrievers.langchain import ExampleRetriever, RiddlewireExampleSelector
from tests.support.articles import real_articles
from tests.support.examples import STORIES, an_example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.retrievers import BaseRetriever

    from retrievers.examples import Examples


class TestExampleRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _shared(self, shipped: Examples) -> None:
        self.examples = shipped

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return ExampleRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"examples": self.examples}

    @property
    def retriever_query_example(self) -> str:
        return "storm tears roofs off houses"


@pytest.fixture
def own() -> Iterator[Examples]:
    with open_examples(seed=False) as examples:
        examples.import_(an_example(topic) for topic in STORIES)
        yield examples


def test_documents_carry_the_whole_example(own: Examples) -> None:
    document = ExampleRetriever(examples=own, k=1).invoke(STORIES["sky"])[0]
    example = own.store.get(document.metadata["id"])
    assert document.page_content == example.article
    assert document.metadata["riddle"] == example.riddle
    assert document.metadata["hints"] == list(example.hints)
    assert 0.8 < document.metadata["score"] <= 1.0


def test_the_retriever_keeps_to_topic_and_tenant(own: Examples) -> None:
    own.add(an_example("sky", tenant="acme"))
    topics = [d.metadata["topic"] for d in ExampleRetriever(examples=own, k=9, topic="sky").invoke("ships")]
    assert topics == ["sky"]
    assert len(ExampleRetriever(examples=own, k=9, topic="sky", tenant="acme").invoke("ships")) == 2


def test_the_selector_is_langchains_interface() -> None:
    assert issubclass(RiddlewireExampleSelector, BaseExampleSelector)


def test_selected_shots_fill_a_few_shot_prompt_most_similar_last(own: Examples) -> None:
    selector = RiddlewireExampleSelector(own, spec=RetrievalSpec(k=2, floor=-1.0))
    prompt = FewShotPromptTemplate(
        example_selector=selector,
        example_prompt=PromptTemplate.from_template("{headline}: {riddle} {hints}"),
        suffix="{article}",
        input_variables=["article"],
    )
    rendered = prompt.format(article=STORIES["sea"]).split("\n\n")
    assert rendered[-2].startswith("Headline 0 about the sea")
    assert rendered[-1] == STORIES["sea"]


async def test_selected_shots_fill_a_chat_prompt_in_coroutines_too(shipped: Examples) -> None:
    shots = FewShotChatMessagePromptTemplate(
        example_selector=RiddlewireExampleSelector(shipped),
        example_prompt=ChatPromptTemplate.from_messages([("human", "{article}"), ("ai", "{summary}")]),
        input_variables=["article"],
    )
    messages = await shots.aformat_messages(article=real_articles(1)[0].text)
    assert [message.type for message in messages] == ["human", "ai"] * 4


def test_an_added_shot_is_selected_next_and_belongs_to_the_tenant(own: Examples) -> None:
    selector = RiddlewireExampleSelector(own, tenant="acme", spec=RetrievalSpec(k=1))
    shot = {
        "article": "Bees stole a wedding cake.",
        "summary": "S.",
        "answer": "bees",
        "riddle": "Who?",
        "hints": "a\nb",
    }
    example_id = selector.add_example(shot)
    stored = own.store.get(example_id)
    assert (stored.tenant, stored.hints) == ("acme", ("a", "b"))
    selected = selector.select_examples({"article": "Bees were seen near a wedding cake."})
    assert selected == [{**shot, "headline": "", "topic": ""}]


async def test_a_shot_can_be_added_in_a_coroutine(own: Examples) -> None:
    shot = {"article": "Bees stole a cake.", "summary": "S.", "answer": "bees", "riddle": "Who?"}
    assert await RiddlewireExampleSelector(own).aadd_example(shot) in {e.id for e in own.store.export()}


@pytest.mark.parametrize("shot", [{"article": "x"}, {"article": "x", "question": "y"}])
def test_a_shot_that_is_no_example_is_refused(own: Examples, shot: dict[str, str]) -> None:
    with pytest.raises(InvalidExample):
        RiddlewireExampleSelector(own).add_example(shot)


def test_a_missing_article_is_refused(own: Examples) -> None:
    with pytest.raises(InvalidArticle):
        RiddlewireExampleSelector(own).select_examples({"question": "?"})
