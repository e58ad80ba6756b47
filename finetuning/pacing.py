"""The time a training run takes, and the learning rate that goes by it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finetuning.settings import TrainingSettings


class Clock:
    """Time spent on a run, over all its parts.

    Args:
        minutes: The run's end; None is no limit.
    """

    def __init__(self, minutes: float | None) -> None:
        self._limit = minutes * 60 if minutes else None
        self._before = 0.0
        self._started: float | None = None

    def start(self, before: float) -> None:
        """Begin a part of the run; `before` are the seconds of those before it."""
        self._before, self._started = before, time.monotonic()

    @property
    def seconds(self) -> float:
        """Of all parts, up to now."""
        return self._before + (time.monotonic() - self._started if self._started is not None else 0.0)

    @property
    def done(self) -> float:
        """Share of the limit that is over, from 0 up; 0 without a limit."""
        return self.seconds / self._limit if self._limit else 0.0


class Schedule:
    """The factor of the learning rate: up in the warm-up, then down to 0 by the last step or the last minute.

    Args:
        settings: Warm-up, and the form of the way down: straight, or half a cosine.
        total: Updates of the whole run.
        clock: Of the run; whichever of steps and time is further on counts.
    """

    def __init__(self, settings: TrainingSettings, total: int, clock: Clock) -> None:
        self._settings = settings
        self._total = total
        self._clock = clock

    def factor(self, step: int) -> float:
        """What the highest rate is multiplied with at a step, 0 to 1."""
        done = min(max(step / self._total, self._clock.done), 1.0)
        warmup = self._settings.warmup
        if done < warmup:
            return max(done, 1 / self._total) / warmup
        left = (1 - done) / (1 - warmup)
        return left if self._settings.schedule == "linear" else 0.5 * (1 - math.cos(math.pi * left))
