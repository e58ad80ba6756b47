"""A riddle whose steps were answered before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chains.models import ChatModels
from domain.events import SummaryDelta
from tests.chains.kitchen import ARTICLE, GOOD, LEAKING, SUMMARY, Kitchen, open_kitchen
from tests.chains.models.test_memory import Shelf

if TYPE_CHECKING:
    from pathlib import Path

    from domain.events import PipelineEvent
    from retrievers import Examples


def remembering(home: Path, examples: Examples, shelf: Shelf, *, more: str = "") -> Kitchen:
    return open_kitchen(home, examples, models=ChatModels(cache=shelf), more=more)


async def test_the_same_article_again_calls_no_model_and_says_so(tmp_path: Path, shipped_examples: Examples) -> None:
    shelf = Shelf()
    first = remembering(tmp_path, shipped_examples, shelf)
    first.summarizer.enqueue(SUMMARY)
    first.riddler.enqueue(LEAKING, GOOD)
    made = await first.pipeline.ainvoke(ARTICLE)
    again = await remembering(tmp_path, shipped_examples, shelf).pipeline.ainvoke(
        ARTICLE
    )  # with models that say nothing

    assert (again.riddle, again.answer, again.attempts) == (made.riddle, made.answer, 2)
    assert [record.cached for record in made.steps] == [False, False]
    assert [record.cached for record in again.steps] == [True, True]
    assert (again.usage.calls, again.usage.input_tokens, again.usage.cost_usd) == (0, 0, 0.0)


async def test_a_pipeline_that_says_cache_false_asks_every_time(tmp_path: Path, shipped_examples: Examples) -> None:
    shelf = Shelf()
    kitchen = remembering(tmp_path, shipped_examples, shelf, more="cache: false")
    for _ in range(2):
        kitchen.summarizer.enqueue(SUMMARY)
        kitchen.riddler.enqueue(GOOD)
        await kitchen.pipeline.ainvoke(ARTICLE)
    assert len(kitchen.summarizer.calls) == len(kitchen.riddler.calls) == 2
    assert shelf.kept == {}


async def test_whether_answers_are_remembered_is_no_part_of_a_pipelines_hash(
    tmp_path: Path, shipped_examples: Examples
) -> None:
    kept = remembering(tmp_path / "a", shipped_examples, Shelf()).pipeline.recipe().spec
    not_kept = remembering(tmp_path / "b", shipped_examples, Shelf(), more="cache: false").pipeline.recipe().spec
    assert (kept.cache, not_kept.cache) == (True, False)
    assert kept.content_hash == not_kept.content_hash


async def test_who_follows_the_stream_is_told_a_remembered_summary_at_once(
    tmp_path: Path, shipped_examples: Examples
) -> None:
    shelf = Shelf()
    first = remembering(tmp_path, shipped_examples, shelf)
    first.summarizer.enqueue(SUMMARY)
    first.riddler.enqueue(GOOD)
    await first.pipeline.ainvoke(ARTICLE)
    again = remembering(tmp_path, shipped_examples, shelf).pipeline
    told: list[PipelineEvent] = [event async for event in again.events(ARTICLE)]
    assert [event.text for event in told if isinstance(event, SummaryDelta)] == [SUMMARY]
