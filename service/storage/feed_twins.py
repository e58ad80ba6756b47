"""Whether a story was riddled before: by its address, or by the words it is told in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from retrievers.feeds.sketch import Sketch, alike, shares
from service.storage.feed_addresses import alleged, told
from service.storage.feed_tables import feed_entries, feed_shingles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from service.storage.feed_settlement import Shelf, Sketched

_CANDIDATES = 20


def twins(connection: Connection, shelf: Shelf, stories: Sequence[Sketched]) -> dict[str, str]:
    """For keys of stories that were riddled already, by address or in nearly the same words, the entry."""
    written = tuple(one.story.address for one in stories if one.story.address is not None)
    known = told(connection, shelf, written)
    said = alleged(connection, shelf, tuple(one.story for one in stories))
    found: dict[str, str] = {}
    for one in stories:
        entry = known.get(one.story.address or "")
        entry = entry or _in_like_words(connection, shelf, one.sketch, said.get(one.story.key, ()))
        entry = entry or _in_the_same_words(connection, shelf, one.sketch)
        if entry is not None:
            found[one.story.key] = entry
    return found


def _in_like_words(connection: Connection, shelf: Shelf, sketch: Sketch, entries: Sequence[str]) -> str | None:
    """Which of these entries, of which an address says that they tell the same story, does so by its words too."""
    if not sketch or not entries:
        return None
    query = (
        select(feed_shingles.c.entry_id, func.count().label("shared"), feed_entries.c.sketch_size)
        .join_from(feed_shingles, feed_entries)
        .where(
            feed_shingles.c.hash.in_(sorted(sketch)),
            feed_shingles.c.seen_at >= shelf.since,
            feed_shingles.c.entry_id.in_(entries),
        )
        .group_by(feed_shingles.c.entry_id, feed_entries.c.sketch_size)
    )
    rows = connection.execute(query).all()
    return next((row.entry_id for row in rows if alike(row.shared, len(sketch), row.sketch_size)), None)


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
