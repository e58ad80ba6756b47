"""Prometheus metrics of what readers guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from prometheus_client import Counter

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

Verdict = Literal["right", "near", "wrong"]

VERDICTS: Final[tuple[Verdict, ...]] = ("right", "near", "wrong")


class GuessMetrics:
    """Guesses that this process has judged and kept.

    Args:
        registry: Where the metrics stand.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._guesses = Counter(
            "riddlewire_guesses",
            "Guesses of readers; verdict is right, near or wrong. The same guess again is none, nor is a refused one.",
            ("verdict",),
            registry=registry,
        )
        for verdict in VERDICTS:  # there from the first scrape on, so that the first guess is an increase
            self._guesses.labels(verdict)

    def observe(self, verdict: Verdict) -> None:
        """Count one guess that was kept."""
        self._guesses.labels(verdict).inc()
