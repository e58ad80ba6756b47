"""The cache of finished steps: the same question to the same model is answered once, in whatever process."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chains.models.remembered import GivenAnswer
    from service.storage.step_cache import StepCacheStore
    from service.storage.writer import Writer

_MOST_UNNOTED = 1000
"""Answers whose use is noted at once, where nobody purges."""

_log = structlog.get_logger("riddlewire.cache")


class SharedStepCache:
    """What `ChatModels` is given as its cache.

    A cache that cannot be read or written costs a model call and a line in the log, never a riddle.

    Args:
        store: The answers.
        writer: For writing them down.
        max_rows: How many are kept.
    """

    def __init__(self, store: StepCacheStore, writer: Writer, *, max_rows: int) -> None:
        self._store = store
        self._writer = writer
        self._max_rows = max_rows
        self._hits: Counter[str] = Counter()
        self._lock = threading.Lock()

    async def find(self, question: str) -> tuple[GivenAnswer, ...] | None:
        """The answers to a question; None when there are none."""
        try:
            found = await asyncio.to_thread(self._look, question)
        except SQLAlchemyError as error:
            _log.warning("the cache of steps cannot be read", error=type(error).__name__)
            return None
        metrics.observe_cache_lookup(hit=found is not None)
        return found

    async def keep(self, question: str, model: str, answers: Sequence[GivenAnswer]) -> None:
        """Keep answers for the next who asks; on the disk when this returns."""
        write = self._store.keeping(question, model, answers)
        if write is None:
            return
        try:
            await self._writer.write(write)
        except SQLAlchemyError as error:
            _log.warning("the cache of steps cannot be written", error=type(error).__name__)

    def _look(self, question: str) -> tuple[GivenAnswer, ...] | None:
        found = self._store.find(question)
        if found is not None:
            with self._lock:
                self._hits[question] += 1
                many = len(self._hits) >= _MOST_UNNOTED
            if many:
                self.note_hits()
        return found

    def purge(self) -> int:
        """Note what was used, drop what is too much; from a worker thread, now and then. How many were dropped."""
        self.note_hits()
        return self._store.purge(max_rows=self._max_rows)

    def note_hits(self) -> None:
        """Write down how often answers were used since the last time."""
        with self._lock:
            hits, self._hits = self._hits, Counter()
        if hits:
            self._store.count_hits(hits)
