"""Things done at once, where the failure of one ends all and is raised as it is."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable

T = TypeVar("T")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run `work` while the block runs; the block may await the task it is given, and ends after it."""
    async with _group() as group:
        yield group.create_task(work)


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What the coroutines give, in their order."""
    async with _group() as group:
        tasks = [group.create_task(work) for work in works]
    return [task.result() for task in tasks]


@asynccontextmanager
async def _group() -> AsyncIterator[asyncio.TaskGroup]:
    """`asyncio.TaskGroup` without the exception group: what failed first is raised."""
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as failed:
        failure = failed.exceptions[0]
    if failure is not None:  # raised here, for inside `except` it would get the group as its context
        raise failure
