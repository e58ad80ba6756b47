"""Chat models behind the limits of a service, and a program that calls them: a process among several.

`python -m tests.service.limits.calling HOME DATABASE_URL STUB_URL PROVIDER_JSON SECONDS CALLS_AT_ONCE` says `ready`,
waits for a line, calls for so long, and prints a line for each answer or failure.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.messages import HumanMessage

from chains.models import ChatModels
from domain.errors import ProviderError
from prompts.pipeline import ModelCallSpec, StepSpec
from service.limits.opening import open_limits
from service.settings import Settings
from service.storage.engine import open_engine
from service.storage.migrate import migrate
from service.storage.writer import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chains.models import Completion
    from service.limits.opening import Limits


class Caller:
    """Calls `openai:` models, which a stub answers."""

    def __init__(self, models: ChatModels, limits: Limits) -> None:
        self.models = models
        self.limits = limits

    async def call(self, text: str = "hello", *, model: str = "openai:stub", max_tokens: int = 64) -> Completion:
        spec = StepSpec(
            step="summarize",
            prompt="summarize",
            model=model,
            settings=ModelCallSpec(max_tokens=max_tokens, timeout_s=30.0),
        )
        return await self.models.complete(spec, [HumanMessage(text)])


@asynccontextmanager
async def calling(
    home: Path, database_url: str, stub_url: str, provider: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Caller]:
    """A caller with limits of its own on a database that others may share."""
    given = Settings(
        home=home,
        database_url=database_url,
        openai_base_url=stub_url,
        openai_api_key="sk-of-the-provider",
        providers={"openai": provider or {}},
        **{"cache": {"enabled": False}, **settings},
    )
    engine = open_engine(given.database_url)
    await asyncio.to_thread(migrate, engine)
    writer = Writer(engine)
    model_settings = given.model_settings()
    limits = open_limits(given, model_settings, engine, writer)
    models = ChatModels(model_settings, admission=limits.admission, cache=limits.cache)
    await asyncio.to_thread(
        models.get, "openai:stub"
    )  # its library takes seconds to import, which are no test's subject
    try:
        yield Caller(models, limits)
    finally:
        await models.aclose()
        await asyncio.to_thread(limits.close)
        writer.close()
        engine.dispose()


async def call_for(caller: Caller, seconds: float, at_once: int) -> list[str]:
    """Call again and again; what came of each call: `ok`, or the class of its error."""
    until = time.monotonic() + seconds
    outcomes: list[str] = []

    async def worker() -> None:
        while time.monotonic() < until:
            try:
                await caller.call()
            except ProviderError as error:
                outcomes.append(type(error).__name__)
            else:
                outcomes.append("ok")

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return outcomes


async def _main(home: str, database_url: str, stub_url: str, provider: str, seconds: str, at_once: str) -> None:
    async with calling(Path(home), database_url, stub_url, json.loads(provider)) as caller:
        print("ready", flush=True)  # noqa: T201 -- what the test that started this waits for
        await asyncio.to_thread(sys.stdin.readline)  # until it says go: processes start at their own pace
        for outcome in await call_for(caller, float(seconds), int(at_once)):
            print(outcome)  # noqa: T201 -- and what it reads


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
