"""What can go wrong in looking things up, beside the errors of the domain.

RiddlewireError
└── IndexUnavailable   the example index cannot be reached or rebuilt
"""

from __future__ import annotations

from domain.errors import RiddlewireError


class IndexUnavailable(RiddlewireError):
    """Chroma cannot be reached, or refuses even after a rebuild."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the example index is unavailable: {reason}; check that Chroma runs and has disk space")
