"""Runs coroutines for callers that have no event loop, all on one background loop so that connections are shared."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its result; works in a notebook too, where a loop already runs.

    Raises:
        RuntimeError: Called from the background loop itself, which would wait for itself for ever.
    """
    loop = _background_loop()
    if _is_running_in(loop):
        coroutine.close()
        message = "a synchronous call from inside an asynchronous one: await the asynchronous method instead"
        raise RuntimeError(message)
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result()


def _background_loop() -> asyncio.AbstractEventLoop:
    global _loop  # noqa: PLW0603 -- one loop a process is the point
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="riddlewire-portal", daemon=True).start()
        return _loop


def _is_running_in(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
