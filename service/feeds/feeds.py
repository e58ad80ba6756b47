"""All feeds of this service: adding, changing, removing, and pulling them, by hand and when they are due."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from domain.errors import RiddlewireError
from retrievers.errors import ServerAnswered
from retrievers.feeds.hosts import ASKS_TO_WAIT, WAIT_S
from retrievers.feeds.item import clean_line
from retrievers.feeds.story_url import host_of
from service.feeds.errors import FeedBusy, HostAsksToWait
from service.feeds.schedule import next_pull, retry_at
from service.storage.feed_rows import Feed
from service.storage.feeds import Claim, new_feed_id
from service.storage.scope import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.feeds.batches import Batches
    from service.feeds.pulling import Clock, Puller
    from service.feeds.report import PullReport
    from service.storage.feed_rows import FeedSpec
    from service.storage.feeds import FeedRepository
    from service.storage.scope import Scope

_MAX_ERROR = 500
_log = structlog.get_logger("riddlewire.feeds")


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


class Feeds:
    """Feeds with everything that pulling them takes. Of one event loop.

    Args:
        repository: Keeps them.
        puller: Pulls one.
        check_pipeline: Raises when there is no pipeline of that name.
        at_once: Pulls at the same time.
        clock: The moment, in UTC; tests pass their own.
    """

    def __init__(
        self,
        repository: FeedRepository,
        puller: Puller,
        *,
        check_pipeline: Callable[[str], object],
        at_once: int,
        clock: Clock = utc_now,
    ) -> None:
        self.repository = repository
        self.puller = puller
        self._check_pipeline = check_pipeline
        self._at_once = at_once
        self._room = asyncio.Semaphore(at_once)
        self._clock = clock

    def connect(self, batches: Batches) -> None:
        """From now on articles go there."""
        self.puller = replace(self.puller, batches=batches)

    def purge(self) -> int:
        """Forget entries that are not needed to recognise a story again; from a worker thread, now and then.

        Returns:
            How many.
        """
        settings = self.puller.settings
        return self.puller.ledger.purge(timedelta(days=max(settings.keep_days, settings.memory_days)))

    async def add(self, spec: FeedSpec, *, key_id: str | None = None, tenant: str | None = None) -> Feed:
        """Keep a new feed; with a schedule it is pulled when that says so next.

        Raises:
            InvalidFeed: It cannot be as it was said.
            NotFound: There is no such pipeline or document loader.
        """
        await asyncio.to_thread(self._check, spec)
        now, feed_id = self._clock(), new_feed_id()
        feed = Feed(
            id=feed_id,
            created_at=now,
            spec=spec,
            key_id=key_id,
            tenant=tenant,
            next_pull_at=next_pull(feed_id, spec, now),
        )
        await asyncio.to_thread(self.repository.add, feed)
        return feed

    async def replace(self, feed_id: str, spec: FeedSpec, *, scope: Scope = EVERYTHING) -> Feed:
        """Say anew what a feed should be.

        Raises:
            InvalidFeed: It cannot be as it was said.
            NotFound: There is no such feed, pipeline or document loader.
        """
        await asyncio.to_thread(self._check, spec)
        following = next_pull(feed_id, spec, self._clock())
        return await asyncio.to_thread(self.repository.replace, feed_id, spec, next_pull_at=following, scope=scope)

    async def pull(self, feed_id: str, *, scope: Scope = EVERYTHING) -> PullReport:
        """Pull a feed now.

        Raises:
            NotFound: There is no such feed.
            FeedBusy: It is being pulled already, or another one of its host.
            HostAsksToWait: Its host asked to be left alone for a while.
            RiddlewireError: It cannot be read, or its batch was refused.
        """
        now = self._clock()
        feed = await asyncio.to_thread(self.repository.get, feed_id, scope=scope)
        if feed.not_before is not None and feed.not_before > now:
            raise HostAsksToWait(host_of(feed.spec.url or ""), feed.not_before, (feed.not_before - now).total_seconds())
        claim = await asyncio.to_thread(self.repository.claim, feed_id, now=now, scope=scope)
        if not isinstance(claim, Claim):
            raise FeedBusy(feed_id, other=claim == "host busy")
        return await self._run(claim)

    async def claim_due(self, room: int | None = None) -> tuple[Claim, ...]:
        """Claim the feeds whose time has come; each claim is then to be given to `run`.

        Args:
            room: At most so many; by default as many as are pulled at once.
        """
        limit = self._at_once if room is None else room
        return await asyncio.to_thread(self.repository.claim_due, now=self._clock(), limit=limit)

    async def run(self, claim: Claim) -> PullReport | None:
        """Pull a claimed feed for nobody who waits: what goes wrong stands in the feed and in the log."""
        try:
            return await self._run(claim)
        except Exception as error:  # noqa: BLE001 -- the outermost boundary of a pull by schedule
            is_known = isinstance(error, RiddlewireError)
            _log.warning(
                "feed failed",
                feed=claim.feed.id,
                error=type(error).__name__,
                reason=_sentence(error),
                exc_info=not is_known,
            )
            return None

    async def _run(self, claim: Claim) -> PullReport:
        try:
            async with self._room:
                report = await self.puller.pull(claim)
        except Exception as error:
            await asyncio.to_thread(self._fail, claim, error)
            raise
        except asyncio.CancelledError:
            await asyncio.to_thread(self.repository.release, claim)
            raise
        _log.info("feed pulled", feed=claim.feed.id, new=report.new, duplicate=report.duplicate, left=report.left)
        return report

    def _fail(self, claim: Claim, error: Exception) -> None:
        now = self._clock()
        not_before = now + timedelta(seconds=_asked_s(error)) if _asks_to_wait(error) else None
        again = max(retry_at(claim.feed.failures + 1, now), not_before or now)
        self.repository.fail(
            claim,
            _sentence(error),
            now=now,
            next_pull_at=again if claim.feed.spec.schedule else None,
            not_before=not_before,
        )

    def _check(self, spec: FeedSpec) -> None:
        self.puller.rules.check(spec)
        if spec.pipeline is not None:
            self._check_pipeline(spec.pipeline)
        if spec.loader is not None:
            from retrievers.loaders import check_loader

            check_loader(spec.loader)


def _asks_to_wait(error: Exception) -> bool:
    return isinstance(error, ServerAnswered) and error.status in ASKS_TO_WAIT


def _asked_s(error: Exception) -> float:
    return (error.retry_after_s if isinstance(error, ServerAnswered) else None) or WAIT_S


def _sentence(error: Exception) -> str:
    """What went wrong as one line; of errors nobody foresaw only the kind, for they may tell anything."""
    told = str(error) if isinstance(error, RiddlewireError) else f"{type(error).__name__}; the log has more"
    return clean_line(told, _MAX_ERROR) or type(error).__name__
