"""What the service holds while it runs: opened once, in order, and closed in reverse."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.housekeeping import Housekeeping
from service.inflight import InFlight
from service.keys import KeyStore
from service.limits.opening import Limits, open_limits
from service.ratelimit import RateLimiter
from service.storage.engine import open_engine
from service.storage.home import HomeLock, make_home
from service.storage.idempotency import IdempotencyStore
from service.storage.migrate import migrate
from service.storage.riddles import RiddleRepository
from service.storage.writer import Writer
from service.warmup import WarmUp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from starlette.requests import Request

    from chains.models import ChatModels
    from chains.pipeline import RiddlePipeline
    from prompts import Catalog
    from retrievers import Examples
    from service.settings import Settings


@dataclass(slots=True, kw_only=True)
class Resources:
    """Everything an endpoint or a command needs, ready for use."""

    settings: Settings
    engine: Engine
    catalog: Catalog
    examples: Examples
    models: ChatModels
    riddles: RiddleRepository
    idempotency: IdempotencyStore
    keys: KeyStore
    limiter: RateLimiter
    in_flight: InFlight
    warm_up: WarmUp
    limits: Limits
    _pipelines: dict[str, RiddlePipeline] = field(default_factory=dict)

    def pipeline(self, name: str | None = None) -> RiddlePipeline:
        """A pipeline by name, the default one when none is named.

        Raises:
            NotFound: There is none of that name (any more).
            ConfigurationError: It cannot make a riddle.
        """
        wanted = name or self.settings.pipeline
        if wanted not in self._pipelines:
            from chains.loading import load_pipeline

            self._pipelines[wanted] = load_pipeline(
                wanted, catalog=self.catalog, examples=self.examples, models=self.models
            )
        pipeline = self._pipelines[wanted]
        pipeline.recipe()  # its files may have gone or broken since
        return pipeline


def resources_of(request: Request) -> Resources:
    """The resources of the application that serves this request."""
    resources: Resources = request.app.state.resources
    return resources


@asynccontextmanager
async def open_resources(settings: Settings, *, serving: bool = False) -> AsyncIterator[Resources]:
    """Open everything, and close it in reverse when the block ends.

    Args:
        settings: What the operator set.
        serving: For the process that serves: it takes the data folder's lock, keeps the example index on disk, refuses
            to serve strangers without keys, and warms up in the background. A command needs none of these.

    Raises:
        ConfigurationError: The operator has to change something first.
    """
    async with AsyncExitStack() as stack:
        make_home(settings.home)
        if serving and settings.needs_home_lock:
            stack.enter_context(HomeLock(settings.home))
        engine = open_engine(settings.database_url, pool_size=settings.database_pool_size)
        stack.callback(engine.dispose)
        await asyncio.to_thread(migrate, engine)
        keys = KeyStore(engine)
        if serving:
            settings.check_exposure(keys_exist=await asyncio.to_thread(keys.exist))
        resources = await _assemble(settings, engine, keys, stack, index=_index(settings, serving=serving))
        if serving:
            await _run_in_background(resources, stack)
        yield resources


async def _run_in_background(resources: Resources, stack: AsyncExitStack) -> None:
    from service.telemetry import metrics

    metrics.watch_in_flight(lambda: resources.in_flight.used)
    housekeeping = Housekeeping(resources.idempotency, purges=(resources.limits.purge,))
    await housekeeping.start()
    stack.push_async_callback(housekeeping.stop)
    stack.push_async_callback(resources.warm_up.stop)
    resources.warm_up.start(resources)


async def _assemble(
    settings: Settings, engine: Engine, keys: KeyStore, stack: AsyncExitStack, *, index: str | Path | None
) -> Resources:
    from chains.models import ChatModels
    from prompts import Catalog
    from retrievers import open_examples

    examples = await asyncio.to_thread(
        open_examples, engine=engine, chroma=index, embeddings=settings.embeddings, seed=True
    )
    stack.callback(examples.close)
    writer = Writer(engine)
    stack.callback(writer.close)
    model_settings = settings.model_settings()
    limits = open_limits(settings, model_settings, engine, writer)
    stack.push_async_callback(asyncio.to_thread, limits.close)
    models = ChatModels(model_settings, admission=limits.admission, cache=limits.cache)
    stack.push_async_callback(models.aclose)
    in_flight = InFlight(settings.limits.in_flight)
    stack.push_async_callback(in_flight.drain, settings.limits.drain_s)
    return Resources(
        settings=settings,
        engine=engine,
        catalog=Catalog(settings.home),
        examples=examples,
        models=models,
        riddles=RiddleRepository(engine, writer),
        idempotency=IdempotencyStore(engine),
        keys=keys,
        limiter=RateLimiter(),
        in_flight=in_flight,
        warm_up=WarmUp(),
        limits=limits,
    )


def _index(settings: Settings, *, serving: bool) -> str | Path | None:
    """Where Chroma keeps the index; in memory for a command beside a server, whose files it must not touch."""
    if settings.chroma_url is not None:
        return settings.chroma_url
    return settings.home / "index" if serving else None
