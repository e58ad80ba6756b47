"""What feeds need of batches, and nothing more: whoever connects them gives an object of this form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Connection

    from domain import Article

    AlsoInBatch = Callable[[Connection, str], None]
    """More work in the transaction that stores a batch; is given the batch's id. It may be called again when another
    write of the transaction failed, and changes nothing but the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose batch it becomes.

    Args:
        key_id: Of the API key that added the feed; None without keys.
        tenant: Of that key.
    """

    key_id: str | None = None
    tenant: str | None = None


class Batches(Protocol):
    """Where the articles of a pull go."""

    async def make(
        self, articles: Sequence[Article], *, pipeline: str, owner: Owner, also: AlsoInBatch | None = None
    ) -> str:
        """Store a batch, durably, and give its id. An error of `also` undoes it and is raised."""
        ...

    async def show(self, batch_id: str, *, owner: Owner) -> dict[str, Any]:
        """The batch as `GET /v1/batches/{id}` answers it."""
        ...


class NoBatches(ConfigurationError):
    """Nothing makes batches here."""

    def __init__(self) -> None:
        super().__init__("this process cannot make batches, so feeds cannot be pulled in it")
