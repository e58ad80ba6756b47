"""A process that does jobs: it hands waiting ones to the job engine, and keeps house."""

from __future__ import annotations

import asyncio
import contextlib
import math
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.garbage import spare_what_is_there
from service.jobs.dbos_engine import DbosEngine
from service.jobs.deferring import Deferring
from service.jobs.fleet import DOES_ALL, DOES_ONE_BATCH, Fleet
from service.jobs.one_batch import OneBatch
from service.jobs.outlasting import outlasting
from service.jobs.progress import Progress
from service.jobs.work import JobWork
from service.storage.job_queue import JobQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.engine import Engine

    from chains.models.scope import CallScope
    from chains.pipeline import RiddlePipeline
    from service.jobs.deferring import Refusal
    from service.jobs.engine import Do, JobEngine
    from service.jobs.progress import WorkHealth
    from service.jobs.work import Stores
    from service.setting_groups.background import JobSettings
    from service.telemetry.job_metrics import JobMetrics

LOOK_EVERY_S: Final = 0.5
"""How soon jobs that another process accepted are seen; those of this one are seen at once."""
WATCH_EVERY_S: Final = 2.0
"""How soon the first job is seen that another process accepted."""
HAND_OVER_AT_ONCE: Final = 200
PORTION_AMONG_MANY: Final = 8
"""Jobs that the engine queues, claims and ends as one. Few enough that several workers share a small batch: each takes
what its slots hold and two portions more, for a portion is in hand until its last job has ended."""
PORTION_ALONE: Final = 32
"""The same where no other worker shares them: what the engine needs for a portion is most of what it costs."""
SLOTS_FILLED_ALONE: Final = 3
"""How often what is in hand would fill the slots where nobody else wants it, so that a free one need not wait until the
queue is looked at again."""
TURN_EVERY_S: Final = 0.5
"""How often the event loop shows that it turns."""
KEEP_HOUSE_EVERY_S: Final = 30.0
LOST_AFTER: Final = timedelta(seconds=60)
"""An open job that the engine has not heard of for so long is handed over anew."""
ONLY_EXECUTOR: Final = "embedded"
"""On SQLite there is one process; under the same name it finds again what it had begun before a crash."""

_log = structlog.get_logger("riddlewire.worker")


async def _no_budget(_: CallScope) -> None:
    return None


