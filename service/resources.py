"""What the service holds while it runs: opened once, in order, and closed in reverse."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from service.batches.announcing import announcer
from service.batches.for_feeds import FeedBatches
from service.feeds.opening import open_feeds
from service.feeds.scheduler import FeedScheduler
from service.housekeeping import Housekeeping
from service.inflight import InFlight
from service.keys import KeyStore
from service.limits.opening import Limits, open_limits
from service.ratelimit import RateLimiter, parse_rate
from service.storage.batches import BatchRepository
from service.storage.deliveries import DeliveryRepository
from service.storage.engine import open_engine
from service.storage.feedback import FeedbackStore
from service.storage.guesses import GuessStore
from service.storage.home import HomeLock, make_home
from service.storage.idempotency import IdempotencyStore
from service.storage.job_overview import JobOverview, job_overview
from service.storage.jobs import JobRepository
from service.storage.migrate import migrate
from service.storage.promotions import PromotionStore
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
    from service.feeds.feeds import Feeds
    from service.jobs.worker import Worker
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
    guesses: GuessStore
    feedback: FeedbackStore
    promotions: PromotionStore
    idempotency: IdempotencyStore
    deliveries: DeliveryRepository
    keys: KeyStore
    limiter: RateLimiter
    in_flight: InFlight
    warm_up: WarmUp
    jobs: JobRepository
    batches: BatchRepository
    writer: Writer
    worker: Worker | None = None
    feeds: Feeds
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

    def overview(self) -> JobOverview:
        """All jobs and the living workers. Blocks.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database does not answer.
        """
        return job_overview(self.engine, dead_after_s=self.settings.jobs.dead_after_s)


def resources_of(request: Request) -> Resources:
    """The resources of the application that serves this request."""
    resources: Resources = request.app.state.resources
    return resources


@asynccontextmanager
async def open_resources(
    settings: Settings, *, serving: bool = False, working: bool = False
) -> AsyncIterator[Resources]:
    """Open everything, and close it in reverse when the block ends.

    Args:
        settings: What the operator set.
        serving: For the process that serves: it takes the data folder's lock, keeps the example index on disk, refuses
            to serve strangers without keys, and warms up in the background. A command needs none of these.
        working: For a process that does jobs and does not serve; it takes the lock and keeps the index like one that
            serves.

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
        await asyncio.to_thread(migrate, engine)
        keys = KeyStore(engine)
        if serving:
            settings.check_exposure(keys_exist=await asyncio.to_thread(keys.exist))
        resources = await _assemble(settings, engine, keys, stack, index=_index(settings, resident=resident))
        if serving:
            await _run_in_background(resources, stack)
        if working and not serving:
            await asyncio.to_thread(resources.idempotency.recover)
            await _deliver(resources, stack)
        if resident:
            _watch_jobs(resources, stack)
        if working or (serving and settings.jobs.work):
            await _do_jobs(resources, stack)
        yield resources


async def _deliver(resources: Resources, stack: AsyncExitStack) -> None:
    from service.webhooks.running import delivering

    await stack.enter_async_context(
        delivering(resources.deliveries, resources.settings, closing=lambda: resources.in_flight.closing)
    )


def _watch_jobs(resources: Resources, stack: AsyncExitStack) -> None:
    from service.telemetry.metrics import process

    process.jobs.watch_all(resources.overview)
    stack.callback(process.jobs.unwatch_all, resources.overview)


async def _do_jobs(resources: Resources, stack: AsyncExitStack) -> None:
    from service.jobs.work import Stores
    from service.jobs.worker import Worker
    from service.telemetry.metrics import process

    stores = Stores(engine=resources.engine, writer=resources.writer, jobs=resources.jobs, riddles=resources.riddles)
    worker = Worker(
        stores,
        pipeline=resources.pipeline,
        settings=resources.settings.jobs,
        metrics=process.jobs,
        provider_waits=resources.limits.admission.is_held_up,
        refusal=resources.limits.budgets.refusal,
    )
    resources.worker = worker
    process.jobs.watch_here(worker.progress, slots=resources.settings.jobs.concurrency)
    await worker.start_when_needed()

    async def stop() -> None:
        await worker.stop(resources.in_flight.left_s(resources.settings.limits.drain_s))

    stack.push_async_callback(stop)


async def _run_in_background(resources: Resources, stack: AsyncExitStack) -> None:
    from service.telemetry import metrics

    metrics.watch_in_flight(lambda: resources.in_flight.used)
    keep_days = timedelta(days=resources.settings.webhooks.keep_days)
    keep_guesses = timedelta(days=resources.settings.limits.guesses_keep_days)
    keep_batches = timedelta(days=resources.settings.jobs.keep_days)
    purges = (
        resources.limits.purge,
        lambda: resources.deliveries.purge(keep_days),
        lambda: resources.batches.purge(keep_batches),
        resources.feeds.purge,
        lambda: resources.guesses.purge(keep_guesses, parse_rate(resources.settings.limits.guesses)),
    )
    housekeeping = Housekeeping(resources.idempotency, also=purges)
    await housekeeping.start()
    stack.push_async_callback(housekeeping.stop)
    await _deliver(resources, stack)
    if resources.settings.feeds.schedule:
        scheduler = FeedScheduler(resources.feeds, at_once=resources.settings.feeds.pulls)
        scheduler.start()
        stack.push_async_callback(scheduler.stop)
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
    )
    feeds.connect(FeedBatches(resources))
    return resources


def _index(settings: Settings, *, resident: bool) -> str | Path | None:
    """Where Chroma keeps the index; in memory for a command beside a server, whose files it must not touch."""
    if settings.chroma_url is not None:
        return settings.chroma_url
    return settings.home / "index" if resident else None
