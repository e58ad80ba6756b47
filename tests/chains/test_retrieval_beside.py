"""Examples are retrieved while a step that shows none is at work, and nothing that callers see changes by that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from chains.together import beside
from domain.errors import ProviderUnavailable
from domain.events import ExamplesSelected, SummaryDelta
from tests.chains.kitchen import ARTICLE, GOOD, SUMMARY, Kitchen, open_kitchen

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.messages import BaseMessage

    from retrievers import Examples, Selection

SOON_S = 10.0


class Gated:
    """Examples whose selection waits until it is let go on, and may then fail."""

    def __init__(self, examples: Examples, *, error: Exception | None = None) -> None:
        self.go_on = asyncio.Event()
        self._examples = examples
        self._error = error

    async def aselect(self, *asked: Any, **more: Any) -> Selection:
        await asyncio.wait_for(self.go_on.wait(), SOON_S)
        if self._error is not None:
            raise self._error
        return await self._examples.aselect(*asked, **more)


def open_gated(home: Path, gated: Gated, **options: Any) -> Kitchen:
    k = open_kitchen(home, cast("Examples", gated), **options)

    def summarize(_: list[BaseMessage]) -> str:
        gated.go_on.set()
        return SUMMARY

    k.summarizer.always = summarize
    k.riddler.always = GOOD
    return k


async def test_a_summary_without_examples_does_not_wait_for_them(tmp_path: Path, shipped_examples: Examples) -> None:
    k = open_gated(tmp_path, Gated(shipped_examples), summary_shots=0)
    riddle = await k.pipeline.ainvoke(ARTICLE)
    assert riddle.status == "published"
    assert [len(record.example_ids) for record in riddle.steps] == [0, 4]


async def test_callers_hear_of_the_examples_first(tmp_path: Path, shipped_examples: Examples) -> None:
    k = open_gated(tmp_path, Gated(shipped_examples), summary_shots=0)
    told = [type(event) async for event in k.pipeline.events(ARTICLE)]
    assert told[:2] == [ExamplesSelected, SummaryDelta]


async def test_a_failed_retrieval_ends_the_summary_and_is_raised_as_it_is(
    tmp_path: Path, shipped_examples: Examples
) -> None:
    error = ProviderUnavailable("openai", "no embeddings today")
    k = open_gated(tmp_path, Gated(shipped_examples, error=error), summary_shots=0)
    k.summarizer.delay_s = 60.0
    cast("Gated", k.pipeline._steps.retrieve._examples).go_on.set()
    with pytest.raises(ProviderUnavailable) as caught:
        await asyncio.wait_for(k.pipeline.ainvoke(ARTICLE), SOON_S)
    assert caught.value is error
    assert k.summarizer.calls == []


async def test_a_failed_block_ends_the_work_beside_it() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    error = ValueError("x")

    async def fail() -> None:
        async with beside(work()):
            await asyncio.sleep(0)
            raise error

    with pytest.raises(ValueError, match="x") as caught:
        await fail()
    assert caught.value is error
    assert caught.value.__context__ is None
    assert ended.is_set()


async def test_what_is_cancelled_from_outside_is_cancelled() -> None:
    async def both() -> None:
        async with beside(asyncio.sleep(60)) as task:
            await task

    running = asyncio.create_task(both())
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
