"""What a pipeline does with an article: steps, attempts, candidates, events, provenance."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from domain import Article, Riddle
from domain.errors import InvalidArticle, NotFound, ProviderRateLimited, ProviderTimedOut
from domain.events import (
    Completed,
    ExamplesSelected,
    Retry,
    RiddleDelta,
    RiddleDone,
    SummaryDelta,
    SummaryDone,
)
from tests.chains.kitchen import ARTICLE, ELSEWHERE, GOOD, LEAKING, NO_RIDDLE, SUMMARY, Kitchen, open_kitchen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chains.pipeline import PipelineInput
    from retrievers import Examples

    OpenKitchen = Callable[..., Kitchen]


@pytest.fixture
def kitchen(tmp_path: Path, shipped_examples: Examples) -> OpenKitchen:
    def open_it(**options: Any) -> Kitchen:
        return open_kitchen(tmp_path, shipped_examples, **options)

    return open_it


async def test_a_good_riddle_is_published_after_one_call_a_step(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(GOOD)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert riddle.status == "published"
    assert riddle.summary == SUMMARY
    assert riddle.answer == "thick fog"
    assert riddle.riddle is not None
    assert riddle.riddle.startswith("I weigh less than a feather")
    assert len(riddle.hints) == 2
    assert riddle.attempts == 1
    assert all(check.passed for check in riddle.checks)
    assert riddle.usage.calls == 2
    assert riddle.usage.cost_usd is None
    assert riddle.timings_ms.total > 0


async def test_provenance_names_prompt_versions_models_and_the_examples_shown(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(GOOD)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    summarize, write = riddle.steps
    assert (summarize.step, summarize.prompt, summarize.model) == ("summarize", "summarize@1", "scripted:summarizer")
    assert (write.step, write.prompt, write.model) == ("riddle", "riddle@1", "scripted:riddler")
    assert len(write.example_ids) == 4
    for record, model in ((summarize, k.summarizer), (write, k.riddler)):
        shots = [message for message in model.calls[0].messages if message.type == "ai"]
        assert len(shots) == len(record.example_ids)


async def test_a_leak_is_sent_back_with_its_reason_until_a_riddle_passes(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(LEAKING, GOOD)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert riddle.status == "published"
    assert riddle.attempts == 2
    assert "thick" in str(k.riddler.calls[1].messages[-1].content)
    assert k.riddler.calls[1].text.startswith(k.riddler.calls[0].text)


async def test_what_never_passes_needs_review_and_shows_the_failing_check(kitchen: OpenKitchen) -> None:
    k = kitchen(attempts=2)
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(LEAKING, NO_RIDDLE)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert riddle.status == "needs_review"
    assert riddle.attempts == 2
    assert riddle.riddle is not None
    assert "leakage" in {check.name for check in riddle.checks if not check.passed}


async def test_nothing_is_invented_when_the_model_writes_no_riddle(kitchen: OpenKitchen) -> None:
    k = kitchen(attempts=2)
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(NO_RIDDLE, NO_RIDDLE)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert (riddle.status, riddle.riddle, riddle.answer, riddle.hints) == ("needs_review", None, None, ())
    assert [check.name for check in riddle.checks] == ["format"]


async def test_no_riddle_is_asked_for_when_there_is_no_summary(kitchen: OpenKitchen) -> None:
    k = kitchen(attempts=2)
    k.summarizer.enqueue("  ", "\n")
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert (riddle.status, riddle.summary, riddle.riddle) == ("needs_review", None, None)
    assert k.riddler.calls == []


async def test_a_summary_with_an_invented_name_is_asked_for_again(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue("Heavy fog grounded flights in Islamabad on Monday, said Bilal Qureshi.", SUMMARY)
    k.riddler.enqueue(GOOD)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert riddle.summary == SUMMARY
    assert len(k.summarizer.calls) == 2


async def test_the_best_of_several_candidates_wins(kitchen: OpenKitchen) -> None:
    k = kitchen(candidates=3)
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(NO_RIDDLE, LEAKING, GOOD)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert riddle.status == "published"
    assert riddle.attempts == 1
    assert riddle.usage.calls == 4


@pytest.mark.parametrize("first", [GOOD, ELSEWHERE], ids=["telling first", "telling last"])
async def test_of_passing_candidates_the_one_most_about_this_story_wins(kitchen: OpenKitchen, first: str) -> None:
    k = kitchen(candidates=2, checks="form, leakage, guessable")
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(first, ELSEWHERE if first == GOOD else GOOD)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert riddle.riddle is not None
    assert "giants" in riddle.riddle
    assert [check.name for check in riddle.checks] == ["form", "leakage", "guessable"]


async def test_a_candidate_that_fails_at_the_provider_does_not_spoil_the_others(kitchen: OpenKitchen) -> None:
    k = kitchen(candidates=2)
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(ProviderTimedOut("scripted", "too slow"), GOOD)
    assert (await k.pipeline.ainvoke(ARTICLE)).status == "published"


async def test_a_provider_that_fails_raises_its_own_error(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(ProviderRateLimited("scripted", "slow down", retry_after_s=3))
    with pytest.raises(ProviderRateLimited, match="slow down"):
        await k.pipeline.ainvoke(ARTICLE)


async def test_a_fallback_answers_and_is_named_in_the_provenance(kitchen: OpenKitchen) -> None:
    k = kitchen(fallbacks='"scripted:spare"')
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(ProviderTimedOut("scripted", "too slow"))
    k.spare.enqueue(GOOD)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert riddle.steps[-1].model == "scripted:spare"


async def test_one_step_pipelines_take_the_summary_from_the_same_answer(kitchen: OpenKitchen) -> None:
    k = kitchen(one_step=True)
    k.riddler.enqueue(f"Summary: {SUMMARY}\n{GOOD}")
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert riddle.status == "published"
    assert riddle.summary == SUMMARY
    assert [step.step for step in riddle.steps] == ["summary_riddle"]


async def test_events_come_in_order_and_end_with_the_result(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(GOOD)
    events = [event async for event in k.pipeline.events(ARTICLE)]
    kinds = [type(event) for event in events]
    assert kinds[0] is ExamplesSelected
    assert kinds.index(SummaryDelta) < kinds.index(SummaryDone) < kinds.index(RiddleDelta) < kinds.index(RiddleDone)
    last = events[-1]
    assert isinstance(last, Completed)
    written = "".join(event.text for event in events if isinstance(event, RiddleDelta))
    assert written.strip() == last.riddle.riddle


async def test_streamed_text_that_is_thrown_away_is_announced(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(LEAKING, GOOD)
    events = [event async for event in k.pipeline.events(ARTICLE)]
    retries = [event for event in events if isinstance(event, Retry)]
    assert [retry.step for retry in retries] == ["riddle"]
    after = events[events.index(retries[-1]) :]
    assert "".join(event.text for event in after if isinstance(event, RiddleDelta)).strip().startswith("I weigh")


async def test_the_text_after_the_last_retry_is_the_winner_also_when_it_was_not_the_one_streamed(
    kitchen: OpenKitchen,
) -> None:
    k = kitchen(candidates=2, attempts=1)
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(LEAKING, GOOD)
    events = [event async for event in k.pipeline.events(ARTICLE)]
    last_retry = max(index for index, event in enumerate(events) if isinstance(event, Retry))
    shown = "".join(event.text for event in events[last_retry:] if isinstance(event, RiddleDelta))
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert shown == completed.riddle.riddle


async def test_the_answer_is_never_streamed(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(GOOD)
    events = [event async for event in k.pipeline.events(ARTICLE)]
    streamed = "".join(event.text for event in events if isinstance(event, RiddleDelta))
    assert "thick fog" not in streamed
    assert "Hint" not in streamed


async def test_closing_the_events_cancels_the_run(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.delay_s = 30
    k.summarizer.enqueue(SUMMARY)
    events = k.pipeline.events(ARTICLE)
    assert isinstance(await anext(events), ExamplesSelected)
    await events.aclose()  # type: ignore[attr-defined]  # an async generator behind AsyncIterator
    await asyncio.sleep(0)
    assert k.riddler.calls == []


def test_invoke_works_without_an_event_loop(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(GOOD)
    assert k.pipeline.invoke(ARTICLE).status == "published"


async def test_invoke_works_where_a_loop_runs_already_as_in_a_notebook(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(GOOD)
    assert k.pipeline.invoke(ARTICLE).status == "published"


async def test_abatch_keeps_the_order_of_its_articles(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.always = lambda messages: f"Fog came to a town. {str(messages[-1].content)[-40:].split()[0]}"
    k.riddler.always = GOOD
    articles: list[PipelineInput] = [Article(text=f"Fog came to a town. number {word}") for word in ("one", "two")]
    riddles = await k.pipeline.abatch(articles)
    assert [riddle.article for riddle in riddles] == articles


async def test_astream_events_shows_every_step_and_the_models_text(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(GOOD)
    seen = [event async for event in k.pipeline.astream_events(ARTICLE, version="v2")]
    names = {event["name"] for event in seen if event["event"] == "on_chain_start"}
    assert {"kitchen", "retrieve", "summarize", "riddle"} <= names
    assert any(event["event"] == "on_chat_model_stream" for event in seen)
    end = next(event for event in seen if event["event"] == "on_chain_end" and event["name"] == "kitchen")
    assert isinstance(end["data"]["output"], Riddle)


async def test_a_dict_and_a_text_are_articles_too(kitchen: OpenKitchen) -> None:
    k = kitchen()
    k.summarizer.always, k.riddler.always = SUMMARY, GOOD
    riddles = [await k.pipeline.ainvoke(given) for given in (ARTICLE.text, {"text": ARTICLE.text, "title": "Fog"})]
    assert [riddle.article.title for riddle in riddles] == [None, "Fog"]


@pytest.mark.parametrize("given", ["  \n", {"title": "only"}, {"text": "x", "colour": "red"}, "\x00"])
async def test_what_is_no_article_is_refused_before_any_call(kitchen: OpenKitchen, given: Any) -> None:
    k = kitchen()
    with pytest.raises(InvalidArticle):
        await k.pipeline.ainvoke(given)
    assert k.summarizer.calls == []


async def test_an_edited_pipeline_counts_from_the_next_article(kitchen: OpenKitchen, tmp_path: Path) -> None:
    k = kitchen(attempts=1)
    k.summarizer.always, k.riddler.always = SUMMARY, LEAKING
    assert (await k.pipeline.ainvoke(ARTICLE)).attempts == 1
    path = tmp_path / "pipelines" / "kitchen.yaml"
    await asyncio.sleep(0.3)
    path.write_text(path.read_text().replace("attempts: 1", "attempts: 2"))
    await asyncio.sleep(0.3)
    assert (await k.pipeline.ainvoke(ARTICLE)).attempts == 2


async def test_explain_shows_the_exact_messages_without_a_call(kitchen: OpenKitchen) -> None:
    k = kitchen()
    explanation = await k.pipeline.explain(ARTICLE)
    assert k.summarizer.calls == []
    k.summarizer.enqueue(SUMMARY)
    k.riddler.enqueue(GOOD)
    await k.pipeline.ainvoke(ARTICLE)
    summarize, riddle = explanation.steps
    sent = tuple((message.type, str(message.content)) for message in k.summarizer.calls[0].messages)
    assert summarize.messages == sent
    assert summarize.complete
    assert not riddle.complete
    kept = [seen for seen in explanation.considered if seen.kept]
    assert [seen.id for seen in kept] != []
    assert set(riddle.example_ids) <= {seen.id for seen in kept}
    assert all(seen.reason for seen in explanation.considered if not seen.kept)


async def test_an_unknown_pipeline_is_named_with_those_there_are(shipped_examples: Examples) -> None:
    from chains import load_pipeline

    with pytest.raises(NotFound, match="embedded"):
        load_pipeline("nonsense", examples=shipped_examples)
