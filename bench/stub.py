"""An OpenAI-compatible stub as cheap as Python allows: `uvicorn bench.stub:app`. `POST /delay/200` sets its model time.

It answers a summary with the first words of the article and a riddle with one that every gate lets pass.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson

from bench.peers.wording import RIDDLE_SYSTEM

SUMMARY_WORDS = 30
RIDDLE = (
    "Answer: a quiet turn of fortune\n"
    "Riddle: I climb a ladder nobody built,\n"
    "and empty pockets as I go.\n"
    "Who meets me first, and who the last?\n"
    "Hint: It is felt before it is seen.\n"
    "Hint: It changes the morning of many."
)
_JSON = [(b"content-type", b"application/json")]
_delay_s = 0.0


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    body = await _body(receive)
    path: str = scope["path"]
    if path.startswith("/delay/"):
        globals()["_delay_s"] = float(path.removeprefix("/delay/")) / 1e3
        answer = b"{}"
    elif path == "/ready":
        answer = b"{}"
    else:
        due = time.perf_counter() + _delay_s
        answer = _completion(orjson.loads(body))
        if _delay_s:
            await asyncio.sleep(due - time.perf_counter())
    await send({"type": "http.response.start", "status": 200, "headers": _JSON})
    await send({"type": "http.response.body", "body": answer})


def _completion(asked: dict[str, Any]) -> bytes:
    messages = asked["messages"]
    text = RIDDLE if messages[0]["content"].startswith(RIDDLE_SYSTEM) else _summary(messages[-1]["content"])
    return orjson.dumps(
        {
            "id": "stub",
            "object": "chat.completion",
            "created": 0,
            "model": "stub",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"},
            ],
            "usage": {"prompt_tokens": 400, "completion_tokens": 40, "total_tokens": 440},
        }
    )


def _summary(article: str) -> str:
    return " ".join(article.split(maxsplit=SUMMARY_WORDS)[:SUMMARY_WORDS]).rstrip(".,") + "."


async def _body(receive: Any) -> bytes:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
