"""Doing one job: begin it, make the riddle with every paid call noted, keep the outcome, or say why there is none."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

import structlog
from sqlalchemy.exc import SQLAlchemyError

from chains.models.journal import Journal, journaled
from chains.models.scope import CallScope, in_scope
from domain.errors import ConfigurationError, InvalidInput, NotFound
from service.errors import WorkerDied
from service.jobs.engine import Postponed
from service.jobs.journal import SqlJournal
from service.jobs.outlasting import outlasting
from service.jobs.retrying import Patience
from service.limits.errors import BudgetExhausted
from service.problems import problem_of
from service.storage.deferred_jobs import DeferredJobs
from service.storage.jobs import Superseded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy.engine import Connection, Engine

    from chains.pipeline import RiddlePipeline
    from domain.riddle import Riddle
    from service.jobs.engine import IsMine
    from service.jobs.progress import Progress
    from service.storage.jobs import JobRepository, StartedJob
    from service.storage.riddle_rows import StoredRiddle
    from service.storage.riddles import RiddleRepository
    from service.storage.writer import Writer
    from service.telemetry.job_metrics import JobMetrics

T = TypeVar("T")
_Start = tuple[str, int]

SUSPECT_AFTER = 2
"""A job begun so often without an end may be what kills its workers: from now on it runs beside no other such job."""
MOST_STARTS = 5
"""A job begun so often without an end is given up."""

_log = structlog.get_logger("riddlewire.jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where jobs are kept, and where their riddles go.

    Args:
        engine: The database.
        writer: Of that database.
    """

    engine: Engine
    writer: Writer
    jobs: JobRepository
    riddles: RiddleRepository

    @property
    def deferred(self) -> DeferredJobs:
        """Those of the jobs that wait for a daily budget."""
        return DeferredJobs(self.engine, self.writer)


