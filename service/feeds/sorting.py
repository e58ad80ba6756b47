"""Which entries of a reading are new, and which of the new stories were told before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrievers.feeds.sketch import shares, sketch
from service.storage.feed_entries import MOST_TRIES
from service.storage.feed_settlement import Duplicate, Sketched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from retrievers.feeds.fulltext import Story
    from retrievers.feeds.item import FeedItem, Reading, Skipped
    from service.storage.feed_entries import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The entries of a reading.

    Args:
        fresh: To be completed.
        duplicates: Whose address was riddled already.
        skipped: That give no article, for the first time.
        known: How many were dealt with before.
        left: How many fresh ones are left for the next pull.
        last_try: Keys of those whose page is asked for the last time.
        listed: Keys of all.
    """

    fresh: tuple[FeedItem, ...]
    duplicates: tuple[Duplicate, ...]
    skipped: tuple[Skipped, ...]
    known: int
    left: int
    last_try: frozenset[str]
    listed: tuple[str, ...]


def keys_of(reading: Reading) -> tuple[str, ...]:
    """The keys of all that a feed lists."""
    return (*(item.key for item in reading.items), *(one.key for one in reading.skipped))


def sort_entries(reading: Reading, known: Mapping[str, Known], told: Mapping[str, str], *, limit: int) -> Sorted:
    """Sort a reading's entries by what is known of them.

    Args:
        reading: Of the feed.
        known: By key, from the ledger.
        told: By address, from the ledger.
        limit: Fresh ones taken at once.
    """
    open_items = tuple(item for item in reading.items if known.get(item.key) != "settled")
    duplicates = tuple(
        Duplicate(key=item.key, of=told[item.identity], url=item.url, title=item.title)
        for item in open_items
        if item.identity is not None and item.identity in told
    )
    fresh = tuple(item for item in open_items if item.identity not in told)
    skipped = tuple(one for one in reading.skipped if known.get(one.key) != "settled")
    return Sorted(
        fresh=fresh[:limit],
        duplicates=duplicates,
        skipped=skipped,
        known=len(reading.items) + len(reading.skipped) - len(open_items) - len(skipped),
        left=len(fresh[limit:]),
        last_try=frozenset(key for key, tries in known.items() if tries != "settled" and tries >= MOST_TRIES - 1),
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
    if not set(one.story.identities).isdisjoint(other.story.identities):
        return True
    return shares(len(one.sketch & other.sketch), len(one.sketch), len(other.sketch))
