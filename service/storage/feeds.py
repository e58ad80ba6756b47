"""Keeps feeds, and hands each out to one pull at a time, whichever process it runs in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.utils.uuid import uuid7
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text, update

from domain.errors import NotFound
from retrievers.feeds.story_url import host_of
from service.storage.feed_rows import Feed, FeedSpec, spec_row, stored_feed
from service.storage.feed_tables import feed_entries, feeds
from service.storage.page import Page, decode_cursor, page_of
from service.storage.scope import EVERYTHING, of_tenant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine

    from service.storage.scope import Scope

LEASE = timedelta(minutes=15)
"""A pull that has not ended by then is taken for dead; `PULL_S` of its settings is shorter."""

Refusal = Literal["busy", "host busy"]
FORGOTTEN: dict[str, None] = {"etag": None, "last_modified": None}

_LOCK = 0x5249_4446_4545_44  # 'RIDFEED': on PostgreSQL, claims and settlements of feeds take turns


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to pull a feed, until the pull is settled or its lease is over.

    Args:
        feed: As it was when the claim was made.
        token: Of this pull.
    """

    feed: Feed
    token: str


class FeedRepository:
    """Feeds in SQL. Synchronous: call it from a worker thread.

    Args:
        engine: From `open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, feed: Feed) -> None:
        """Keep a new feed."""
        row = {
            "id": feed.id,
            "created_at": feed.created_at,
            "key_id": feed.key_id,
            "tenant": feed.tenant,
            "failures": 0,
            "next_pull_at": feed.next_pull_at,
        }
        with self._engine.begin() as connection:
            connection.execute(feeds.insert(), {**row, **spec_row(feed.spec)})

    def get(self, feed_id: str, *, scope: Scope = EVERYTHING) -> Feed:
        """The feed of that id.

        Args:
            feed_id: Its id.
            scope: Only a feed that these callers may see.

        Raises:
            NotFound: There is none in the scope.
        """
        with self._engine.connect() as connection:
            return _found(connection, feed_id, scope)

    def list(self, *, scope: Scope = EVERYTHING, limit: int = 50, cursor: str | None = None) -> Page[Feed]:
        """A page of feeds, newest first.

        Raises:
            InvalidCursor: The cursor is not one of ours.
        """
        query = select(feeds).where(of_tenant(scope, feeds)).order_by(feeds.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(feeds.c.id < decode_cursor(cursor))
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return page_of(rows, limit, stored_feed)

    def replace(
        self, feed_id: str, spec: FeedSpec, *, next_pull_at: datetime | None, scope: Scope = EVERYTHING
    ) -> Feed:
        """Say anew what a feed should be. What came of its entries stays.

        Raises:
            NotFound: There is none in the scope.
        """
        with self._engine.begin() as connection:
            old = _found(connection, feed_id, scope)
            changes: dict[str, Any] = {**spec_row(spec), "next_pull_at": next_pull_at, "failures": 0}
            if old.spec.origin != spec.origin or old.spec.pipeline != spec.pipeline:
                changes |= FORGOTTEN
            if host_of(old.spec.url or "") != changes["host"]:
                changes["not_before"] = None
            connection.execute(update(feeds).where(feeds.c.id == feed_id).values(changes))
            return _found(connection, feed_id, scope)

    def remove(self, feed_id: str, *, scope: Scope = EVERYTHING) -> None:
        """Forget a feed and what came of its entries; riddles stay.

        Raises:
            NotFound: There is none in the scope.
        """
        with self._engine.begin() as connection:
            removed = connection.execute(delete(feeds).where(feeds.c.id == feed_id, of_tenant(scope, feeds)))
        if removed.rowcount == 0:
            raise NotFound("feed", feed_id)

    def counts(self, feed_ids: Iterable[str]) -> dict[str, dict[str, int]]:
        """For each feed how many entries had which outcome."""
        ids = tuple(feed_ids)
        query = (
            select(feed_entries.c.feed_id, feed_entries.c.outcome, func.count())
            .where(feed_entries.c.feed_id.in_(ids))
            .group_by(feed_entries.c.feed_id, feed_entries.c.outcome)
        )
        counts: dict[str, dict[str, int]] = {feed_id: {} for feed_id in ids}
        with self._engine.connect() as connection:
            for feed_id, outcome, count in connection.execute(query):
                counts[feed_id][outcome] = count
        return counts

    def claim(self, feed_id: str, *, now: datetime, scope: Scope = EVERYTHING) -> Claim | Refusal:
        """Claim a feed for a pull that somebody asked for, or say why not.

        Raises:
            NotFound: There is none in the scope.
        """
        with self._engine.begin() as connection:
            take_turns(connection)
            feed = _found(connection, feed_id, scope)
            if connection.execute(select(feeds.c.id).where(feeds.c.id == feed_id, ~_free(now))).first() is not None:
                return "busy"
            return _claimed(connection, feed, now) or "host busy"

    def claim_due(self, *, now: datetime, limit: int) -> tuple[Claim, ...]:
        """Claim feeds whose time has come, the longest overdue first: no other process gets these.

        Args:
            now: The moment.
            limit: At most so many; of one host never more than one, those that are being pulled counted in.
        """
        query = select(feeds).where(_due(now)).order_by(feeds.c.next_pull_at, feeds.c.id)
        claims: list[Claim] = []
        with self._engine.begin() as connection:
            take_turns(connection)
            for row in connection.execute(query).all():
                if len(claims) == limit:
                    break
                if (claim := _claimed(connection, stored_feed(row), now)) is not None:
                    claims.append(claim)
        return tuple(claims)

    def release(self, claim: Claim) -> None:
        """Give a claim back as if it had never been made: the feed stays due."""
        values = {"pull_token": None, "pull_until": None}
        with self._engine.begin() as connection:
            connection.execute(update(feeds).where(holds(claim)).values(values))

    def fail(
        self, claim: Claim, error: str, *, now: datetime, next_pull_at: datetime | None, not_before: datetime | None
    ) -> None:
        """End a pull that failed: nothing of it is kept but why, and when to try again.

        Args:
            claim: Of that pull.
            error: One sentence for a person.
            now: The moment.
            next_pull_at: By schedule and backoff.
            not_before: The host asked to be left alone until then: so are all feeds of it.
        """
        values = {
            "last_pull_at": now,
            "last_status": "failed",
            "last_error": error,
            "failures": feeds.c.failures + 1,
            "next_pull_at": next_pull_at,
            "pull_token": None,
            "pull_until": None,
        }
        with self._engine.begin() as connection:
            ended = connection.execute(update(feeds).where(holds(claim)).values(values))
            if not_before is not None and ended.rowcount:
                of_host = feeds.c.host == select(feeds.c.host).where(feeds.c.id == claim.feed.id).scalar_subquery()
                connection.execute(update(feeds).where(of_host).values(not_before=not_before))


def new_feed_id() -> str:
    """`feed_` and a UUIDv7 in hex."""
    return f"feed_{uuid7().hex}"


def take_turns(connection: Connection) -> None:
    """Wait until no other process claims or settles; on SQLite BEGIN IMMEDIATE has done that already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def holds(claim: Claim) -> ColumnElement[bool]:
    """The feed's row, as long as the claim is in force."""
    return and_(feeds.c.id == claim.feed.id, feeds.c.pull_token == claim.token)


