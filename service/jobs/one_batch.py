"""A worker that was started for one batch: what others left in the job engine's queue is put back, not done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.jobs.engine import Do, IsMine
    from service.jobs.outlasting import Outlast
    from service.storage.job_queue import JobQueue


class OneBatch:
    """Does, of the jobs that the job engine brings, those of one batch.

    A process before this one may have left jobs of other batches in the engine's queue. Whoever asked for this batch
    did not ask for those, and is not to pay for them: they are put back to wait in the database, where the next worker
    that does everything finds them. Where such a worker lives already, they are done: it would do them now anyway, and
    would only hand over again what is put back.

    A portion that holds jobs of the batch as well is put back as a whole; those come again by themselves.

    Args:
        queue: The jobs.
        batch_id: The batch.
        do: Does jobs.
        others_do_all: Whether a worker lives that does jobs of every batch. Blocks.
        outlasting: Waits for the database where it is away.
    """

    def __init__(
        self, queue: JobQueue, batch_id: str, *, do: Do, others_do_all: Callable[[], bool], outlasting: Outlast
    ) -> None:
        self._queue = queue
        self._batch_id = batch_id
        self._do = do
        self._others_do_all = others_do_all
        self._outlasting = outlasting

    async def do(self, job_ids: Sequence[str], is_mine: IsMine) -> None:
        """Do a portion's jobs, or put them back.

        Raises:
            Postponed: The process is to stop.
        """
        if await self._outlasting(lambda: asyncio.to_thread(self._are_to_be_done, job_ids)):
            await self._do(job_ids, is_mine)

    def _are_to_be_done(self, job_ids: Sequence[str]) -> bool:
        return self._others_do_all() or not self._queue.put_back_unless_in(self._batch_id, job_ids)
