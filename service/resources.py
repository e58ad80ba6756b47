"""What the service holds while it runs; `service/opening.py` opens it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.storage.job_overview import JobOverview, job_overview

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine
    from starlette.requests import Request

    from chains.models import ChatModels
    from chains.pipeline import RiddlePipeline
    from prompts import Catalog
    from retrievers import Examples
    from service.batches.watching import Watching
    from service.feeds.feeds import Feeds
    from service.inflight import InFlight
    from service.jobs.worker import Worker
    from service.keys import KeyStore
    from service.limits.opening import Limits
    from service.operations.remembered import Remembered
    from service.ratelimit import RateLimiter
    from service.settings import Settings
    from service.storage.batches import BatchRepository
    from service.storage.deliveries import DeliveryRepository
    from service.storage.feedback import FeedbackStore
    from service.storage.guesses import GuessStore
    from service.storage.idempotency import IdempotencyStore
    from service.storage.jobs import JobRepository
    from service.storage.promotions import PromotionStore
    from service.storage.refused_writes import RefusedWrites
    from service.storage.riddles import RiddleRepository
    from service.storage.writer import Writer
    from service.warmup import WarmUp


@dataclass(slots=True, kw_only=True)
class Resources:
    """Everything an endpoint or a command needs, ready for use."""

    settings: Settings
    engine: Engine
    catalog: Catalog
    examples: Examples
    models: ChatModels
    riddles: RiddleRepository
    guesses: GuessStore
    feedback: FeedbackStore
    promotions: PromotionStore
    idempotency: IdempotencyStore
    deliveries: DeliveryRepository
    keys: KeyStore
    limiter: RateLimiter
    in_flight: InFlight
    warm_up: WarmUp
    jobs: JobRepository
    batches: BatchRepository
    watching: Watching
    writer: Writer
    worker: Worker | None = None
    feeds: Feeds
    limits: Limits
    refused_writes: RefusedWrites
    index_check: Remembered[str | None]
    checks: dict[str, Remembered[dict[str, str]]] = field(default_factory=dict)
    _pipelines: dict[str, RiddlePipeline] = field(default_factory=dict)

    def pipeline(self, name: str | None = None) -> RiddlePipeline:
        """A pipeline by name, the default one when none is named.

        Raises:
            NotFound: There is none of that name (any more).
            ConfigurationError: It cannot make a riddle.
        """
        wanted = name or self.settings.pipeline
        if wanted not in self._pipelines:
            from chains.loading import load_pipeline

            self._pipelines[wanted] = load_pipeline(
                wanted, catalog=self.catalog, examples=self.examples, models=self.models
            )
        pipeline = self._pipelines[wanted]
        pipeline.recipe()  # its files may have gone or broken since
        return pipeline

    def overview(self) -> JobOverview:
        """All jobs and the living workers. Blocks.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database does not answer.
        """
        return job_overview(self.engine, dead_after_s=self.settings.jobs.dead_after_s)


def resources_of(request: Request) -> Resources:
    """The resources of the application that serves this request."""
    resources: Resources = request.app.state.resources
    return resources
