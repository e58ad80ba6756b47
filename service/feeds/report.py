"""What a pull did, for whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrievers.feeds.item import Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class PullReport:
    """What a pull did.

    Args:
        batch_id: Of the batch it made; None when there was nothing new.
        new: Articles in that batch.
        known: Entries that were dealt with before.
        duplicate: Entries whose story was riddled already.
        skipped: Entries that give no article, and why.
        left: Entries that the next pull will take, also those whose page's host asked to be left alone.
        is_unchanged: The source said that nothing changed since the last pull; there are no entries then.
    """

    batch_id: str | None = None
    new: int = 0
    known: int = 0
    duplicate: int = 0
    skipped: tuple[Skipped, ...] = ()
    left: int = 0
    is_unchanged: bool = False
