"""`riddlewire serve`: the HTTP service."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import settings_of

if TYPE_CHECKING:
    from service.settings import Settings


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on; by default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="By default 8000; 0 takes a free one.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; more than one needs PostgreSQL and a Chroma server. By default 1."),
    ] = None,
) -> None:
    """Serve the HTTP API until stopped; what was accepted is finished first.

    Other addresses than loopback are refused until there is an API key: `riddlewire keys create NAME --role admin`.
    All other settings are environment variables, see docs/configuration.md.

    Examples:
    - `riddlewire serve`
    - `riddlewire serve --host 0.0.0.0 --port 80`
    """
    settings = settings_of(ctx, host=host, port=port, processes=workers)
    _check_first(settings)
    from service.server import serve as serve_http

    raise typer.Exit(serve_http(settings))


def _check_first(settings: "Settings") -> None:
    """What the server refuses at start anyway, told here in one line instead of in its log."""
    from service.cli.database import opened_engine
    from service.keys import KeyStore
    from service.storage.home import HomeLock

    if settings.needs_home_lock:
        with HomeLock(settings.home):
            pass
    if not settings.serves_loopback_only:
        with opened_engine(settings) as engine:
            settings.check_exposure(keys_exist=KeyStore(engine).exist())
