"""Keeping a batch: its articles, the jobs that are new, the jobs it shares with others, and its items."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from langchain_core.utils.uuid import uuid7
from sqlalchemy import and_, insert, or_, select

from service.errors import BatchTooLarge, QueueFull
from service.storage.job_queue import count_waiting
from service.storage.job_tables import batch_items, batches, jobs
from service.storage.jobs import OPEN
from service.storage.riddle_rows import article_row
from service.storage.tables import articles
from service.storage.upsert import insert_into

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

    from domain.article import Article
    from service.storage.batches import NewBatch

_AT_ONCE: Final = 1_000
"""Keys looked up by one statement: both databases limit its parameters."""
_WITH_RIDDLE: Final = ("published", "needs_review")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRules:
    """What a batch that comes in, or is run again, may share with others, and how much may wait.

    Args:
        dedup_since: Finished jobs that ended before this are not shared; None: no job of another batch is.
        most_waiting: Jobs that may wait in all; None: any number.
    """

    dedup_since: datetime | None = None
    most_waiting: int | None = None


class KnownJob(NamedTuple):
    """What an item of a batch waits for, or has its riddle of."""

    id: str
    status: str
    article_id: str


class Intake:
    """Writes one batch in a transaction that somebody else commits.

    Args:
        connection: Of that transaction; no other batch is taken in meanwhile.
        now: When it came.
        rules: What it may share and how much may wait.
    """

    def __init__(self, connection: Connection, now: datetime, rules: IntakeRules) -> None:
        self._connection = connection
        self._now = now
        self._rules = rules

    def keep(self, new: NewBatch) -> int:
        """Write it all.

        Returns:
            How many of its items are not finished already.

        Raises:
            BatchTooLarge: More of its articles are new than may wait at all.
            QueueFull: With them more would wait than may.
        """
        keys = [new.dedup_key(article) for article in new.articles]
        known = known_jobs(self._connection, list(dict.fromkeys(keys)), new.key_id, self._rules.dedup_since)
        fresh = self._fresh_jobs(new, keys, known)
        self._check_room(len(fresh))
        job_of = known | {row["dedup_key"]: KnownJob(row["id"], row["status"], row["article_id"]) for row in fresh}
        wanted = [job_of[key] for key in keys]
        done = Counter(job.status for job in wanted if job.status not in OPEN)
        self._write(new, fresh, wanted, done)
        return len(keys) - done.total()

    def _check_room(self, fresh: int) -> None:
        most = self._rules.most_waiting
        if most is None or fresh == 0:
            return
        if fresh > most:
            raise BatchTooLarge(fresh, most)
        if count_waiting(self._connection) + fresh > most:
            raise QueueFull(most)

    def _fresh_jobs(self, new: NewBatch, keys: Sequence[str], known: dict[str, KnownJob]) -> list[dict[str, Any]]:
        rows: dict[str, dict[str, Any]] = {}
        for key, article in zip(keys, new.articles, strict=True):
            if key not in known and key not in rows:
                rows[key] = {
                    "id": f"job_{uuid7().hex}",
                    "created_at": self._now,
                    "dedup_key": key,
                    "article": article,
                    "article_id": article.id,
                    "pipeline": new.pipeline,
                    "tenant": new.tenant,
                    "key_id": new.key_id,
                    "priority": new.priority,
                    "status": "queued",
                    "portion": None,
                    "starts": 0,
                    "fence": 0,
                }
        return list(rows.values())

    def _write(
        self, new: NewBatch, fresh: list[dict[str, Any]], wanted: Sequence[KnownJob], done: Counter[str]
    ) -> None:
        sent = [
            None if article.id == job.article_id else article for article, job in zip(new.articles, wanted, strict=True)
        ]
        self._keep_articles([*(row.pop("article") for row in fresh), *(article for article in sent if article)])
        for rows in _parts(fresh):
            self._connection.execute(insert(jobs), rows)
        self._connection.execute(insert(batches), self._batch_row(new, done))
        items = [
            {"batch_id": new.id, "index": index, "job_id": job.id, "article_id": article.id if article else None}
            for index, (job, article) in enumerate(zip(wanted, sent, strict=True))
        ]
        for rows in _parts(items):
            self._connection.execute(insert(batch_items), [{**row, "cancelled": False} for row in rows])

    def _keep_articles(self, new: Sequence[Article]) -> None:
        keep = insert_into(articles, self._connection).on_conflict_do_nothing()
        for rows in _parts([article_row(article, self._now) for article in {one.id: one for one in new}.values()]):
            self._connection.execute(keep, rows)

    def _batch_row(self, new: NewBatch, done: Counter[str]) -> dict[str, Any]:
        return {
            "id": new.id,
            "created_at": self._now,
            "key_id": new.key_id,
            "tenant": new.tenant,
            "pipeline": new.pipeline,
            "total": len(new.articles),
            "open_items": len(new.articles) - done.total(),
            **{status: done[status] for status in _WITH_RIDDLE},
            "webhook": new.webhook,
        }


def known_jobs(
    connection: Connection, keys: Sequence[str], key_id: str | None, since: datetime | None
) -> dict[str, KnownJob]:
    """The job that each dedup key has already, if a batch may have it. Locked, so that none ends before it is held.

    Args:
        connection: Of a transaction that lets jobs wait; there is one at a time.
        keys: Without repetition.
        key_id: Of the API key that sent the batch.
        since: Finished jobs that ended before this are not shared; None: no job is.
    """
    found: dict[str, KnownJob] = {}
    if since is None:
        return found
    shared = _is_shared(since, key_id)
    for start in range(0, len(keys), _AT_ONCE):
        query = (
            select(jobs.c.dedup_key, jobs.c.id, jobs.c.status, jobs.c.article_id)
            .where(jobs.c.dedup_key.in_(keys[start : start + _AT_ONCE]), shared)
            .order_by(jobs.c.id)
            .with_for_update(read=True)
        )
        for row in connection.execute(query):
            if row.dedup_key not in found or row.status not in OPEN:  # a finished one is better than one to wait for
                found[row.dedup_key] = KnownJob(row.id, row.status, row.article_id)
    return found


def _is_shared(since: datetime, key_id: str | None) -> ColumnElement[bool]:
    """Whether a batch may have a job of another: a finished one costs nobody anything; an open one is still to be paid.

    By that key alone, whose budget, provider and reasons to fail are no business of another's. However old an open job
    is, a second one beside it would be paid twice.
    """
    finished = and_(jobs.c.status.in_(_WITH_RIDDLE), jobs.c.finished_at >= since)
    return or_(finished, and_(jobs.c.status.in_(OPEN), jobs.c.key_id.is_not_distinct_from(key_id)))


def _parts(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
