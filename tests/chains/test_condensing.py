"""Articles longer than a model's window: examples go first, then the article is condensed, and the checks say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chains import RiddlePipeline
from chains.condensing import NoCondenseStep
from chains.models import ModelSettings, ProviderSettings
from domain import Article
from prompts import Catalog
from tests.chains.kitchen import ARTICLE, GOOD, SUMMARY, Kitchen, open_kitchen

if TYPE_CHECKING:
    from pathlib import Path

    from retrievers import Examples

WINDOW = 1_000
SETTINGS = ModelSettings(providers={"scripted": ProviderSettings(context_tokens=WINDOW)})
PARAGRAPH = "The town council met again about the fog, and nobody could see the mayor from the second row of seats."


def a_kitchen(home: Path, examples: Examples) -> Kitchen:
    k = open_kitchen(home, examples, settings=SETTINGS)
    k.summarizer.always = SUMMARY
    k.riddler.always = GOOD
    k.condenser.always = "The council met in the fog."
    return k


def long_article(paragraphs: int) -> Article:
    return replace(ARTICLE, text="\n\n".join([ARTICLE.text, *[PARAGRAPH] * paragraphs]))


async def test_a_short_article_is_read_as_it_is(tmp_path: Path, shipped_examples: Examples) -> None:
    k = a_kitchen(tmp_path, shipped_examples)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert k.condenser.calls == []
    assert ARTICLE.text in k.summarizer.calls[0].text
    assert "condensed" not in {check.name for check in riddle.checks}


async def test_examples_go_before_article_text_is_touched(tmp_path: Path, shipped_examples: Examples) -> None:
    k = a_kitchen(tmp_path, shipped_examples)
    article = long_article(20)
    riddle = await k.pipeline.ainvoke(article)
    assert k.condenser.calls == []
    assert PARAGRAPH in k.summarizer.calls[0].text
    assert len(riddle.steps[0].example_ids) < len(riddle.steps[1].example_ids)


async def test_an_article_over_the_window_is_condensed_and_the_checks_say_so(
    tmp_path: Path, shipped_examples: Examples
) -> None:
    k = a_kitchen(tmp_path, shipped_examples)
    riddle = await k.pipeline.ainvoke(long_article(200))
    assert len(k.condenser.calls) > 1
    assert riddle.status == "published"
    check = next(check for check in riddle.checks if check.name == "condensed")
    assert "longer than the model reads" in check.detail
    assert [step.step for step in riddle.steps] == ["condense", "summarize", "riddle"]
    assert riddle.usage.calls == len(k.condenser.calls) + 2


async def test_no_prompt_is_longer_than_the_window(tmp_path: Path, shipped_examples: Examples) -> None:
    k = a_kitchen(tmp_path, shipped_examples)
    await k.pipeline.ainvoke(long_article(200))
    for model in (k.condenser, k.summarizer, k.riddler):
        for call in model.calls:
            tokens = sum(k.models.count_tokens("scripted:x", str(message.content)) for message in call.messages)
            assert tokens <= WINDOW


async def test_ten_megabytes_of_one_letter_end_in_a_riddle(tmp_path: Path, shipped_examples: Examples) -> None:
    k = a_kitchen(tmp_path, shipped_examples)
    riddle = await k.pipeline.ainvoke(Article(text="a" * 10_000_000))
    check = next(check for check in riddle.checks if check.name == "condensed")
    assert "were not read" in check.detail
    assert len(k.condenser.calls) <= 100


async def test_a_pipeline_without_a_condense_step_says_what_is_missing(
    tmp_path: Path, shipped_examples: Examples
) -> None:
    k = a_kitchen(tmp_path, shipped_examples)
    path = tmp_path / "pipelines" / "kitchen.yaml"
    text = path.read_text()
    start, end = text.index("  - step: condense"), text.index("gate:")
    path.write_text(text[:start] + text[end:])
    pipeline = RiddlePipeline("kitchen", catalog=Catalog(tmp_path), examples=shipped_examples, models=k.models)
    with pytest.raises(NoCondenseStep, match="add one"):
        await pipeline.ainvoke(long_article(200))
