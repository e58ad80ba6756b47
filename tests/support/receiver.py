"""A receiver of webhooks on loopback that can refuse, hang, redirect, break off, and remembers what it was sent."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Answer:
    """How one request is answered.

    Args:
        status: 0 closes the connection without an answer.
        headers: More headers.
        body: What is said.
        hang: Says nothing until the receiver is closed.
        before: Called when the request is there and not yet answered.
    """

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: bool = False
    before: Callable[[], None] | None = None


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """Answers 204 unless told otherwise; a context manager.

    Args:
        tls: Speaks https with that certificate.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self._answers: deque[Answer] = deque()
        self._always = Answer()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )  # the handshake happens in the thread of the connection
        self._server.daemon_threads = False  # joined by server_close, so that no test leaves a thread behind
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="receiver")

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        """Where it listens, under any name a test's resolver knows."""
        return f"http://{host}:{self.port}{path}"

    def enqueue(self, *answers: Answer) -> None:
        """The next requests are answered like this, one after the other."""
        self._answers.extend(answers)

    def always(self, answer: Answer) -> None:
        """Requests that nothing was enqueued for are answered like this."""
        self._always = answer

    def answer_to(self, request: Received) -> Answer:
        self.received.append(request)
        answer = self._answers.popleft() if self._answers else self._always
        if answer.before is not None:
            answer.before()
        if answer.hang:
            self._closing.wait()
        return answer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.answer_to(Received(self.path, headers, body))
            if answer.status == 0 or answer.hang:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST  # noqa: N815 -- a followed redirect would come as GET

        def log_message(self, *_: object) -> None:
            """Not on the tests' screen."""

    return Handler
