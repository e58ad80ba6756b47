"""A clock that a test sets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """Seconds; they go by when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The moment."""
        return self.now
