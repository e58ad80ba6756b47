"""`riddlewire work`: a process that does jobs and serves nobody."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import settings_of
from service.cli.running import run

if TYPE_CHECKING:
    from service.settings import Settings


def work(
    ctx: typer.Context,
    *,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Articles at once; by default RIDDLEWIRE_JOBS_CONCURRENCY.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Show Prometheus metrics on this port.")
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(help="Address for them. Nobody needs a key: keep others than loopback inside your network.")
    ] = "127.0.0.1",
) -> None:
    """Do jobs until stopped: batches and feeds that serving processes on the same PostgreSQL have accepted.

    Start as many as you like, on any number of machines. A worker that dies is noticed within 20 seconds, and others
    go on with its articles. SIGTERM lets what runs finish first.

    Examples:
    - `RIDDLEWIRE_DATABASE_URL=postgresql://... RIDDLEWIRE_CHROMA_URL=http://... riddlewire work`
    """
    settings = settings_of(ctx)
    if concurrency is not None:
        settings = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"concurrency": concurrency})})
    raise typer.Exit(run(_work(settings, metrics_port, metrics_host)))


async def _work(settings: "Settings", metrics_port: int | None, metrics_host: str) -> int:
    import asyncio
    import signal

    import structlog

    from service.resources import open_resources
    from service.server import prepare_process

    prepare_process(settings)
    log = structlog.get_logger("riddlewire.worker")
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stopping.set)
    async with open_resources(settings, working=True) as resources:
        assert resources.worker is not None
        await resources.worker.start()
        _show_metrics(metrics_port, metrics_host)
        log.info("doing jobs", worker=resources.worker.name, concurrency=settings.jobs.concurrency)
        await stopping.wait()
        log.info("stopping", running=resources.worker.work.running)
        resources.in_flight.close()
    return 0


def _show_metrics(port: int | None, host: str) -> None:
    if port is not None:
        from prometheus_client import start_http_server

        from service.telemetry import metrics

        start_http_server(port, addr=host, registry=metrics.process.registry)
