"""What can go wrong in looking things up, beside the errors of the domain.

RiddlewireError
├── IndexUnavailable   the example index cannot be reached or rebuilt
├── FeedUnreadable     a feed's source answered with something that is no feed
└── FetchError
    └── ServerAnswered   a status that is no success
"""

from __future__ import annotations

from domain.errors import FetchError, RiddlewireError

_MAX_REASON = 300


class IndexUnavailable(RiddlewireError):
    """Chroma cannot be reached, or refuses even after a rebuild."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the example index is unavailable: {reason}; check that Chroma runs and has disk space")


class FeedUnreadable(RiddlewireError):
    """A feed whose source gave nothing that can be read as its kind says."""

    def __init__(self, kind: str, reason: str) -> None:
        self.kind = kind
        self.reason = reason[:_MAX_REASON]
        super().__init__(f"the {kind} feed cannot be read: {self.reason}; check its kind and where it comes from")


class ServerAnswered(FetchError):
    """A status that is no success.

    Args:
        url: What was asked for.
        status: HTTP status.
        retry_after_s: Seconds that the server asks to be left alone; None where it does not say.
    """

    def __init__(self, url: str, status: int, *, retry_after_s: float | None = None) -> None:
        self.status = status
        self.retry_after_s = retry_after_s
        super().__init__(url, f"the server answered {status}")
