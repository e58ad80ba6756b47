"""The parts of the service, opened in this process for as long as one command runs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from domain.events import Completed
from service.cli.terminal import working

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from domain.article import Article
    from service.resources import Resources
    from service.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Resources]:
    """Everything that making riddles takes; the first time, the shipped examples are stored and indexed.

    Raises:
        ConfigurationError: Something has to be changed first.
    """
    with working("Opening the examples …"):
        from service.resources import open_resources

        opening = open_resources(settings)
        resources = await opening.__aenter__()
    try:
        yield resources
    finally:
        await opening.__aexit__(None, None, None)


async def local_events(
    resources: Resources, article: Article, *, pipeline: str | None, topic: str | None
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Make a riddle here and keep it: the same events that a server streams, `result` last.

    Raises:
        NotFound: There is no such pipeline.
        ProviderError: The model's provider failed.
    """
    from service.riddles.payload import event_payload, riddle_payload

    async for event in resources.pipeline(pipeline).events(article, topic=topic):
        if isinstance(event, Completed):
            stored = await asyncio.to_thread(resources.riddles.save, event.riddle)
            yield "result", riddle_payload(stored)
        elif (told := event_payload(event)) is not None:
            yield told
