"""Opens what the service holds while it runs, once and in order, and closes it in reverse."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from service.background import deliver_webhooks, do_jobs, tend, watch_jobs
from service.batches.announcing import announcer
from service.batches.for_feeds import FeedBatches
from service.batches.watching import Watching
from service.feeds.opening import open_feeds
from service.inflight import InFlight
from service.keys import KeyStore
from service.limits.idle_budgets import warn_of_idle_budgets
from service.limits.opening import open_limits
from service.operations.remembered import Remembered
from service.ratelimit import RateLimiter
from service.resources import Resources
from service.storage.batches import BatchRepository
from service.storage.deliveries import DeliveryRepository
from service.storage.engine import open_engine
from service.storage.feedback import FeedbackStore
from service.storage.guesses import GuessStore
from service.storage.home import HomeLock, make_home
from service.storage.idempotency import IdempotencyStore
from service.storage.jobs import JobRepository
from service.storage.migrate import migrate_beside
from service.storage.promotions import PromotionStore
from service.storage.refused_writes import RefusedWrites
from service.storage.riddles import RiddleRepository
from service.storage.writer import Writer
from service.warmup import WarmUp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from service.settings import Settings


@asynccontextmanager
async def open_resources(
    settings: Settings, *, serving: bool = False, working: bool = False, jobs: bool = True
) -> AsyncIterator[Resources]:
    """Open everything, and close it in reverse when the block ends.

    Args:
        settings: What the operator set.
        serving: For the process that serves: it takes the data folder's lock, keeps the example index on disk, refuses
            to serve strangers without keys, and warms up in the background. A command needs none of these.
        working: For a process that does jobs and does not serve; it takes the lock and keeps the index like one that
            serves.
        jobs: Whether a process that does jobs does all there are; else it begins itself, once it knows which
            (`service.background.do_jobs`).

    Raises:
        ConfigurationError: The operator has to change something first.
    """
    async with AsyncExitStack() as stack:
        make_home(settings.home)
        resident = serving or working
        if resident and settings.needs_home_lock:
            stack.enter_context(HomeLock(settings.home))
        engine = open_engine(settings.database_url, pool_size=settings.database_pool_size)
        stack.callback(engine.dispose)
        beside = settings.home if settings.needs_home_lock and not resident else None
        await asyncio.to_thread(migrate_beside, engine, beside)
        keys = KeyStore(engine)
        if serving:
            settings.check_exposure(keys_exist=await asyncio.to_thread(keys.exist))
        resources = await _assemble(settings, engine, keys, stack, index=_index(settings, resident=resident))
        if serving:
            await tend(resources, stack)
        if working and not serving:
            await asyncio.to_thread(resources.idempotency.recover)
            await deliver_webhooks(resources, stack)
        if resident:
            warn_of_idle_budgets(settings.budgets.pipelines, resources.catalog)
            watch_jobs(resources, stack)
        if jobs and (working or (serving and settings.jobs.work)):
            await do_jobs(resources, stack)
        yield resources


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
    batches = BatchRepository(engine)
    batches.on_batch_finished = announcer(batches)
    jobs = JobRepository(engine, writer, batches.on_batch_finished)
    stack.callback(writer.close)
    model_settings = settings.model_settings()
    limits = open_limits(settings, model_settings, engine, writer)
    stack.push_async_callback(asyncio.to_thread, limits.close)
    models = ChatModels(model_settings, admission=limits.admission, cache=limits.cache)
    stack.push_async_callback(models.aclose)
    in_flight = InFlight(settings.limits.in_flight)
    stack.push_async_callback(in_flight.drain, settings.limits.drain_s)
    catalog = Catalog(settings.home)
    feeds = open_feeds(settings, engine, check_pipeline=catalog.pipeline)
    resources = Resources(
        settings=settings,
        engine=engine,
        catalog=catalog,
        examples=examples,
        models=models,
        riddles=RiddleRepository(engine, writer),
        jobs=jobs,
        batches=batches,
        watching=Watching(batches.get),
        writer=writer,
        guesses=GuessStore(engine, writer),
        feedback=FeedbackStore(engine, writer),
        promotions=PromotionStore(engine),
        idempotency=IdempotencyStore(engine),
        deliveries=DeliveryRepository(engine),
        keys=keys,
        limiter=RateLimiter(),
        in_flight=in_flight,
        warm_up=WarmUp(),
        feeds=feeds,
        limits=limits,
        refused_writes=RefusedWrites(engine),
        index_check=Remembered(examples.index.trouble),
    )
    feeds.connect(FeedBatches(resources))
    return resources


def _index(settings: Settings, *, resident: bool) -> str | Path | None:
    """Where Chroma keeps the index; in memory for a command beside a server, whose files it must not touch."""
    if settings.chroma_url is not None:
        return settings.chroma_url
    return settings.home / "index" if resident else None
