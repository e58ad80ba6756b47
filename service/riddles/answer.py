"""The answer to a request for a riddle, encoded once for caller, stream and Idempotency-Key alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from service.answers import encode
from service.riddles.payload import riddle_payload

if TYPE_CHECKING:
    from service.storage.riddles import StoredRiddle


@dataclass(frozen=True, slots=True)
class MadeAnswer:
    """A riddle that is being stored, as the JSON to answer with."""

    location: str
    body: bytes

    @classmethod
    def of(cls, stored: StoredRiddle) -> Self:
        """The answer that tells of this riddle."""
        return cls(f"/v1/riddles/{stored.id}", encode(riddle_payload(stored)))
