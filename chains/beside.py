"""Two things at once: a task beside a block of code, where the failure of either ends both."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

T = TypeVar("T")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run `work` while the block runs; the block may await the task it is given, and ends after it.

    What fails first cancels the other and is raised as it is, not in the group that `asyncio.TaskGroup` makes of it.
    """
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            yield group.create_task(work)
    except ExceptionGroup as failed:
        failure = failed.exceptions[0]
    if failure is not None:  # raised here, for inside `except` it would get the group as its context
        raise failure
