"""How a pull ends: which of its stories are riddled, which were told already, which cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import RiddlewireError

if TYPE_CHECKING:
    from datetime import datetime

    from retrievers.feeds.fulltext import Story
    from retrievers.feeds.item import Condition, Skipped
    from retrievers.feeds.sketch import Sketch
    from service.storage.feed_rows import PullStatus


class Overtaken(RiddlewireError):
    """Another pull has taken one of these stories since they were looked up: look again."""

    def __init__(self) -> None:
        super().__init__("another pull was faster with one of these stories; the pull looks again")


class ClaimLost(RiddlewireError):
    """The pull took longer than its lease, or its feed was removed meanwhile."""

    def __init__(self, feed_id: str) -> None:
        super().__init__(f"the pull of {feed_id} is not valid any more: it took too long, or the feed is gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Among which stories duplicates are looked for, and from when on by their text.

    Args:
        feed_id: Whose stories they are compared with.
        pipeline: Another pipeline makes another riddle of the same story.
        since: Texts seen before are not compared.
        tenant: Stories of tenants never meet.
    """

    feed_id: str
    pipeline: str
    since: datetime
    tenant: str | None = None

    @property
    def scope(self) -> str:
        """The tenant as a column that is never null."""
        return self.tenant or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketched:
    """A story and the sketch of its text."""

    story: Story
    sketch: Sketch


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """An entry whose story was riddled already.

    Args:
        key: Of the entry.
        of: The entry that was riddled, or its key when it is of the same pull.
    """

    key: str
    of: str
    url: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a pull ends, all of it or nothing.

    Args:
        shelf: Where its stories go.
        now: The moment.
        status: `ok` or `unchanged`.
        condition: For the next reading; None keeps the one before, so that the source sends everything again.
        next_pull_at: By the schedule.
        listed: Keys of all entries that were read; none where nothing has changed.
        stories: To be riddled.
        duplicates: Told already.
        skipped: No articles.
    """

    shelf: Shelf
    now: datetime
    status: PullStatus
    condition: Condition | None
    next_pull_at: datetime | None
    listed: tuple[str, ...] = ()
    stories: tuple[Sketched, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    skipped: tuple[Skipped, ...] = ()
