"""A langchain-community document loader as a feed: in a thread of its own, for so long, so many documents."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from domain.errors import RiddlewireError
from retrievers.errors import FeedUnreadable
from retrievers.feeds.item import FeedItem, check_count
from retrievers.feeds.lines import item_of
from retrievers.loaders import load_documents

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LETTERS = 50_000_000
"""Of all documents together; they are in memory at once."""


async def load_items(name: str, arguments: Mapping[str, Any], *, timeout_s: float) -> tuple[FeedItem, ...]:
    """The documents of a loader.

    A thread cannot be ended from outside: a loader that hangs keeps its own until it ends, and the process need not
    wait for it to stop.

    Args:
        name: Class name, such as `TextLoader`.
        arguments: For the class.
        timeout_s: Seconds for all of it.

    Raises:
        NotFound: There is no such loader.
        ConfigurationError: It refuses its arguments, or needs a package.
        FeedUnreadable: It failed, took too long, or gave too many documents or letters.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[FeedItem, ...]] = loop.create_future()

    def work() -> None:
        try:
            items, error = _load(name, arguments), None
        except RiddlewireError as raised:
            items, error = (), raised
        except Exception as raised:  # noqa: BLE001 -- a hundred loaders raise a hundred kinds of errors
            items, error = (), FeedUnreadable("loader", f"{name} failed: {type(raised).__name__}: {raised}")
        _tell(loop, done, items, error)

    threading.Thread(target=work, name=f"loader-{name}", daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            return await done
    except TimeoutError:
        raise FeedUnreadable("loader", f"{name} took longer than {timeout_s:g} s") from None


def _load(name: str, arguments: Mapping[str, Any]) -> tuple[FeedItem, ...]:
    items: list[FeedItem] = []
    letters = 0
    for article in load_documents(name, **arguments):
        items.append(item_of(article))
        letters += len(article.text)
        check_count("loader", len(items))
        if letters > MAX_LETTERS:
            reason = f"its documents have more than {MAX_LETTERS:,} letters; make several feeds of it"
            raise FeedUnreadable("loader", reason)
    return tuple(items)


def _tell(
    loop: asyncio.AbstractEventLoop,
    done: asyncio.Future[tuple[FeedItem, ...]],
    items: tuple[FeedItem, ...],
    error: RiddlewireError | None,
) -> None:
    def settle() -> None:
        if done.done():  # nobody waits any more
            return
        if error is None:
            done.set_result(items)
        else:
            done.set_exception(error)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop is closed
        return
