"""A real OpenAI-compatible server on loopback that does what a test tells it to, and remembers what it got.

As a program, for measurements: `python -m tests.support.openai_stub --port 9911 --latency 0.2`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SUMMARY = "A small town repaired its old stone bridge after a long winter and opened it again to walkers."
RIDDLE = (
    "Answer: mended stone crossing\n"
    "Riddle: I lie on my back with water beneath me,\n"
    "Winter cracked my bones but patient hands healed me,\n"
    "Now feet may pass over me, who am I?\n"
    "Hint: I join two sides.\n"
    "Hint: I am made of rock and span a stream."
)
_EMBEDDING_SIZE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One request as it came in, and when, in seconds of `time.monotonic`."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: float = field(default_factory=time.monotonic)

    @property
    def text(self) -> str:
        """All messages' text, joined."""
        return "\n".join(str(message.get("content")) for message in self.body.get("messages", []))


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What the server does with one request.

    Args:
        text: The content of the answer; None answers as a model would: a summary or a riddle.
        status: Another status than 200 answers with an error object.
        headers: Sent with the answer, such as `Retry-After`.
        delay_s: Before the answer starts.
        hang: Never answer.
        body: Raw body sent instead of an answer, such as HTML.
        content_type: Of `body`.
        cut_after: Close the connection after so many streamed pieces.
        no_done: End the stream without `[DONE]` and `finish_reason`.
        chunk_delay_s: Between streamed pieces.
        reset: Close the connection without a byte.
    """

    text: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    hang: bool = False
    body: bytes | None = None
    content_type: str = "application/json"
    cut_after: int | None = None
    no_done: bool = False
    chunk_delay_s: float = 0.0
    reset: bool = False
    message: str = "as the test asked"


NONSENSE = Behaviour(body=b'{"object": "potato", "weight": 3}')
HTML = Behaviour(
    body=b"<html><head><title>Bad gateway</title></head><body>oops</body></html>", content_type="text/html"
)
NOT_JSON = Behaviour(body=b'{"choices": [')
NO_CHOICES = Behaviour(body=b'{"object": "chat.completion", "choices": []}')
ERROR_IN_200 = Behaviour(body=b'{"error": {"message": "the model fell over", "code": 500}}')
NO_RIDDLE = Behaviour(text="I am sorry, as a language model I would rather talk about the weather.")


def rate_limited(retry_after: str | None = None) -> Behaviour:
    """429, with a `Retry-After` if given."""
    return Behaviour(status=429, headers={"Retry-After": retry_after} if retry_after else {}, message="slow down")


class OpenAIStub:
    """The server, in a thread of its own; a context manager.

    What is enqueued is used up in order, one a request; after that `default` answers, unless `choose` has something
    else for a request. `reply`, if set, gives the text for a request that has no other.

    Example:
        with OpenAIStub() as stub:
            stub.enqueue(rate_limited("1"), "a summary")
            ...
            assert len(stub.requests) == 2
    """

    def __init__(
        self,
        *,
        default: Behaviour | None = None,
        reply: Callable[[Recorded], str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.default = default or Behaviour()
        self.reply = reply or plausible_reply
        self.choose: Callable[[Recorded], Behaviour | None] = lambda _: None
        self.requests: list[Recorded] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._queue: deque[Behaviour] = deque()
        self._host, self._port = host, port
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base URL to configure: `http://127.0.0.1:PORT/v1`."""
        return f"http://{self._host}:{self._port}/v1"

    @property
    def last(self) -> Recorded:
        """The newest request."""
        return self.requests[-1]

    def enqueue(self, *behaviours: Behaviour | str) -> None:
        """What to do with the next requests; a text is an answer with that content."""
        self._queue.extend(Behaviour(text=one) if isinstance(one, str) else one for one in behaviours)

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-stub", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop at once, also what hangs."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/embeddings", self._embeddings)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, backlog=1024)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}  # requests that hang
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        recorded = await self._record(request)
        behaviour = self._queue.popleft() if self._queue else self.choose(recorded) or self.default
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._answer(request, recorded, behaviour)
        finally:
            self.in_flight -= 1

    async def _record(self, request: web.Request) -> Recorded:
        recorded = Recorded(path=request.path, headers=dict(request.headers), body=orjson.loads(await request.read()))
        self.requests.append(recorded)
        return recorded

    async def _answer(self, request: web.Request, recorded: Recorded, behaviour: Behaviour) -> web.StreamResponse:
        if behaviour.hang:
            await asyncio.Event().wait()
        if behaviour.delay_s:
            await asyncio.sleep(behaviour.delay_s)
        if behaviour.reset:
            assert request.transport is not None
            request.transport.abort()
        if behaviour.status != 200:
            error = {"error": {"message": behaviour.message, "type": "stub", "code": None}}
            return web.json_response(error, status=behaviour.status, headers=behaviour.headers)
        if behaviour.body is not None:
            return web.Response(body=behaviour.body, content_type=behaviour.content_type, headers=behaviour.headers)
        text = self.reply(recorded) if behaviour.text is None else behaviour.text
        if recorded.body.get("stream"):
            return await _stream(request, recorded, text, behaviour)
        return web.Response(body=orjson.dumps(_completion(recorded, text)), content_type="application/json")

    async def _embeddings(self, request: web.Request) -> web.Response:
        recorded = await self._record(request)
        inputs = recorded.body["input"]
        texts = [inputs] if isinstance(inputs, str) else inputs
        data = [{"object": "embedding", "index": n, "embedding": _embed(str(text))} for n, text in enumerate(texts)]
        return web.json_response({"object": "list", "model": recorded.body.get("model"), "data": data, "usage": {}})

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model"}]})


