"""Serving: uvicorn around the application, in one process or several, and a stop that finishes what was accepted."""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from service.app import create_app
from service.garbage import search_less

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from domain.errors import RiddlewireError
    from service.settings import Settings


def prepare_process(settings: Settings) -> None:
    """Set up this process's logs and traces, look for garbage less often, and keep tokenizers to one thread."""
    from service.telemetry import setup

    search_less()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    setup(settings)


class AppFactory:
    """Makes the application in whichever process it is called; can be pickled, as several processes need.

    Args:
        settings: What the operator set.
        prepare: Called first, in the process that serves; sets up its logs and traces.
    """

    def __init__(self, settings: Settings, prepare: Callable[[Settings], None] = prepare_process) -> None:
        self._settings = settings
        self._prepare = prepare
        self.app: FastAPI | None = None

    def __call__(self) -> FastAPI:
        """The application, in a process that is prepared for it."""
        self._prepare(self._settings)
        self.app = create_app(self._settings)
        return self.app


class Server(uvicorn.Server):
    """Uvicorn that tells the application at once when it is to stop, so that one deadline holds for all of it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but an orderly stop is a success: the signal is not raised again when all is done."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, finish what was accepted, close."""
        factory = self.config.app
        if isinstance(factory, AppFactory) and factory.app is not None:
            factory.app.state.resources.in_flight.close()
        await super().shutdown(sockets)


def serve(settings: Settings) -> int:
    """Serve until a signal comes.

    Returns:
        The exit code: 0 after an orderly stop, else what went wrong at start is in the log.

    Raises:
        ConfigurationError: The operator has to change something first.
        IndexUnavailable: The Chroma server does not answer.
    """
    factory = AppFactory(settings)
    config = configuration(settings, factory)
    if settings.processes == 1:
        return _serve_here(Server(config), factory)
    sockets = [config.bind_socket()]
    supervisor = Multiprocess(config, sockets=sockets)
    supervisor.run()
    return int(any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes))


def _serve_here(server: Server, factory: AppFactory) -> int:
    try:
        server.run()
    except SystemExit:  # how uvicorn says that the start failed
        refusal: RiddlewireError | None = factory.app.state.refusal if factory.app else None
        if refusal is not None:
            raise refusal from None
        raise
    return 0 if server.started else 1


def configuration(settings: Settings, factory: AppFactory) -> uvicorn.Config:
    """Uvicorn's configuration."""
    return uvicorn.Config(
        factory,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.processes,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(settings.limits.drain_s),
    )
