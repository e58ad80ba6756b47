"""Runs coroutines from commands; asyncio is imported when one is run, because `--help` has no use for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. Ctrl-C cancels the work, waits for its clean-up and then ends the command."""
    import asyncio

    return asyncio.run(work)


def run_for_long(work: Coroutine[Any, Any, T]) -> T:
    """The same for a process that serves: on the event loop of the service."""
    import asyncio

    from uvicorn.loops.auto import auto_loop_factory

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(work)
