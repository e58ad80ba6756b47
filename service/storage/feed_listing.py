"""When a feed listed its entries last, and forgetting those that it lists no more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select, update

from service.storage.feed_tables import feed_entries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine

    from service.storage.feed_settlement import Shelf

EXACT_TO: Final = timedelta(days=1)
"""An entry that is listed at every pull is written once in this time."""

_AT_ONCE: Final = 400
_DROPPED_AT_ONCE: Final = 2_000
"""Others write between two such transactions."""


def note_listed(connection: Connection, feed_id: str, shelf: Shelf, keys: Sequence[str], now: datetime) -> None:
    """Note that a feed lists these entries; those it does not know are passed over.

    Args:
        connection: In a write transaction.
        feed_id: Of the feed.
        shelf: Whose pipeline the entries are of.
        keys: Of a whole reading.
        now: When it was read.
    """
    for start in range(0, len(keys), _AT_ONCE):
        listed = (
            update(feed_entries)
            .where(
                feed_entries.c.feed_id == feed_id,
                feed_entries.c.pipeline == shelf.pipeline,
                feed_entries.c.key.in_(keys[start : start + _AT_ONCE]),
                feed_entries.c.listed_at < now - EXACT_TO,
            )
            .values(listed_at=now)
        )
        connection.execute(listed)


def purge_unlisted(engine: Engine, keep: timedelta) -> int:
    """Forget entries that made no riddle and that their feed lists no more. Blocks.

    An entry is there so that it is recognised when the feed lists it again. The time runs by the readings of its feed:
    one that is down, or that answers that nothing has changed, still lists what it listed. Entries that made a riddle
    stay for good with their addresses, because an address is never riddled twice.

    Args:
        engine: From `open_engine`.
        keep: How much longer the feed was read without them; at least the time in which texts are compared.

    Returns:
        How many.
    """
    last_read = select(feed_entries.c.feed_id, func.max(feed_entries.c.listed_at)).group_by(feed_entries.c.feed_id)
    with engine.connect() as connection:
        feeds = connection.execute(last_read).all()
    return sum(_drop(engine, feed_id, read_at - keep) for feed_id, read_at in feeds if read_at is not None)


def _drop(engine: Engine, feed_id: str, before: datetime) -> int:
    unlisted = (
        select(feed_entries.c.id)
        .where(
            feed_entries.c.feed_id == feed_id,
            feed_entries.c.listed_at < before,
            feed_entries.c.outcome != "riddled",
        )
        .limit(_DROPPED_AT_ONCE)
    )
    dropped = 0
    while True:
        with engine.begin() as connection:
            gone = connection.execute(delete(feed_entries).where(feed_entries.c.id.in_(unlisted))).rowcount
        dropped += gone
        if gone < _DROPPED_AT_ONCE:
            return dropped
