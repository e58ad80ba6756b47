"""Batches as feeds want them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.batches.payload import batch_payload
from service.batches.service import BatchOrder, make_batch
from service.storage.scope import EVERYTHING, OfTenant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from domain.article import Article
    from service.feeds.batches import AlsoInBatch, Owner
    from service.resources import Resources
    from service.storage.batch_rows import StoredBatch


@dataclass(frozen=True, slots=True)
class FeedBatches:
    """Where the articles of a pull go; the `Batches` of `service.feeds.batches`."""

    resources: Resources

    async def make(
        self, articles: Sequence[Article], *, pipeline: str, owner: Owner, also: AlsoInBatch | None = None
    ) -> str:
        """Store a batch, durably, and give its id.

        Raises:
            NotFound: There is no such pipeline.
            BatchTooLarge: More of them are new than may wait at all.
            QueueFull: Too many articles wait already.
        """

        def in_the_same_transaction(connection: Connection, batch: StoredBatch) -> None:
            if also is not None:
                also(connection, batch.id)

        order = BatchOrder(
            articles=articles,
            pipeline=pipeline,
            key_id=owner.key_id,
            tenant=owner.tenant,
            also=in_the_same_transaction,
        )
        return (await make_batch(self.resources, order)).id

    async def show(self, batch_id: str, *, owner: Owner) -> dict[str, Any]:
        """The batch as `GET /v1/batches/{id}` answers it."""
        scope = EVERYTHING if owner.tenant is None else OfTenant(owner.tenant)
        return batch_payload(await asyncio.to_thread(self.resources.batches.get, batch_id, scope=scope))
