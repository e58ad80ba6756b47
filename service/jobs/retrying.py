"""How long a job waits for its model's provider, and when it gives up."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chains.models.retries import QuotaExhausted
from domain.errors import ProviderBadAnswer, ProviderError, ProviderRateLimited, ProviderUnavailable
from retrievers.errors import IndexUnavailable
from service.storage.away import database_is_away

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
BAD_ANSWERS: Final = 5
"""Runs of an article that alone gets nothing of use from a provider: more would not help."""
UNFORESEEN: Final = 3
"""Runs of an article that end in an error nobody foresaw."""

_HELD_BY_LIMITS: Final = (ProviderRateLimited, ProviderUnavailable, ProviderBadAnswer)
"""Where they say when to come back, limits keep all calls back until then."""


@dataclass(slots=True, kw_only=True)
class Patience:
    """Decides after each failed run of a job whether it is run again, and when.

    A provider that cannot be reached, is over its limits or does not answer in time says nothing about the article, nor
    does a database or an example index that is away: the job waits, exponentially longer with jitter (Brooker,
    "Exponential Backoff And Jitter", AWS 2015), for as long as the operator allows. A bad answer or an error nobody
    foresaw may be the article's fault: it gets a few runs. Where limits leave a provider alone, because it is over its
    limits or gives nothing but bad answers, the error says for how long (`Door.failed`), and the job comes back right
    then: limits let calls out one by one, so that nothing is gained by waiting longer.

    Args:
        patience_s: Seconds to wait for a provider that is down, in all.
        clock: Seconds; tests pass their own.
    """

    patience_s: float
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _bad: int = 0
    _unforeseen: int = 0
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def wait_s(self, error: Exception) -> float | None:
        """Seconds until the next run; None when there is to be none."""
        self._failures += 1
        if not self._is_worth_it(error):
            return None
        ceiling = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (self._failures - 1))
        jittered = random.uniform(ceiling / 2, ceiling)  # noqa: S311 -- no secret
        asked = error.retry_after_s if isinstance(error, ProviderError) else None
        if asked is not None and isinstance(error, _HELD_BY_LIMITS) and not isinstance(error, QuotaExhausted):
            return asked + random.uniform(0.0, FIRST_WAIT_S)  # noqa: S311 -- no secret
        return max(jittered, asked or 0.0)

    def _is_worth_it(self, error: Exception) -> bool:
        match error:
            case ProviderBadAnswer() if error.retry_after_s is None:
                self._bad += 1
                return self._bad < BAD_ANSWERS
            case ProviderError() | IndexUnavailable():
                return self.clock() - self._began < self.patience_s
            case _ if database_is_away(error):
                return self.clock() - self._began < self.patience_s
            case _:
                self._unforeseen += 1
                return self._unforeseen < UNFORESEEN
