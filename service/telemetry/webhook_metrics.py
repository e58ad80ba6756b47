"""Prometheus metrics of webhook deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)


class WebhookMetrics:
    """Attempts of this process, and what waits in the database that all processes share.

    Args:
        registry: Where the metrics stand.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "riddlewire_webhook_attempts",
            "Attempts to deliver; outcome is delivered, retry, gone (410) or gave_up.",
            ("outcome",),
            registry=registry,
        )
        self._seconds = Histogram(
            "riddlewire_webhook_attempt_seconds",
            "Seconds until a receiver answered or was given up.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self._pending = Gauge("riddlewire_webhook_pending", "Deliveries that wait for an attempt.", registry=registry)
        self._oldest = Gauge(
            "riddlewire_webhook_oldest_pending_seconds",
            "Age of the event that has waited longest; 0 when nothing waits.",
            registry=registry,
        )

    def observe_attempt(self, outcome: str, seconds: float) -> None:
        """Count one attempt."""
        self._attempts.labels(outcome).inc()
        self._seconds.observe(seconds)

    def observe_backlog(self, pending: int, oldest_s: float) -> None:
        """Set what waits, as the database tells."""
        self._pending.set(pending)
        self._oldest.set(oldest_s)
