"""Whether a provider that gives a bad answer is at fault, or the article that it was asked about.

One article may provoke bad answers for ever. Several in a row, with no good answer of the provider to anybody between
them, are the provider's: a proxy in front of it that shows its error page with status 200, a key that was revoked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ASKERS: Final = 3
"""Articles with bad answers, and no good one since the first, from which on it is the provider."""
FORGOTTEN_AFTER_S: Final = 600.0
"""A bad answer so long ago says nothing of the provider now; longer than any pause between two calls."""


class Sense:
    """What one provider's answers were like lately, in this process. The caller guards it.

    Args:
        clock: Seconds that never go back; tests pass their own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bad: dict[str, float] = {}

    def answered(self) -> None:
        """It gave a good answer."""
        self._bad.clear()

    def answered_badly(self, asker: str) -> bool:
        """It gave a bad answer.

        Args:
            asker: Whose call it was: all calls for one article have the same.

        Returns:
            Whether it gives nothing else.
        """
        now = self._clock()
        self._bad[asker] = now
        self._bad = {who: at for who, at in self._bad.items() if at > now - FORGOTTEN_AFTER_S}
        return len(self._bad) >= ASKERS
