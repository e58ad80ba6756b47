"""Which addresses were riddled, and how far each of them is believed.

An address is kept under different names, all in one column:

- as it is: nobody riddles it again;
- with its feed: that feed does not riddle it again. So is an address of another publisher kept whose page was not
  read, because whoever writes a feed can put anybody's address beside a text of their own;
- as one that was only heard of: written in such a feed, led to by a redirect, or named by a page for itself, as some do
  with one address for all their stories. It makes two stories one only when their texts agree too; the newest holds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from retrievers.feeds.item import key_of
from service.storage.feed_tables import feed_addresses
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from retrievers.feeds.fulltext import Story
    from service.storage.feed_settlement import Settlement, Shelf

_AT_ONCE = 400


def told(connection: Connection, shelf: Shelf, addresses: Sequence[str]) -> dict[str, str]:
    """For addresses that were riddled already, whatever their text is, the entry they were riddled as."""
    names = {address: (key_of(address), _with_feed(shelf, address)) for address in addresses}
    held = _holders(connection, shelf, (name for both in names.values() for name in both))
    found = {address: next((held[name] for name in both if name in held), None) for address, both in names.items()}
    return {address: entry for address, entry in found.items() if entry is not None}


def alleged(connection: Connection, shelf: Shelf, stories: Iterable[Story]) -> dict[str, tuple[str, ...]]:
    """For keys of stories, the entries that are the same one as far as addresses say; the texts must agree too."""
    names = {story.key: tuple(_doubtful(story)) for story in stories}
    held = _holders(connection, shelf, (name for some in names.values() for name in some))
    found = {key: dict.fromkeys(held[name] for name in some if name in held) for key, some in names.items()}
    return {key: tuple(entries) for key, entries in found.items() if entries}


def write_addresses(connection: Connection, settlement: Settlement, entries: Mapping[str, str]) -> None:
    """Note the addresses of stories that are riddled.

    Args:
        connection: In a write transaction.
        settlement: Whose stories.
        entries: Ids of their entries by key.
    """
    shelf = settlement.shelf
    place = {"scope": shelf.scope, "pipeline": shelf.pipeline}
    named = {name: entries[one.story.key] for one in settlement.stories for name in _names(shelf, one.story)}
    if not named:
        return
    insert = insert_into(feed_addresses, connection)
    newest: dict[str, Any] = {"entry_id": insert.excluded["entry_id"]}
    upsert = insert.on_conflict_do_update(index_elements=["scope", "pipeline", "address"], set_=newest)
    connection.execute(upsert, [{**place, "address": name, "entry_id": named[name]} for name in sorted(named)])


def _names(shelf: Shelf, story: Story) -> Iterator[str]:
    if story.address is not None and story.is_sure:
        yield key_of(story.address)
    elif story.address is not None:
        yield _with_feed(shelf, story.address)
        yield _heard_of(story.address)
    if story.learned is not None:
        yield _heard_of(story.learned)


def _doubtful(story: Story) -> Iterator[str]:
    for address in sorted(story.addresses):
        yield key_of(address)
        yield _heard_of(address)


def _with_feed(shelf: Shelf, address: str) -> str:
    return key_of("of feed", shelf.feed_id, address)


def _heard_of(address: str) -> str:
    return key_of("heard of", address)


def _holders(connection: Connection, shelf: Shelf, names: Iterable[str]) -> dict[str, str]:
    wanted = tuple(dict.fromkeys(names))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(feed_addresses.c.address, feed_addresses.c.entry_id).where(
            feed_addresses.c.scope == shelf.scope,
            feed_addresses.c.pipeline == shelf.pipeline,
            feed_addresses.c.address.in_(wanted[start : start + _AT_ONCE]),
        )
        found |= {row.address: row.entry_id for row in connection.execute(query)}
    return found
