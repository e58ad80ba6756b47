"""A server on loopback that answers as it is told, and then as one where every batch is done."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

BATCH = f"bat_{7:032x}"
_ITEM = {"index": 0, "status": "published", "riddle": None, "error": None}


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(status: int, kind: str, detail: str, **headers: str) -> Scripted:
    """A problem as Riddlewire tells one; `Retry_After` and such are its headers."""
    body = {"type": f"urn:riddlewire:problem:{kind}", "status": status, "detail": detail}
    return Scripted(
        status, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()}
    )


def batch(*, done: bool, **more: Any) -> Scripted:
    """A batch of one article."""
    counts = dict.fromkeys(("queued", "running", "needs_review", "failed", "cancelled"), 0)
    counts |= {"total": 1, "published": int(done), "queued": int(not done)}
    finished = "2026-03-01T12:00:00Z" if done else None
    told = {"id": BATCH, "status": "done" if done else "queued", "counts": counts, "finished_at": finished, **more}
    return Scripted(200, json.dumps(told).encode())


class ScriptedServer:
    """Answers with what was enqueued, then as one where the batch is done.

    Args:
        port: 0 takes a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.asked: list[tuple[str, float]] = []
        self._queue: deque[Scripted] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def enqueue(self, *answers: Scripted) -> None:
        """Give these first, one to a request."""
        self._queue.extend(answers)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> Scripted:
        """What comes next."""
        self.asked.append((path, time.monotonic()))
        if self._queue:
            return self._queue.popleft()
        if path.endswith("/results"):
            return Scripted(200, json.dumps(_ITEM).encode() + b"\n")
        return batch(done=True)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = server.answer(self.path)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_POST = do_GET  # noqa: N815 -- the name that http.server looks for

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler
