"""The tables of durable work: jobs, the model calls they have paid for, batches with their items, and the workers."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, false, text

from retrievers.tables import metadata
from service.storage.types import Json, UtcDateTime

# Conditions of partial indexes. A query uses the index only when it says the same, literally and not by parameters.
TO_HAND_OVER = text("status = 'queued' AND portion IS NULL AND deferred_by IS NULL")
HANDED_OVER = text("status = 'queued' AND portion IS NOT NULL")
WAITING = text("status = 'queued'")
DEFERRED = text("status = 'queued' AND deferred_by IS NOT NULL")
RUNNING = text("status = 'running'")
RUN_AGAIN = text("failed_job_id IS NOT NULL")

ZERO = text("0")

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(40), primary_key=True),  # `job_` and a UUIDv7: sorts by time
    Column("created_at", UtcDateTime, nullable=False),
    Column("dedup_key", String(64), nullable=False),  # of text, pipeline and tenant: the same work is done once
    Column("article_id", String(40), ForeignKey("articles.id"), nullable=False),
    Column("pipeline", String(200), nullable=False),
    Column("tenant", String(100)),
    Column("key_id", String(40)),  # who pays for it; null without keys
    Column("priority", Integer, nullable=False),  # lower numbers go first
    Column("status", String(20), nullable=False),
    Column("portion", String(40)),  # with which others the job engine has it; null before it was handed over
    Column("starts", Integer, nullable=False),  # since it was accepted, or asked for again
    # All starts ever, those of the failed job before it included: tells the newest from one that was taken for dead.
    Column("fence", Integer, nullable=False),
    Column("worker", String(60)),  # who started it last
    Column("started_at", UtcDateTime),  # for the first time since it was accepted, or asked for again
    Column("finished_at", UtcDateTime),
    Column("riddle_id", String(40), ForeignKey("riddles.id")),
    Column("error", Json),  # a problem object; of a failed job
    Column("deferred_by", String(20)),  # whose daily budget a queued job waits for; nothing of other jobs
    Column("not_before", UtcDateTime),  # since when, or from when on, a job can be begun that was put back
    CheckConstraint(
        "status IN ('queued', 'running', 'published', 'needs_review', 'failed', 'cancelled')", name="status"
    ),
    Index("jobs_by_dedup_key", "dedup_key", "created_at"),
    Index("jobs_by_article", "article_id"),
    Index("jobs_by_riddle", "riddle_id"),
    Index("jobs_to_hand_over", "priority", "id", sqlite_where=TO_HAND_OVER, postgresql_where=TO_HAND_OVER),
    Index("jobs_handed_over", "id", sqlite_where=HANDED_OVER, postgresql_where=HANDED_OVER),
    Index("jobs_waiting", "not_before", "id", sqlite_where=WAITING, postgresql_where=WAITING),
    Index("jobs_deferred", "deferred_by", "pipeline", "key_id", sqlite_where=DEFERRED, postgresql_where=DEFERRED),
    Index("jobs_running", "id", sqlite_where=RUNNING, postgresql_where=RUNNING),
    Index("jobs_by_end", "finished_at"),
)

job_calls = Table(
    "job_calls",
    metadata,
    Column("job_id", String(40), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("call_key", String(64), primary_key=True),  # of everything the model was asked with, or `decided-` ...
    Column("created_at", UtcDateTime, nullable=False),
    Column("answers", Json, nullable=False),
    comment="Answered model calls of jobs without a riddle: they are never paid again.",
)

batches = Table(
    "batches",
    metadata,
    Column("id", String(40), primary_key=True),  # `bat_` and a UUIDv7
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("cancelled_at", UtcDateTime),
    Column("key_id", String(40)),
    Column("tenant", String(100)),
    Column("pipeline", String(200), nullable=False),
    Column("total", Integer, nullable=False),
    Column("open_items", Integer, nullable=False),  # neither finished nor cancelled
    # How many of the others are what. Counted where they end, for a count of 50,000 items takes a tenth of a second.
    Column("published", Integer, nullable=False, server_default=ZERO),
    Column("needs_review", Integer, nullable=False, server_default=ZERO),
    Column("failed", Integer, nullable=False, server_default=ZERO),
    Column("cancelled", Integer, nullable=False, server_default=ZERO),
    Column("worked", Integer, nullable=False, server_default=ZERO),  # ended by work since it was kept, or run again
    Column("began_at", UtcDateTime),  # when the job was begun that was the first of these to end
    Column("webhook", Json),
    Index("batches_by_end", "finished_at"),
)

batch_items = Table(
    "batch_items",
    metadata,
    Column("batch_id", String(40), ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column("index", Integer, primary_key=True),  # the article's place in the batch, from 0
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=False),  # articles with the same text share one
    Column("cancelled", Boolean, nullable=False, server_default=false()),
    # As it was sent, where the job is of another one with the same text, but another title, URL or the like.
    Column("article_id", String(40), ForeignKey("articles.id")),
    # The job that failed, of an item that is run again: cancelling the retry leads back to it.
    Column("failed_job_id", String(40), ForeignKey("jobs.id")),
    Index("batch_items_by_job", "job_id"),
    Index("batch_items_by_failed_job", "failed_job_id", sqlite_where=RUN_AGAIN, postgresql_where=RUN_AGAIN),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("beat_at", UtcDateTime, nullable=False),  # by the database's clock
    Column("gone_at", UtcDateTime),  # it left, or was taken for dead
    Column("emptied_at", UtcDateTime),  # what it had begun was given to others
    Column("running", Integer, nullable=False),
    Column("state", String(20), nullable=False),  # whether its jobs get on, see `service.jobs.progress`
    Column("detail", Text, nullable=False),
    comment="Processes that do jobs; only on PostgreSQL, where there can be several.",
)

__all__ = [
    "DEFERRED",
    "HANDED_OVER",
    "RUNNING",
    "RUN_AGAIN",
    "TO_HAND_OVER",
    "WAITING",
    "batch_items",
    "batches",
    "job_calls",
    "jobs",
    "workers",
]
