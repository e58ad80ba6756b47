"""Prometheus metrics of this process, in a registry of our own so that tests and embedders start from nothing.

With several serving processes each has its own numbers and a scrape meets one of them: scrape the processes one by one,
or run one process a container.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from service.telemetry.guess_metrics import GuessMetrics
from service.telemetry.job_metrics import JobMetrics
from service.telemetry.webhook_metrics import WebhookMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain import Riddle, Usage

_HTTP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_MODEL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
_RETRIEVAL_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_ATTEMPT_BUCKETS = (1, 2, 3, 4, 5, 8)


class Metrics:
    """What is counted and timed.

    Args:
        registry: Where the metrics stand; a new one unless given.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._http = HttpMetrics(self.registry)
        self._models = ModelMetrics(self.registry)
        self._riddles = RiddleMetrics(self.registry)
        self.webhooks = WebhookMetrics(self.registry)
        self.jobs = JobMetrics(self.registry)
        self.observe_request = self._http.observe_request
        self.watch_in_flight = self._http.watch_in_flight
        self.observe_model_call = self._models.observe_call
        self.observe_riddle = self._riddles.observe
        self.observe_failure = self._riddles.observe_failure
        self.limits = LimitMetrics(self.registry)
        self.guesses = GuessMetrics(self.registry)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics as text, and their content type, in the format the scraper asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


class HttpMetrics:
    """Requests by route."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "riddlewire_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "riddlewire_http_request_seconds",
            "Seconds until the last byte of the answer.",
            ("method", "route"),
            buckets=_HTTP_BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge("riddlewire_in_flight", "Riddles being made at this moment.", registry=registry)

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is the pattern, never the path, which has no end of values."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def watch_in_flight(self, count: Callable[[], float]) -> None:
        """Ask `count` at every scrape how many riddles are being made."""
        self._in_flight.set_function(count)


class ModelMetrics:
    """Model calls by provider and model."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ("provider", "model")
        self._calls = Counter(
            "riddlewire_model_calls", "Model calls; outcome is ok or the error.", (*names, "outcome"), registry=registry
        )
        self._seconds = Histogram(
            "riddlewire_model_call_seconds",
            "Seconds of one model call, its retries included.",
            names,
            buckets=_MODEL_BUCKETS,
            registry=registry,
        )
        self._tokens = Counter(
            "riddlewire_model_tokens",
            "Tokens; kind is input, output, or cached (a part of input).",
            (*names, "kind"),
            registry=registry,
        )
        self._cost = Counter("riddlewire_model_cost_usd", "US dollars, of known prices.", names, registry=registry)
        self._unpriced = Counter(
            "riddlewire_model_unpriced_calls", "Calls whose price is not known.", names, registry=registry
        )

    def observe_call(
        self, provider: str, model: str, *, outcome: str, seconds: float, usage: Usage | None = None
    ) -> None:
        """Count one call.

        Args:
            provider: Before the colon of the model's name.
            model: After it.
            outcome: `ok`, or the class of the error.
            seconds: From the question to the whole answer.
            usage: Tokens and cost; None when the call failed or told nothing.
        """
        self._calls.labels(provider, model, outcome).inc()
        self._seconds.labels(provider, model).observe(seconds)
        if usage is None:
            return
        for kind, tokens in (
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cached", usage.cached_tokens),
        ):
            self._tokens.labels(provider, model, kind).inc(tokens)
        if usage.cost_usd is None:
            self._unpriced.labels(provider, model).inc()
        else:
            self._cost.labels(provider, model).inc(usage.cost_usd)


class RiddleMetrics:
    """Riddles by pipeline."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._riddles = Counter(
            "riddlewire_riddles",
            "Runs of a pipeline; status is published, needs_review or failed. What fails in a batch may be run again.",
            ("pipeline", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "riddlewire_riddle_seconds",
            "Seconds from article to riddle.",
            ("pipeline",),
            buckets=_MODEL_BUCKETS,
            registry=registry,
        )
        self._retrieval = Histogram(
            "riddlewire_retrieval_seconds",
            "Seconds to select examples.",
            ("pipeline",),
            buckets=_RETRIEVAL_BUCKETS,
            registry=registry,
        )
        self._attempts = Histogram(
            "riddlewire_riddle_attempts",
            "Tries of the riddle step.",
            ("pipeline",),
            buckets=_ATTEMPT_BUCKETS,
            registry=registry,
        )
        self._failed_checks = Counter(
            "riddlewire_check_failures",
            "Checks of the gate that the chosen candidate failed.",
            ("pipeline", "check"),
            registry=registry,
        )

    def observe(self, riddle: Riddle) -> None:
        """Count one outcome of a pipeline."""
        pipeline = riddle.pipeline
        self._riddles.labels(pipeline, riddle.status).inc()
        self._seconds.labels(pipeline).observe(riddle.timings_ms.total / 1000)
        self._retrieval.labels(pipeline).observe(riddle.timings_ms.retrieve / 1000)
        self._attempts.labels(pipeline).observe(riddle.attempts)
        for check in riddle.checks:
            if not check.passed:
                self._failed_checks.labels(pipeline, check.name).inc()

    def observe_failure(self, pipeline: str) -> None:
        """Count an article that ended in an error."""
        self._riddles.labels(pipeline, "failed").inc()


class LimitMetrics:
    """What limits do to model calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waits = Histogram(
            "riddlewire_limit_wait_seconds",
            "Seconds that a model call waited for its turn; those that did not wait are not counted.",
            ("provider",),
            buckets=_MODEL_BUCKETS,
            registry=registry,
        )
        self._paused = Gauge(
            "riddlewire_provider_paused",
            "1 while a provider that refused us is left alone.",
            ("provider",),
            registry=registry,
        )
        self._waiting = Gauge(
            "riddlewire_model_calls_waiting", "Model calls that wait for their turn.", ("provider",), registry=registry
        )
        self._refusals = Counter(
            "riddlewire_budget_refusals",
            "Model calls refused because a daily budget is spent; budget is key, pipeline or all.",
            ("budget",),
            registry=registry,
        )
        for budget in ("key", "pipeline", "all"):  # shown from the start, for a rate starts with a zero
            self._refusals.labels(budget)
        self._lookups = Counter(
            "riddlewire_step_cache_lookups",
            "Questions looked up in the cache of finished steps; outcome is hit or miss.",
            ("outcome",),
            registry=registry,
        )

    def observe_wait(self, provider: str, seconds: float) -> None:
        """A call has waited for its turn."""
        self._waits.labels(provider).observe(seconds)

    def observe_budget_refusal(self, budget: str) -> None:
        """A call was refused over a budget."""
        self._refusals.labels(budget).inc()

    def observe_cache_lookup(self, *, hit: bool) -> None:
        """A question was looked up."""
        self._lookups.labels("hit" if hit else "miss").inc()

    def watch_provider(self, provider: str, paused: Callable[[], float], waiting: Callable[[], float]) -> None:
        """Ask at every scrape whether a provider is left alone, and how many calls wait for it; and show its waits."""
        self._paused.labels(provider).set_function(paused)
        self._waiting.labels(provider).set_function(waiting)
        self._waits.labels(provider)  # shown from now on, with zeros, also where no call ever waits


process = Metrics()
"""The metrics of this process, which `/metrics` shows."""

observe_limit_wait = process.limits.observe_wait
observe_cache_lookup = process.limits.observe_cache_lookup
observe_budget_refusal = process.limits.observe_budget_refusal
watch_provider = process.limits.watch_provider
observe_request = process.observe_request
watch_in_flight = process.watch_in_flight
exposition = process.exposition
