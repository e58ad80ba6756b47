"""Bounded concurrency: so many at once, in order, and nothing left running afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

T = TypeVar("T")


async def work_through(items: Iterable[T], work: Callable[[T], Awaitable[bool]], concurrency: int) -> None:
    """Do the work for each item, `concurrency` at once, until one answers False: then what is under way is finished.

    An exception, or being cancelled, cancels what is under way and comes out as it is.
    """
    waiting = iter(items)
    stopped = False

    async def worker() -> None:
        nonlocal stopped
        for item in waiting:
            if stopped or not await work(item):
                stopped = True
                return

    workers = [asyncio.create_task(worker()) for _ in range(concurrency)]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
