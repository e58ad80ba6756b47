"""LangChain's retriever and example selector over the pre-made examples, for chains of one's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from langchain_core.example_selectors import BaseExampleSelector
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from domain import Article, Example
from domain.errors import InvalidExample
from prompts import RetrievalSpec
from retrievers.examples import Examples  # noqa: TC001  # pydantic needs it when the class is made

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun

    from retrievers.selection import Scored, Selection


class ExampleRetriever(BaseRetriever):
    """Finds the pre-made examples most similar to a text, most similar first.

    Each document's content is the example's article; `metadata` has `id`, `headline`, `topic`, `summary`, `answer`,
    `riddle`, `hints` and `score` (cosine similarity).

    Args:
        examples: From `open_examples`.
        k: How many documents; `invoke(text, k=...)` overrides it.
        topic: Only this topic.
        tenant: Whose eyes see; None sees everybody's examples.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    examples: Examples = Field(exclude=True)
    k: int = 4
    topic: str | None = None
    tenant: str | None = None

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        del run_manager
        found = self.examples.search(query, self.k if k is None else k, self.topic, self.tenant)
        return [_document(scored) for scored in found]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        del run_manager
        found = await self.examples.asearch(query, self.k if k is None else k, self.topic, self.tenant)
        return [_document(scored) for scored in found]


class RiddlewireExampleSelector(BaseExampleSelector):
    """Selects shots for a `FewShotPromptTemplate` or `FewShotChatMessagePromptTemplate`, most similar last.

    Each shot is a dict of strings: `headline`, `article`, `summary`, `answer`, `riddle`, `hints` (one a line), `topic`.

    Args:
        examples: From `open_examples`.
        spec: How many, from which similarity on, how diverse.
        article_key: The input variable that holds the article's text.
        title_key: The input variable that may hold its title.
        topic: Only this topic.
        tenant: Whose eyes see; None sees everybody's examples. What is added belongs to it.
    """

    def __init__(
        self,
        examples: Examples,
        *,
        spec: RetrievalSpec | None = None,
        article_key: str = "article",
        title_key: str = "title",
        topic: str | None = None,
        tenant: str | None = None,
    ) -> None:
        self.examples = examples
        self.spec = spec or RetrievalSpec(k=4)
        self.article_key = article_key
        self.title_key = title_key
        self.topic = topic
        self.tenant = tenant

    def add_example(self, example: dict[str, str]) -> str:
        """Keep an example with at least `article`, `summary`, `answer` and `riddle`; returns its id.

        Raises:
            InvalidExample: A required key is missing or blank, or one is unknown.
        """
        return self.examples.add(_from_strings(example, self.tenant)).id

    async def aadd_example(self, example: dict[str, str]) -> str:
        """`add_example` in a thread."""
        return await asyncio.to_thread(self.add_example, example)

    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """The shots for the article among the input variables.

        Raises:
            InvalidArticle: The article is missing or blank.
        """
        selection = self.examples.select(self._article(input_variables), self.spec, **self._filter)
        return _shots(selection)

    async def aselect_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """`select_examples` in a thread."""
        selection = await self.examples.aselect(self._article(input_variables), self.spec, **self._filter)
        return _shots(selection)

    @property
    def _filter(self) -> dict[str, str | None]:
        return {"topic": self.topic, "tenant": self.tenant}

    def _article(self, input_variables: dict[str, str]) -> Article:
        return Article(text=input_variables.get(self.article_key, ""), title=input_variables.get(self.title_key))


_REQUIRED = ("article", "summary", "answer", "riddle")
_OPTIONAL = ("headline", "topic", "hints")


def _from_strings(shot: dict[str, str], tenant: str | None) -> Example:
    if unknown := sorted(shot.keys() - {*_REQUIRED, *_OPTIONAL}):
        raise InvalidExample(unknown[0], f"is no field; these are: {', '.join((*_REQUIRED, *_OPTIONAL))}")
    hints = tuple(filter(None, shot.get("hints", "").splitlines()))
    texts: dict[str, Any] = {name: shot.get(name, "") for name in (*_REQUIRED, "headline", "topic")}
    return Example(**texts, hints=hints, tenant=tenant)


def _shots(selection: Selection) -> list[dict[str, Any]]:
    return [_strings(scored.example) for scored in selection.examples]


def _strings(example: Example) -> dict[str, str]:
    texts = {name: getattr(example, name) for name in (*_REQUIRED, "headline", "topic")}
    return {**texts, "hints": "\n".join(example.hints)}


def _document(scored: Scored) -> Document:
    example = scored.example
    return Document(
        id=example.id,
        page_content=example.article,
        metadata={
            "id": example.id,
            "headline": example.headline,
            "topic": example.topic,
            "summary": example.summary,
            "answer": example.answer,
            "riddle": example.riddle,
            "hints": list(example.hints),
            "score": scored.score,
        },
    )