def plausible_reply(request: Recorded) -> str:
    """A riddle where the request asks for one by its labels, else a summary."""
    return RIDDLE if "Riddle:" in request.text or "[Summary Riddle" in request.text else SUMMARY


async def _stream(request: web.Request, recorded: Recorded, text: str, behaviour: Behaviour) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    pieces = [piece + " " for piece in text.split(" ")]
    pieces[-1] = pieces[-1].removesuffix(" ")
    answers = range(recorded.body.get("n") or 1)
    for number, piece in enumerate(pieces):
        if number == behaviour.cut_after:
            assert request.transport is not None
            request.transport.close()
            return response
        for index in answers:
            await _send(response, _chunk(recorded, {"content": piece}, index=index))
        if behaviour.chunk_delay_s:
            await asyncio.sleep(behaviour.chunk_delay_s)
    if behaviour.no_done:
        return response
    for index in answers:
        await _send(response, _chunk(recorded, {}, index=index, finish_reason="stop"))
    if (recorded.body.get("stream_options") or {}).get("include_usage"):
        await _send(response, {**_chunk(recorded, {}), "choices": [], "usage": _usage(recorded, text)})
    await response.write(b"data: [DONE]\n\n")
    return response


async def _send(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")


def _chunk(
    recorded: Recorded, delta: dict[str, str], *, index: int = 0, finish_reason: str | None = None
) -> dict[str, Any]:
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": recorded.body.get("model", "stub"),
        "choices": [{"index": index, "delta": {"role": "assistant", **delta}, "finish_reason": finish_reason}],
    }


def _completion(recorded: Recorded, text: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 0,
        "model": recorded.body.get("model", "stub"),
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": _usage(recorded, text),
    }


def _usage(recorded: Recorded, text: str) -> dict[str, Any]:
    read, written = len(recorded.text.split()), len(text.split()) * (recorded.body.get("n") or 1)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": read // 2},
    }


def _embed(text: str) -> list[float]:
    vector = [0.0] * _EMBEDDING_SIZE
    for word in text.lower().split():
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4]) % _EMBEDDING_SIZE] += 1.0
    length = math.hypot(*vector) or 1.0
    return [value / length for value in vector]


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9911)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    with OpenAIStub(port=options.port, default=Behaviour(delay_s=options.latency)) as stub:
        print(stub.url, flush=True)  # noqa: T201 -- the one thing a caller waits for
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
