"""`riddlewire work`: a process that does jobs and serves nobody."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import settings_of
from service.cli.running import run_for_long

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from service.jobs.worker import Worker
    from service.settings import Settings


def work(
    ctx: typer.Context,
    *,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Articles at once; by default RIDDLEWIRE_JOBS_CONCURRENCY.")
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Show /metrics for Prometheus and /livez on this port."),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(help="Address of that port. Neither page asks for a key: keep it inside your network.")
    ] = "127.0.0.1",
) -> None:
    """Do jobs until stopped: batches and feeds that serving processes on the same PostgreSQL have accepted.

    Start as many as you like, on any number of machines. A worker that dies is noticed within 20 seconds, and others
    go on with its articles. SIGTERM lets what runs finish first. /livez answers 503 when the worker is stuck, so that
    it can be restarted; a busy one, or one that waits for a provider, is not.

    Examples:
    - `RIDDLEWIRE_DATABASE_URL=postgresql://... RIDDLEWIRE_CHROMA_URL=http://... riddlewire work`
    - `riddlewire work --concurrency 64 --metrics-port 9100 --metrics-host 0.0.0.0`
    """
    settings = settings_of(ctx)
    if concurrency is not None:
        settings = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"concurrency": concurrency})})
    raise typer.Exit(run_for_long(_work(settings, metrics_host, metrics_port)))


async def _work(settings: "Settings", metrics_host: str, metrics_port: int | None) -> int:
    import asyncio
    import signal
    from contextlib import ExitStack

    import structlog

    from service.opening import open_resources
    from service.server import prepare_process

    prepare_process(settings)
    log = structlog.get_logger("riddlewire.worker")
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stopping.set)
    with ExitStack() as pages:  # they are there until the last job has ended
        async with open_resources(settings, working=True) as resources:
            assert resources.worker is not None
            # First, so that a port that is taken is told before any job is begun.
            pages.enter_context(_pages(metrics_host, metrics_port, resources.worker))
            await resources.worker.start()
            log.info("doing jobs", worker=resources.worker.name, concurrency=settings.jobs.concurrency)
            await stopping.wait()
            log.info("stopping", running=resources.worker.work.running)
            resources.in_flight.close()
    return 0


def _pages(host: str, port: int | None, worker: "Worker") -> "AbstractContextManager[None]":
    from contextlib import nullcontext

    from service.operations.worker_pages import worker_pages
    from service.telemetry import metrics

    if port is None:
        return nullcontext()
    return worker_pages(host, port, health=worker.health, registry=metrics.process.registry)
