"""Whether a story was riddled before: by its address, or by the words it is told in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from retrievers.feeds.item import key_of
from retrievers.feeds.sketch import Sketch, shares
from service.storage.feed_tables import feed_addresses, feed_entries, feed_shingles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from service.storage.feed_settlement import Shelf, Sketched

_AT_ONCE = 400
_CANDIDATES = 20


def told(connection: Connection, shelf: Shelf, addresses: tuple[str, ...]) -> dict[str, str]:
    """For addresses that were riddled already, the entry they were riddled as."""
    by_hash = {key_of(address): address for address in addresses}
    hashes = tuple(by_hash)
    found: dict[str, str] = {}
    for start in range(0, len(hashes), _AT_ONCE):
        query = select(feed_addresses.c.address, feed_addresses.c.entry_id).where(
            feed_addresses.c.scope == shelf.scope,
            feed_addresses.c.pipeline == shelf.pipeline,
            feed_addresses.c.address.in_(hashes[start : start + _AT_ONCE]),
        )
        found |= {by_hash[row.address]: row.entry_id for row in connection.execute(query)}
    return found


def twins(connection: Connection, shelf: Shelf, stories: Sequence[Sketched]) -> dict[str, str]:
    """For keys of stories that were riddled already, by address or in nearly the same words, the entry."""
    known = told(connection, shelf, tuple(address for one in stories for address in one.story.identities))
    found: dict[str, str] = {}
    for one in stories:
        entry = next((known[address] for address in one.story.identities if address in known), None)
        entry = entry or _in_the_same_words(connection, shelf, one.sketch)
        if entry is not None:
            found[one.story.key] = entry
    return found


def _in_the_same_words(connection: Connection, shelf: Shelf, sketch: Sketch) -> str | None:
    if not sketch:
        return None
    shared = func.count().label("shared")
    query = (
        select(feed_shingles.c.entry_id, shared, feed_entries.c.sketch_size)
        .join_from(feed_shingles, feed_entries)
        .where(
            feed_shingles.c.hash.in_(sorted(sketch)),
            feed_shingles.c.seen_at >= shelf.since,
            feed_entries.c.scope == shelf.scope,
            feed_entries.c.pipeline == shelf.pipeline,
        )
        .group_by(feed_shingles.c.entry_id, feed_entries.c.sketch_size)
        .order_by(shared.desc())
        .limit(_CANDIDATES)
    )
    rows = connection.execute(query).all()
    return next((row.entry_id for row in rows if shares(row.shared, len(sketch), row.sketch_size)), None)
