"""What came of a feed's entries, and what tells that two of them are one story."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.utils.uuid import uuid7
from sqlalchemy import delete, select, update

from service.storage.feed_addresses import told, write_addresses
from service.storage.feed_listing import note_listed, purge_unlisted
from service.storage.feed_rows import stored_feed
from service.storage.feed_settlement import ClaimLost, Overtaken, Settlement, Shelf, Sketched
from service.storage.feed_tables import feed_entries, feed_shingles, feeds
from service.storage.feed_twins import twins
from service.storage.feeds import Claim, holds, take_turns
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection, Engine


MOST_TRIES = 3
"""So many pulls try to get an entry whose page cannot be had at the moment."""

_AT_ONCE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An entry that waits for the next pull.

    Args:
        tries: How often its page was asked for in vain.
        since: When it was first seen.
    """

    tries: int
    since: datetime


Known = Literal["settled"] | Waiting
"""What is known of an entry: that nothing more is to be done, or that it waits."""


class FeedLedger:
    """Entries in SQL. Synchronous: call it from a worker thread.

    Args:
        engine: From `open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def known(self, feed_id: str, pipeline: str, keys: Iterable[str]) -> dict[str, Known]:
        """What is known of these entries; those never seen are left out."""
        with self._engine.connect() as connection:
            return _known(connection, feed_id, pipeline, tuple(keys))

    def told(self, shelf: Shelf, addresses: Iterable[str]) -> dict[str, str]:
        """As `feed_addresses.told`."""
        with self._engine.connect() as connection:
            return told(connection, shelf, tuple(addresses))

    def twins(self, shelf: Shelf, stories: Sequence[Sketched]) -> dict[str, str]:
        """For keys of stories that were riddled already, by address or in nearly the same words, the entry."""
        with self._engine.connect() as connection:
            return twins(connection, shelf, stories)

    def purge(self, keep: timedelta) -> int:
        """As `purge_unlisted`."""
        return purge_unlisted(self._engine, keep)

    def settle(self, claim: Claim, settlement: Settlement) -> None:
        """End a pull that gave nothing to riddle.

        Raises:
            ClaimLost: The claim is not in force any more.
        """
        with self._engine.begin() as connection:
            settle(connection, claim, settlement, batch_id=None)


def settle(connection: Connection, claim: Claim, settlement: Settlement, *, batch_id: str | None) -> None:
    """End a pull in the transaction that stores its batch: both or neither.

    Args:
        connection: In a write transaction.
        claim: Of the pull.
        settlement: How it ends.
        batch_id: Of the batch that its stories went into.

    Raises:
        ClaimLost: The claim is not in force any more.
        Overtaken: One of the stories was riddled since it was looked up.
    """
    take_turns(connection)
    row = connection.execute(select(feeds).where(holds(claim)).with_for_update()).first()
    if row is None:
        raise ClaimLost(claim.feed.id)
    _check_still_new(connection, claim, settlement)
    note_listed(connection, claim.feed.id, settlement.shelf, settlement.listed, settlement.now)
    entries = _write_entries(connection, claim, settlement, batch_id)
    _write_stories(connection, settlement, entries)
    connection.execute(delete(feed_shingles).where(feed_shingles.c.seen_at < settlement.shelf.since))
    is_same = stored_feed(row).spec == claim.feed.spec  # else it was changed meanwhile, and what was said counts
    connection.execute(update(feeds).where(feeds.c.id == claim.feed.id).values(_state(settlement, is_same=is_same)))


def _check_still_new(connection: Connection, claim: Claim, settlement: Settlement) -> None:
    keys = tuple(one.story.key for one in settlement.stories)
    known = _known(connection, claim.feed.id, settlement.shelf.pipeline, keys)
    if "settled" in known.values() or twins(connection, settlement.shelf, settlement.stories):
        raise Overtaken


def _state(settlement: Settlement, *, is_same: bool) -> dict[str, Any]:
    state: dict[str, Any] = {
        "last_pull_at": settlement.now,
        "last_status": settlement.status,
        "last_error": None,
        "failures": 0,
        "not_before": None,
        "pull_token": None,
        "pull_until": None,
    }
    if is_same:
        state["next_pull_at"] = settlement.next_pull_at
    if is_same and settlement.condition is not None:
        state |= {"etag": settlement.condition.etag, "last_modified": settlement.condition.last_modified}
    return state


def _write_entries(
    connection: Connection, claim: Claim, settlement: Settlement, batch_id: str | None
) -> dict[str, str]:
    """Write an entry for each outcome, over an older one of the same key; gives ids by key."""
    ids: dict[str, str] = {}
    insert = insert_into(feed_entries, connection)
    changed = (
        "listed_at",
        "outcome",
        "reason",
        "duplicate_of",
        "article_id",
        "batch_id",
        "sketch_size",
        "url",
        "title",
    )
    values: dict[str, Any] = {name: insert.excluded[name] for name in changed}
    upsert = insert.on_conflict_do_update(
        index_elements=["feed_id", "pipeline", "key"],
        set_={**values, "tries": feed_entries.c.tries + insert.excluded.tries},
        where=feed_entries.c.outcome == "waiting",
    )
    for row in _rows(claim, settlement, batch_id):
        row["duplicate_of"] = ids.get(row["duplicate_of"], row["duplicate_of"])  # where it stands for a key
        written = connection.execute(upsert.returning(feed_entries.c.id), row).scalar()
        ids[row["key"]] = written or row["id"]
    return ids


def _rows(claim: Claim, settlement: Settlement, batch_id: str | None) -> Iterator[dict[str, Any]]:
    blank = {
        "feed_id": claim.feed.id,
        "pipeline": settlement.shelf.pipeline,
        "scope": settlement.shelf.scope,
        "first_seen": settlement.now,
        "listed_at": settlement.now,
        **dict.fromkeys(("reason", "duplicate_of", "article_id", "batch_id")),
        "tries": 0,
        "sketch_size": 0,
    }
    for one in settlement.stories:
        article = one.story.article
        told = {"article_id": article.id, "batch_id": batch_id, "sketch_size": len(one.sketch)}
        yield {**blank, **_named(one.story.key, article.url, article.title), "outcome": "riddled", **told}
    for duplicate in settlement.duplicates:
        named = _named(duplicate.key, duplicate.url, duplicate.title)
        yield {**blank, **named, "outcome": "duplicate", "duplicate_of": duplicate.of}
    for skip in settlement.skipped:
        outcome = {"outcome": "waiting" if skip.again else "skipped", "reason": skip.reason[:500]}
        yield {**blank, **_named(skip.key, skip.url, skip.title), **outcome, "tries": int(skip.again and skip.is_try)}


def _named(key: str, url: str | None, title: str | None) -> dict[str, str | None]:
    return {"id": f"ent_{uuid7().hex}", "key": key, "url": url, "title": title}


def _write_stories(connection: Connection, settlement: Settlement, entries: dict[str, str]) -> None:
    write_addresses(connection, settlement, entries)
    shingles = [
        {"hash": value, "entry_id": entries[one.story.key], "seen_at": settlement.now}
        for one in settlement.stories
        for value in one.sketch
    ]
    if shingles:
        connection.execute(feed_shingles.insert(), sorted(shingles, key=itemgetter("hash")))


def _known(connection: Connection, feed_id: str, pipeline: str, keys: tuple[str, ...]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    columns = (feed_entries.c.key, feed_entries.c.outcome, feed_entries.c.tries, feed_entries.c.first_seen)
    for start in range(0, len(keys), _AT_ONCE):
        query = select(*columns).where(
            feed_entries.c.feed_id == feed_id,
            feed_entries.c.pipeline == pipeline,
            feed_entries.c.key.in_(keys[start : start + _AT_ONCE]),
        )
        for key, outcome, tries, since in connection.execute(query):
            found[key] = Waiting(tries=tries, since=since) if outcome == "waiting" else "settled"
    return found
