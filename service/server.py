"""Serving: uvicorn around the application, in one process or several, and a stop that finishes what was accepted."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.server import HANDLED_SIGNALS
from uvicorn.supervisors import Multiprocess

from service.app import create_app
from service.garbage import search_less

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from types import FrameType

    from fastapi import FastAPI

    from domain.errors import RiddlewireError
    from service.settings import Settings


_SECONDS_TO_ANSWER: Final = 15
"""Of several processes one that is silent for so long is taken for dead; imports on a busy machine can take longer than
uvicorn's own 5 seconds."""


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
        if threading.current_thread() is threading.main_thread():
            _close_at_signals(self.app)
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
            _take_nothing_new(factory.app)
        await super().shutdown(sockets)


def _close_at_signals(app: FastAPI) -> None:
    """Have the application hear of a stop at the signal itself, before the server does.

    The server waits for open connections first, and where there are several processes it is not ours. Uvicorn has set
    its handlers when it asks for the application, and takes them away when it ends.
    """
    loop = asyncio.get_running_loop()
    for number in HANDLED_SIGNALS:
        before = signal.getsignal(number)

        def hear(number: int, frame: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(_take_nothing_new, app)
            if callable(before):
                before(number, frame)

        signal.signal(number, hear)


def _take_nothing_new(app: FastAPI) -> None:
    resources = getattr(app.state, "resources", None)  # there are none before the start has succeeded
    if resources is not None:
        resources.in_flight.close()


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
        timeout_worker_healthcheck=_SECONDS_TO_ANSWER,
    )