class JobWork:
    """Does jobs, so many at once as there are slots.

    Args:
        stores: The database.
        pipeline: A pipeline by name.
        worker: Names this process.
        slots: Jobs at once.
        patience_s: Seconds that a job waits for a provider that is down.
        doubts: Whether others may have taken over what this process had at a moment (by `time.monotonic`).
        progress: Where jobs leave their stamps.
        metrics: Counts what becomes of them.
    """

    def __init__(
        self,
        stores: Stores,
        *,
        pipeline: Callable[[str], RiddlePipeline],
        worker: str,
        slots: int,
        patience_s: float,
        doubts: Callable[[float], bool],
        progress: Progress,
        metrics: JobMetrics,
    ) -> None:
        self.progress = progress
        self._metrics = metrics
        self._doubts = doubts
        self._stores = stores
        self._jobs = stores.jobs
        self._deferred = stores.deferred
        self._pipeline = pipeline
        self._worker = worker
        self._slots = asyncio.Semaphore(slots)
        self._suspects = asyncio.Lock()
        self._patience_s = patience_s
        self._closing = asyncio.Event()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._running: dict[_Start, float] = {}
        self._held: dict[_Start, StartedJob] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def running(self) -> int:
        """Jobs being done in this process."""
        return len(self._running)

    async def do(self, job_ids: Sequence[str], is_mine: IsMine) -> None:
        """Do jobs to their end, unless somebody else does or did.

        Raises:
            Postponed: The process is to stop; what has not ended comes back elsewhere or later.
        """
        outcomes = await asyncio.gather(*(self._one(job_id, is_mine) for job_id in job_ids), return_exceptions=True)
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for error in sorted(failed, key=lambda error: isinstance(error, Postponed)):
            raise error

    async def _one(self, job_id: str, is_mine: IsMine) -> None:
        """Do a job when no other start of it runs here, or find that nothing of it is left to do.

        It may stand in two portions: it was put back, and then the process died that had begun the rest of the first.
        """
        since = time.monotonic()
        turn = self._turns.setdefault(job_id, asyncio.Lock())  # kept by those who hold it or wait for it
        async with turn, self._slots:
            if self._closing.is_set():
                raise Postponed
            with self.progress.job(job_id):
                await self._do_if_mine(job_id, since, is_mine)

    def begin_no_more(self) -> None:
        """Begin nothing new from now on; what waits for another try is put back."""
        self._closing.set()

    async def finish(self, timeout_s: float) -> None:
        """Begin nothing new and wait for what is running, at most so many seconds."""
        self.begin_no_more()
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("jobs were still running at shutdown; they will be done over", count=self.running)
            held = list(self._held.values())
            self._held.clear()
            await self._release(*held)

    async def _do_if_mine(self, job_id: str, since: float, is_mine: IsMine) -> None:
        if self._doubts(since) and not await self._outlasting(job_id, is_mine):
            return
        if await self._do(job_id, fewer_than=SUSPECT_AFTER):
            return
        if await self._outlasting(job_id, lambda: asyncio.to_thread(self._jobs.starts, job_id)) is None:
            return
        with self.progress.waiting(job_id, "its turn: it may be what killed a worker"):
            await self._suspects.acquire()
        try:
            await self._do(job_id)
        finally:
            self._suspects.release()

    async def _do(self, job_id: str, *, fewer_than: int | None = None) -> bool:
        """Whether it was there to be done."""
        begin = self._jobs.abegin
        job = await self._outlasting(job_id, lambda: begin(job_id, self._worker, fewer_than=fewer_than))
        if job is None:
            return False
        self.progress.stamp()
        self._metrics.observe_begin(job.pipeline)
        start = _start(job)
        self._running[start] = time.monotonic()
        self._held[start] = job
        self._idle.clear()
        try:
            await self._settle(job)
        except Postponed:
            if start in self._held:  # else it was let go when the time was over
                await self._release(job)
            raise
        except Superseded as error:
            self._metrics.observe_superseded()
            _log.warning("outcome dropped", job=job_id, reason=str(error))
        finally:
            self._running.pop(start, None)
            self._held.pop(start, None)
            if not self._running:
                self._idle.set()
        return True

    async def _release(self, *jobs: StartedJob) -> None:
        """These starts do not count: the process is told to stop, and did not die of them."""
        try:
            await self._jobs.arelease(jobs)
        except SQLAlchemyError as error:  # it counts, then; they are done over all the same
            _log.warning("jobs could not be released", count=len(jobs), error=type(error).__name__)

    async def _settle(self, job: StartedJob) -> None:
        if job.starts > MOST_STARTS:
            await self._fail(job, WorkerDied(MOST_STARTS))
            return
        patience = Patience(patience_s=self._patience_s)
        is_new = job.fence == 1
        while True:
            try:
                await self._keep(job, await self._riddle(job, is_new=is_new))
            except (InvalidInput, NotFound, ConfigurationError) as error:
                await self._fail(job, error)
            except BudgetExhausted as error:
                await self._defer(job, error)
            except (Superseded, Postponed):
                raise
            except Exception as error:  # run again or given up, as its kind has it
                if self._closing.is_set():  # nobody runs it again here, and its provider may have been closed
                    raise Postponed from error
                wait_s = patience.wait_s(error)
                if wait_s is None:
                    await self._fail(job, error)
                    return
                self._metrics.observe_rerun(type(error).__name__)
                _log.info("job will be run again", job=job.id, wait_s=round(wait_s, 1), reason=str(error)[:200])
                with self.progress.waiting(job.id, "another run"):
                    await self._pause(wait_s)
                is_new = False
                continue
            return

    async def _pause(self, wait_s: float) -> None:
        """Wait, but not for a process that is to stop: then the job comes back elsewhere or later."""
        try:
            async with asyncio.timeout(wait_s):
                await self._closing.wait()
        except TimeoutError:
            return
        raise Postponed

    async def _riddle(self, job: StartedJob, *, is_new: bool) -> Riddle:
        store = SqlJournal(
            self._stores.engine,
            self._stores.writer,
            job,
            is_new=is_new,
            check=self._check,
            outlast=partial(self._outlasting, job.id),
            on_noted=self.progress.stamp,
        )
        journal = Journal(store, on_found=self._metrics.observe_journal_hit)
        scope = CallScope(priority="batch", key_id=job.key_id, asker=job.id, check=store.check)
        with in_scope(scope), journaled(journal):
            return await self._pipeline(job.pipeline).ainvoke(job.article, tenant=job.tenant)

    async def _check(self, job: StartedJob) -> None:
        begun = self._running.get(_start(job))  # none: what is left of a run that has ended asks
        if begun is None or self._doubts(begun):
            await self._outlasting(job.id, lambda: asyncio.to_thread(self._jobs.check, job))

    async def _keep(self, job: StartedJob, riddle: Riddle) -> None:
        def settle(connection: Connection, stored: StoredRiddle) -> None:
            self._jobs.settle(connection, job, riddle.status, riddle_id=stored.id)

        save = self._stores.riddles.asave
        await self._outlasting(job.id, lambda: save(riddle, key_id=job.key_id, tenant=job.tenant, also=settle))
        self._ended(job, riddle.status)

    async def _defer(self, job: StartedJob, error: BudgetExhausted) -> None:
        """It was accepted, so it waits for the money, outside of this process's slots."""
        _log.info("job waits for a daily budget", job=job.id, budget=error.budget, until=error.resets_at.isoformat())
        defer = self._deferred.adefer
        await self._outlasting(job.id, lambda: defer(job, budget=error.budget, until=error.resets_at))

    async def _fail(self, job: StartedJob, error: Exception) -> None:
        problem: dict[str, Any] = problem_of(error).as_dict(job.id)
        _log.warning("job failed", job=job.id, error=type(error).__name__, reason=problem["detail"])
        await self._outlasting(job.id, lambda: self._jobs.afail(job, problem))
        self._ended(job, "failed")

    def _ended(self, job: StartedJob, status: str) -> None:
        age_s = max(0.0, (datetime.now(UTC) - job.accepted_at).total_seconds())
        self._metrics.observe_end(job.pipeline, status, age_s if job.fence == job.starts else None)

    async def _outlasting(self, job_id: str, call: Callable[[], Awaitable[T]]) -> T:
        def wait() -> None:
            self.progress.waits(job_id, "the database")

        found = await outlasting(call, patience_s=self._patience_s, on_wait=wait)
        self.progress.found(job_id, "the database")
        return found


def _start(job: StartedJob) -> _Start:
    """Tells a start from all others, also of the same job."""
    return job.id, job.fence
