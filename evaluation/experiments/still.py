"""A catalog that does not follow edits: one experiment is made with one state of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompts.catalog import Catalog

if TYPE_CHECKING:
    from pathlib import Path


class StillCatalog(Catalog):
    """Prompts and pipelines as they stood when it was opened, whatever is edited while an experiment runs.

    Args:
        home: As `Catalog`.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._opened = False
        super().__init__(home)
        self._opened = True

    def refresh(self, *, now: bool = False) -> bool:
        """Reads the files once; later calls change nothing."""
        return False if self._opened else super().refresh(now=now)
