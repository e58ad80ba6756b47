"""Prometheus metrics of durable jobs: what waits in all, and what this process does."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry

    from service.jobs.progress import Progress
    from service.storage.job_overview import JobOverview

    Look = Callable[[], JobOverview]

SCRAPE_PATIENCE_S: Final = 2.0
"""Seconds that a scrape waits for the database."""
STATES: Final = ("starting", "idle", "busy", "waiting", "stuck", "draining")

_BUCKETS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)

_log = structlog.get_logger("riddlewire.metrics")


class JobMetrics:
    """Jobs of this process, and what the database tells of all of them.

    Args:
        registry: Where the metrics stand.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter(
            "riddlewire_jobs_ended",
            "Jobs that ended in this process; status is published, needs_review or failed.",
            ("pipeline", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "riddlewire_job_seconds",
            "Seconds from accepting a job to its end, waiting included; jobs that are run again are not timed.",
            ("pipeline",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._reruns = Counter(
            "riddlewire_job_reruns", "Failed runs of jobs that are run again, by error.", ("error",), registry=registry
        )
        self._takeovers = Counter(
            "riddlewire_job_takeovers",
            "Jobs of a dead worker that this process gave to the living.",
            registry=registry,
        )
        self._lost = Counter(
            "riddlewire_jobs_lost", "Jobs that the engine had lost and that were queued anew.", registry=registry
        )
        self._noted = Counter(
            "riddlewire_journal_hits",
            "Model calls of jobs done over that were answered from the journal, for nothing.",
            registry=registry,
        )
        self._superseded = Counter(
            "riddlewire_job_outcomes_superseded",
            "Outcomes that were dropped because another start of the job had the say.",
            registry=registry,
        )
        self._begun: set[str] = set()
        self._here = HereGauges(registry)
        self._backlog = BacklogCollector()
        registry.register(self._backlog)
        self.watch_all = self._backlog.watch
        self.unwatch_all = self._backlog.unwatch
        self.watch_here = self._here.watch

    def observe_end(self, pipeline: str, status: str, seconds: float | None) -> None:
        """Count a job that ended.

        Args:
            pipeline: Its pipeline.
            status: As it is stored.
            seconds: Since it was accepted; None when it was run again in between.
        """
        self._ended.labels(pipeline, status).inc()
        if seconds is not None:
            self._seconds.labels(pipeline).observe(seconds)

    def observe_begin(self, pipeline: str) -> None:
        """A job is begun: what may become of it is shown from now on, for a rate starts with a zero."""
        if pipeline not in self._begun:
            self._begun.add(pipeline)
            for status in ("published", "needs_review", "failed"):
                self._ended.labels(pipeline, status)

    def observe_rerun(self, error: str) -> None:
        """A job failed and will be run again; `error` is the class."""
        self._reruns.labels(error).inc()

    def observe_takeovers(self, jobs: int) -> None:
        """Jobs of a dead worker were queued again."""
        self._takeovers.inc(jobs)

    def observe_lost(self, jobs: int) -> None:
        """Jobs were queued anew that the engine did not know."""
        self._lost.inc(jobs)

    def observe_journal_hit(self) -> None:
        """A model call was answered from the journal."""
        self._noted.inc()

    def observe_superseded(self) -> None:
        """An outcome was dropped."""
        self._superseded.inc()


class HereGauges:
    """What this process has in hand, asked for at each scrape.

    Args:
        registry: Where the metrics stand.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._slots = Gauge("riddlewire_job_slots", "Jobs that this process does at once at most.", registry=registry)
        self._used = Gauge("riddlewire_job_slots_used", "Jobs in hand in this process.", registry=registry)
        self._oldest = Gauge(
            "riddlewire_job_oldest_in_hand_seconds",
            "Seconds that the oldest job has been in hand in this process; 0 when there is none.",
            registry=registry,
        )
        self._stuck = Gauge(
            "riddlewire_worker_stuck",
            "1 while this process has jobs in hand that do not get on, or its event loop does not turn.",
            registry=registry,
        )

    def watch(self, progress: Progress, *, slots: int) -> None:
        """Ask the progress of this process's jobs at every scrape."""
        self._slots.set(slots)
        self._used.set_function(lambda: progress.in_hand)
        self._oldest.set_function(lambda: progress.oldest_s)
        self._stuck.set_function(lambda: float(progress.health().state == "stuck"))


class BacklogCollector:
    """What the database tells at each scrape of all jobs and workers.

    While the database does not answer in time, these gauges are absent but for `riddlewire_jobs_known`, which is 0: an
    old number would look like a quiet night. There is one look at a time, in a thread that holds up nobody's exit.
    """

    def __init__(self) -> None:
        self._look: Look | None = None
        self._looking: Future[JobOverview | None] | None = None
        self._lock = threading.Lock()

    def watch(self, look: Look) -> None:
        """Look so at every scrape."""
        self._look = look

    def unwatch(self, look: Look) -> None:
        """Look so no more; somebody else's look stays."""
        if self._look == look:
            self._look = None

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The names, for the registry."""
        return iter(_families().values())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges as they are now."""
        families = _families()
        if self._look is not None:
            found = self._found(self._look)
            families["known"].add_metric([], float(found is not None))
            if found is not None:
                _fill(families, found)
        return iter(families.values())

    def _found(self, look: Look) -> JobOverview | None:
        with self._lock:
            if self._looking is None or self._looking.done():
                self._looking = Future()
                looker = threading.Thread(target=_into, args=(self._looking, look), name="riddlewire-jobs", daemon=True)
                looker.start()
            looking = self._looking
        try:
            return looking.result(SCRAPE_PATIENCE_S)
        except NotInTime:
            return None


def _into(found: Future[JobOverview | None], look: Look) -> None:
    try:
        found.set_result(look())
    except Exception as error:  # noqa: BLE001 -- the thread's outermost boundary: no scrape may fail for it
        _log.warning("jobs could not be looked at", error=type(error).__name__)
        found.set_result(None)


def _families() -> dict[str, GaugeMetricFamily]:
    told = {
        "known": ("riddlewire_jobs_known", "1 when the database told of all jobs at this scrape, else 0."),
        "waiting": ("riddlewire_jobs_waiting", "Jobs that nobody has begun, of all processes, deferred ones included."),
        "deferred": (
            "riddlewire_jobs_deferred",
            "Jobs that wait for a daily budget, of all processes; they are begun when it starts anew or is raised.",
        ),
        "running": ("riddlewire_jobs_running", "Jobs that were begun and have not ended, of all processes."),
        "oldest": (
            "riddlewire_jobs_oldest_waiting_seconds",
            "Seconds since the job could be begun that has waited longest; 0 when none waits but for a daily budget.",
        ),
    }
    families = {key: GaugeMetricFamily(name, text) for key, (name, text) in told.items()}
    told_of_workers = "Living workers on this PostgreSQL database by state; on SQLite there are none to tell."
    families["workers"] = GaugeMetricFamily("riddlewire_workers", told_of_workers, labels=["state"])
    return families


def _fill(families: dict[str, GaugeMetricFamily], found: JobOverview) -> None:
    families["waiting"].add_metric([], found.waiting)
    families["deferred"].add_metric([], found.deferred)
    families["running"].add_metric([], found.running)
    families["oldest"].add_metric([], found.oldest_waiting_s or 0.0)
    if found.workers is not None:
        for state in STATES:
            families["workers"].add_metric([state], sum(worker.state == state for worker in found.workers))
