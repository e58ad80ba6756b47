"""Runs coroutines from commands; asyncio is imported when one is run, because `--help` has no use for it."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from service.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

CLEAN_UP_S = 15.0
"""What clean-up may take after Ctrl-C; then the command ends, whatever a library's thread still waits for."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. Ctrl-C cancels the work, waits for its clean-up and then ends the command."""
    import asyncio

    async def watched() -> T:
        cancel = signal.getsignal(signal.SIGINT)  # asyncio's own, which it has just set
        if not callable(cancel) or threading.current_thread() is not threading.main_thread():
            return await work

        def interrupt(number: int, frame: Any) -> None:
            end = threading.Timer(CLEAN_UP_S, os._exit, (int(Exit.INTERRUPTED),))
            end.daemon = True
            end.start()
            cancel(number, frame)

        signal.signal(signal.SIGINT, interrupt)
        try:
            return await work
        finally:
            signal.signal(signal.SIGINT, cancel)

    return asyncio.run(watched())
