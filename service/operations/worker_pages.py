"""What a process that only works shows of itself: /livez, which is 503 when it is stuck, and /metrics.

It is answered from threads of its own, so that it still answers when the event loop does not turn.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app

from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from prometheus_client import CollectorRegistry

    from service.jobs.progress import WorkHealth

PATIENCE_S: Final = 10.0
"""Seconds that a connection may be silent."""


class PortUnavailable(ConfigurationError):
    """The pages cannot be shown where the operator wants them."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host}:{port} ({reason}); choose another --metrics-port or --metrics-host")


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE_S

    def log_message(self, *_: object) -> None:
        """Log nothing: probes come every few seconds."""


@contextmanager
def worker_pages(
    host: str, port: int, *, health: Callable[[], WorkHealth], registry: CollectorRegistry
) -> Iterator[None]:
    """Answer while the block runs.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        health: How the worker is; asked from other threads.
        registry: The metrics to show.

    Raises:
        PortUnavailable: Somebody else listens there, or the address is not of this machine.
    """
    try:
        server = make_server(host, port, pages(health, registry), ThreadingWSGIServer, _Handler)
    except OSError as error:
        raise PortUnavailable(host, port, error.strerror or type(error).__name__) from error
    thread = threading.Thread(target=server.serve_forever, name="riddlewire-pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def pages(health: Callable[[], WorkHealth], registry: CollectorRegistry) -> WSGIApplication:
    """The WSGI application: /livez, /metrics, and 404 for all else."""
    metrics = make_wsgi_app(registry)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        if path == "/livez":
            return _livez(health(), start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"there are /livez and /metrics\n"]

    return application


def _livez(health: WorkHealth, start_response: StartResponse) -> Iterable[bytes]:
    status = "503 Service Unavailable" if health.state == "stuck" else "200 OK"
    start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps({"status": health.state, "detail": health.detail}).encode()]