class Worker:
    """Does jobs in this process, from the first there is.

    Args:
        stores: The database.
        pipeline: A pipeline by name.
        settings: How many at once, and how patiently.
        metrics: Counts what becomes of jobs.
        provider_waits: Whether model calls wait for their turn at a provider and none is in flight.
        refusal: What a call that costs money would be told by the daily budgets; without any, nothing is refused.
        only: The one batch it is for, by id; None: all jobs.
    """

    def __init__(
        self,
        stores: Stores,
        *,
        pipeline: Callable[[str], RiddlePipeline],
        settings: JobSettings,
        metrics: JobMetrics,
        provider_waits: Callable[[], bool] = lambda: False,
        refusal: Refusal = _no_budget,
        only: str | None = None,
    ) -> None:
        engine = stores.engine
        alone = engine.dialect.name == "sqlite"
        self.name = ONLY_EXECUTOR if alone else f"{DOES_ONE_BATCH if only else DOES_ALL}{uuid.uuid4().hex[:16]}"
        self._only = only
        self._queue = JobQueue(engine)
        self._settings = settings
        self._metrics = metrics
        self.progress = Progress(stuck_after_s=settings.stuck_after_s, provider_waits=provider_waits)
        self.work = JobWork(
            stores,
            pipeline=pipeline,
            worker=self.name,
            slots=settings.concurrency,
            patience_s=settings.patience_s,
            doubts=lambda since: self.fleet is not None and self.fleet.doubts(since),
            progress=self.progress,
            metrics=metrics,
        )
        self._portion = PORTION_ALONE if alone else PORTION_AMONG_MANY
        in_hand = (SLOTS_FILLED_ALONE if alone else 1) * settings.concurrency + 2 * self._portion
        self._most_waiting = max(HAND_OVER_AT_ONCE, in_hand)
        self._engine: JobEngine = DbosEngine(engine, executor_id=self.name, at_once=math.ceil(in_hand / self._portion))
        self.fleet = None if alone else self._fleet(engine)
        self._news = asyncio.Event()
        self.deferring = Deferring(stores.deferred, refusal, self._news.set)
        self._tasks: list[asyncio.Task[None]] = []
        self._watch: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._closing = False

    def _take_over(self, dead: str) -> int:
        """How many jobs are taken over from a dead worker."""
        return self._queue.open_in(self._engine.take_over(dead))

    def _fleet(self, engine: Engine) -> Fleet:
        return Fleet(
            engine,
            worker=self.name,
            take_over=self._take_over,
            running=lambda: self.work.running,
            health=self.health,
            dead_after_s=self._settings.dead_after_s,
            metrics=self._metrics,
        )

    @property
    def is_started(self) -> bool:
        """Whether jobs are being done here."""
        return bool(self._tasks)

    def health(self) -> WorkHealth:
        """How this worker is; may be asked from any thread."""
        return self.progress.health()

    async def start(self) -> None:
        """Do jobs from now on; nothing happens when that is so already, or when the process is to stop."""
        async with self._starting:
            if self._tasks or self._closing:
                return
            with self.progress.starting():
                await self._engine.start(self._do())
            await self._join()
            spare_what_is_there()
            self.progress.turned()
            self._tasks = [
                asyncio.create_task(self._turn(), name="jobs-turn"),
                asyncio.create_task(self._hand_over(), name="jobs-hand-over"),
                asyncio.create_task(self._keep_house(), name="jobs-house"),
                asyncio.create_task(self.deferring.keep_looking(), name="jobs-deferred"),
            ]

    async def _join(self) -> None:
        if self.fleet is None:
            return
        try:
            await asyncio.to_thread(self.fleet.join)
        except BaseException:
            await self._engine.stop()
            raise

    def _do(self) -> Do:
        if self._only is None:
            return self.work.do
        return OneBatch(
            self._queue,
            self._only,
            do=self.work.do,
            others_do_all=lambda: self.fleet is not None and self.fleet.others_do_all(),
            outlasting=partial(outlasting, patience_s=self._settings.patience_s),
        ).do

    async def start_when_needed(self) -> None:
        """Start as soon as there are open jobs: the libraries of the engine cost a process that has none.

        Jobs may also come from a command beside the service. A start that fails then is tried again with the next look.
        """
        if not await self._begins(self._look):
            self._watch = asyncio.create_task(self._keep_looking(), name="jobs-watch")

    async def _look(self) -> None:
        if await asyncio.to_thread(self._queue.has_open):
            await self.start()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if await self._begins(self._look):
                return

    async def news(self) -> None:
        """Jobs have come in: look at once. They are kept, so it is no failure when they cannot be begun yet."""
        await self._begins(self.start)
        self._news.set()

    async def _begins(self, begin: Callable[[], Awaitable[None]]) -> bool:
        """Whether jobs are being done after this."""
        try:
            await begin()
        except Exception as error:  # noqa: BLE001 -- of any library below; the next look begins what is kept
            _log.warning("jobs cannot be begun yet", error=type(error).__name__, reason=str(error)[:200])
        return self.is_started

    def begin_no_more(self) -> None:
        """Begin nothing new from now on, of what comes in, what waits, and what others leave; call it on the loop."""
        self._closing = self.progress.draining = True
        for task in (self._watch, *self._tasks):
            if task is not None:
                task.cancel()
        self.work.begin_no_more()

    async def stop(self, timeout_s: float) -> None:
        """Begin nothing new, let what runs finish for so many seconds, and leave the rest to others or to later."""
        self.begin_no_more()
        if self._watch is not None:
            await asyncio.gather(self._watch, return_exceptions=True)
        async with self._starting:  # a start that was under way has ended, and what it began is to end
            self.begin_no_more()
        if not self._tasks:
            return
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.work.finish(timeout_s)
        await self._engine.stop()
        if self.fleet is not None:
            await asyncio.to_thread(self.fleet.leave)
        self._tasks = []

    async def _turn(self) -> None:
        while True:
            self.progress.turned()
            await asyncio.sleep(TURN_EVERY_S)

    async def _hand_over(self) -> None:
        while True:
            self._news.clear()
            moved = 0
            try:
                moved = await asyncio.to_thread(self._move)
            except SQLAlchemyError as error:  # the next round may find the database again
                _log.warning("waiting jobs could not be handed over", error=type(error).__name__)
            if moved < HAND_OVER_AT_ONCE:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self._news.wait()

    def _move(self) -> int:
        return self._queue.hand_over(
            HAND_OVER_AT_ONCE,
            self._engine.enqueue,
            portion_size=self._portion,
            at_most_waiting=self._most_waiting,
            only=self._only,
        )

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(KEEP_HOUSE_EVERY_S)
            try:
                await asyncio.to_thread(self._engine.purge)
                await asyncio.to_thread(self._find_lost)
            except SQLAlchemyError as error:  # the next round may find the database again
                _log.warning("jobs could not be looked after", error=type(error).__name__)

    def _find_lost(self) -> None:
        handed = self._queue.portions(before=datetime.now(UTC) - LOST_AFTER)
        lost = handed - self._engine.alive(handed) if handed else set()
        if lost:
            count = self._queue.hand_back(lost)
            self._metrics.observe_lost(count)
            _log.warning("jobs that the engine had lost were queued anew", count=count)