def _claimed(connection: Connection, feed: Feed, now: datetime) -> Claim | None:
    row = spec_row(feed.spec)
    if row["host"] and _is_busy(connection, row["host"], now):
        return None
    claim = Claim(feed, uuid.uuid4().hex)
    values = {"pull_token": claim.token, "pull_until": now + LEASE}
    taken = connection.execute(update(feeds).where(feeds.c.id == feed.id, _free(now)).values(values))
    return claim if taken.rowcount == 1 else None


def _is_busy(connection: Connection, host: str, now: datetime) -> bool:
    query = select(feeds.c.id).where(feeds.c.host == host, ~_free(now)).limit(1)
    return connection.execute(query).first() is not None


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(feeds.c.pull_until.is_(None), feeds.c.pull_until <= now)


def _due(now: datetime) -> ColumnElement[bool]:
    patient = or_(feeds.c.not_before.is_(None), feeds.c.not_before <= now)
    return and_(feeds.c.next_pull_at <= now, patient, _free(now))


def _found(connection: Connection, feed_id: str, scope: Scope) -> Feed:
    row = connection.execute(select(feeds).where(feeds.c.id == feed_id, of_tenant(scope, feeds))).first()
    if row is None:
        raise NotFound("feed", feed_id)
    return stored_feed(row)
