"""The parts of the service, opened in this process for as long as one command runs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from domain.events import Completed
from service.cli.options import options_of, settings_of
from service.cli.terminal import working

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import typer

    from domain.article import Article
    from service.resources import Resources


@asynccontextmanager
async def opened(ctx: typer.Context, *, for_jobs: bool = False) -> AsyncIterator[Resources]:
    """Everything that making riddles takes; the first time, the shipped examples are stored and indexed.

    Args:
        ctx: The running command's.
        for_jobs: Whether jobs are to be done here too, which takes the data folder's lock; which of them, the command
            says with `service.background.do_jobs`.

    What the parts log is shown with `--debug` only, on standard error: the command tells itself what matters.

    Raises:
        ConfigurationError: Something has to be changed first.
    """
    settings = settings_of(ctx)
    with working("Opening the examples …"):
        from service.opening import open_resources
        from service.telemetry.logging import configure_logging

        configure_logging("debug" if options_of(ctx).debug else "error", "console")

        opening = open_resources(settings, working=for_jobs, jobs=False)
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
