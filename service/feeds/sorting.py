"""Which entries of a reading are new, and which of the new stories were told before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from retrievers.feeds.item import key_of
from retrievers.feeds.sketch import alike, shares, sketch
from service.storage.feed_entries import MOST_TRIES, Waiting
from service.storage.feed_settlement import Duplicate, Sketched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from retrievers.feeds.fulltext import Story
    from retrievers.feeds.item import FeedItem, Reading, Skipped
    from service.storage.feed_entries import Known

LOOKED_AT: Final = 500
"""Entries of one reading that a pull looks at, of those that are not dealt with: what it finds is written at once."""

PATIENCE: Final = timedelta(days=7)
"""So long an entry waits for a host that asks to be left alone. A host can ask for a day at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What of a reading is not dealt with yet.

    Args:
        items: Those never seen before first, in the feed's order; at most so many as one pull looks at.
        skipped: That give no article; at most so many.
        left: How many of both are left for the next pull.
        known: How many were dealt with before.
    """

    items: tuple[FeedItem, ...]
    skipped: tuple[Skipped, ...]
    left: int
    known: int

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of the items."""
        return tuple(item.identity for item in self.items if item.identity is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The entries of a reading.

    Args:
        fresh: To be completed.
        duplicates: Whose address was riddled already.
        skipped: That give no article, for the first time.
        known: How many were dealt with before.
        left: How many are left for the next pull.
        last_try: Keys of those whose page is asked for the last time.
        overdue: Keys of those that have waited long enough for a host that asks to be left alone.
        listed: Keys of all.
    """

    fresh: tuple[FeedItem, ...]
    duplicates: tuple[Duplicate, ...]
    skipped: tuple[Skipped, ...]
    known: int
    left: int
    last_try: frozenset[str]
    overdue: frozenset[str]
    listed: tuple[str, ...]


def keys_of(reading: Reading) -> tuple[str, ...]:
    """The keys of all that a feed lists."""
    return (*(item.key for item in reading.items), *(one.key for one in reading.skipped))


def open_entries(reading: Reading, known: Mapping[str, Known], *, now: datetime) -> Opened:
    """The entries of a reading that are not dealt with yet.

    Those that were tried before come last, in an order that is drawn anew with every pull: a page whose host answers
    that it wants to be left alone must not stand before the others of that host for ever.

    Args:
        reading: Of the feed.
        known: By key, from the ledger.
        now: The moment of the pull.
    """
    fresh = [item for item in reading.items if item.key not in known]
    tried = [item for item in reading.items if isinstance(known.get(item.key), Waiting)]
    tried.sort(key=lambda item: key_of(now.isoformat(), item.key))
    skipped = tuple(one for one in reading.skipped if known.get(one.key) != "settled")
    items = (*fresh, *tried)
    return Opened(
        items=items[:LOOKED_AT],
        skipped=skipped[:LOOKED_AT],
        left=len(items[LOOKED_AT:]) + len(skipped[LOOKED_AT:]),
        known=len(reading.items) + len(reading.skipped) - len(items) - len(skipped),
    )


def sort_entries(
    reading: Reading, known: Mapping[str, Known], told: Mapping[str, str], *, limit: int, now: datetime
) -> Sorted:
    """Sort a reading's entries by what is known of them.

    Args:
        reading: Of the feed.
        known: By key, from the ledger.
        told: By address, from the ledger.
        limit: Fresh ones taken at once.
        now: The moment of the pull.
    """
    opened = open_entries(reading, known, now=now)
    duplicates = tuple(
        Duplicate(key=item.key, of=told[item.identity], url=item.url, title=item.title)
        for item in opened.items
        if item.identity is not None and item.identity in told
    )
    fresh = tuple(item for item in opened.items if item.identity not in told)
    waiting = {key: one for key, one in known.items() if isinstance(one, Waiting)}
    return Sorted(
        fresh=fresh[:limit],
        duplicates=duplicates,
        skipped=opened.skipped,
        known=opened.known,
        left=opened.left + len(fresh[limit:]),
        last_try=frozenset(key for key, one in waiting.items() if one.tries >= MOST_TRIES - 1),
        overdue=frozenset(key for key, one in waiting.items() if one.since < now - PATIENCE),
        listed=keys_of(reading),
    )


def told_once(stories: Iterable[Story]) -> tuple[tuple[Sketched, ...], tuple[Duplicate, ...]]:
    """The stories of one pull, each once, and those that another of them tells too. Half a millisecond each."""
    kept: list[Sketched] = []
    duplicates: list[Duplicate] = []
    for story in stories:
        found = Sketched(story=story, sketch=sketch(story.article.text))
        twin = next((one for one in kept if _same(one, found)), None)
        if twin is None:
            kept.append(found)
        else:
            duplicates.append(duplicate_of(found, twin.story.key))
    return tuple(kept), tuple(duplicates)


def duplicate_of(one: Sketched, entry: str) -> Duplicate:
    """The story as a duplicate of an entry."""
    return Duplicate(key=one.story.key, of=entry, url=one.story.article.url, title=one.story.article.title)


def _same(one: Sketched, other: Sketched) -> bool:
    """Whether two stories of one feed are one: an address that a page was learned to have needs texts that agree."""
    if one.story.address is not None and one.story.address == other.story.address:
        return True
    is_same = shares if one.story.addresses.isdisjoint(other.story.addresses) else alike
    return is_same(len(one.sketch & other.sketch), len(one.sketch), len(other.sketch))
