"""What a process does besides answering: housekeeping, webhooks, feeds, jobs. Each ends with the process's stack."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from service.feeds.scheduler import FeedScheduler
from service.housekeeping import Housekeeping
from service.ratelimit import parse_rate

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from service.resources import Resources


async def deliver_webhooks(resources: Resources, stack: AsyncExitStack) -> None:
    """Send webhooks that are due until the stack closes."""
    from service.webhooks.running import delivering

    await stack.enter_async_context(
        delivering(resources.deliveries, resources.settings, closing=lambda: resources.in_flight.closing)
    )


def watch_jobs(resources: Resources, stack: AsyncExitStack) -> None:
    """Count all jobs, and the living workers, in this process's metrics."""
    from service.telemetry.metrics import process

    process.jobs.watch_all(resources.overview)
    stack.callback(process.jobs.unwatch_all, resources.overview)


async def do_jobs(resources: Resources, stack: AsyncExitStack, *, only: str | None = None) -> None:
    """Work on jobs as soon as there are any; what is running when the stack closes gets what is left of the drain.

    Args:
        resources: The service's.
        stack: Ends it.
        only: The one batch to work on, by id, from now on; None: all there are and that come in.
    """
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
        only=only,
    )
    resources.worker = worker
    resources.in_flight.when_closed(worker.begin_no_more)
    process.jobs.watch_here(worker.progress, slots=resources.settings.jobs.concurrency)
    await (worker.start_when_needed() if only is None else worker.start())

    async def stop() -> None:
        await worker.stop(resources.in_flight.left_s(resources.settings.limits.drain_s))

    stack.push_async_callback(stop)


async def tend(resources: Resources, stack: AsyncExitStack) -> None:
    """What only a serving process does: housekeeping, webhooks, pulling feeds by their schedules, warming up."""
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
    await deliver_webhooks(resources, stack)
    if resources.settings.feeds.schedule:
        scheduler = FeedScheduler(resources.feeds, at_once=resources.settings.feeds.pulls)
        resources.in_flight.when_closed(scheduler.begin_no_more)
        scheduler.start()
        stack.push_async_callback(scheduler.stop)
    stack.push_async_callback(resources.warm_up.stop)
    resources.warm_up.start(resources)
