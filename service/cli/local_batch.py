"""Batches on the data folder: read and changed as rows, and worked on in this process."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from service.cli.terminal import note

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import typer

    from service.resources import Resources
    from service.setting_groups.background import JobSettings
    from service.storage.batches import BatchRepository


class StoredBatches:
    """Batches as rows, for a command beside a server or alone.

    Args:
        batches: In the database.
        settings: Of jobs: how much may wait, and what is shared.
    """

    def __init__(self, batches: BatchRepository, settings: JobSettings) -> None:
        self._batches = batches
        self._settings = settings

    async def look(self, batch_id: str) -> dict[str, Any]:
        """How far a batch is.

        Raises:
            NotFound: There is none of that id.
        """
        from service.batches.payload import batch_payload

        return batch_payload(await asyncio.to_thread(self._batches.get, batch_id))

    async def cancel(self, batch_id: str) -> dict[str, Any]:
        """Stop what has not started.

        Raises:
            NotFound: As `look`.
            BatchIsFinished: Everything in it has ended.
        """
        from service.batches.payload import batch_payload

        return batch_payload(await asyncio.to_thread(self._batches.cancel, batch_id))

    async def retry(self, batch_id: str) -> dict[str, Any]:
        """Run the failed articles again; whoever does jobs sees them.

        Raises:
            NotFound: As `look`.
            QueueFull: Too many articles wait already.
        """
        from service.batches.payload import batch_payload
        from service.batches.service import intake_rules

        rules = intake_rules(self._settings)
        return batch_payload(await asyncio.to_thread(self._batches.retry, batch_id, rules=rules))


@asynccontextmanager
async def here(ctx: typer.Context) -> AsyncIterator[LocalBatches]:
    """The data folder, held by this process.

    Raises:
        ConfigurationError: Something has to be changed first; also where a server has the folder.
    """
    from service.cli.local import opened

    async with opened(ctx, for_jobs=True) as resources, AsyncExitStack() as stack:
        yield LocalBatches(resources, stack)


class LocalBatches(StoredBatches):
    """The same, with everything that doing a batch takes.

    Args:
        resources: Opened for jobs, and doing none yet.
        stack: Ends the work.
    """

    longest_rest_s = 0.5

    def __init__(self, resources: Resources, stack: AsyncExitStack) -> None:
        super().__init__(resources.batches, resources.settings.jobs)
        self._resources = resources
        self._stack = stack

    async def send(self, body: bytes, pipeline: str | None, name: str) -> dict[str, Any]:
        """Keep articles as a batch; the same name again finds the batch there is.

        Raises:
            RiddlewireError: They cannot be used, or not now.
        """
        import orjson

        from service.auth import LOCAL
        from service.batches.reading import articles_of_lines
        from service.batches.service import Accepted, BatchOrder, accept
        from service.riddles.claims import KeyUse

        most_bytes = self._resources.settings.limits.body_bytes
        order = BatchOrder(articles=articles_of_lines(body, most_bytes=most_bytes), pipeline=pipeline)
        taken = await accept(self._resources, order, caller=LOCAL, key=KeyUse.of(name, body))
        told: dict[str, Any] = orjson.loads(taken.body if isinstance(taken, Accepted) else taken.replay.body)
        return told

    async def work_on(self, batch_id: str) -> None:
        """Do this batch from now on, and none of the others that wait, but say that they do."""
        from service.background import do_jobs

        await self._tell_of_others(batch_id)
        await do_jobs(self._resources, self._stack, only=batch_id)

    def results(self, batch_id: str) -> AsyncIterator[bytes]:
        """All items, as JSON lines in pieces."""
        from service.batches.service import result_lines

        return result_lines(self._resources, batch_id)

    def when_stopped(self, batch_id: str) -> str:
        """What becomes of the batch when the command is stopped, and how to go on."""
        drain_s = self._resources.settings.limits.drain_s
        return (
            f"Stopping: articles in hand are finished first, for up to {drain_s:.0f} s; Ctrl-C again stops at once.\n"
            f"The same command goes on where this one was, and pays for nothing twice; so does riddlewire batch "
            f"{batch_id}. To drop the rest: riddlewire batches cancel {batch_id}"
        )

    async def _tell_of_others(self, batch_id: str) -> None:
        from service.jobs.fleet import DOES_ALL

        overview = await asyncio.to_thread(self._resources.overview)
        if any(worker.id.startswith(DOES_ALL) for worker in overview.workers or ()):
            return  # it does them
        opened = await asyncio.to_thread(self._resources.batches.newest, only_open=True, limit=100)
        waiting = {one.id: one.total - one.counts.ended for one in opened if one.id != batch_id}
        if not waiting:
            return
        if len(waiting) == 1:
            (other,) = waiting
            note(
                f"{waiting[other]:,} articles of another batch wait, and are left alone. To go on with them: "
                f"riddlewire batch {other}; to drop them: riddlewire batches cancel {other}"
            )
            return
        note(
            f"{sum(waiting.values()):,} articles of {len(waiting)} other batches wait, and are left alone: see "
            "riddlewire batches list --open"
        )
