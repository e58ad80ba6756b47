"""Getting the default pipeline's models ready in the background, so that the first riddle does not wait for imports."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Literal

import structlog

from domain.errors import RiddlewireError
from service.garbage import spare_what_is_there

if TYPE_CHECKING:
    from service.resources import Resources

Status = Literal["not started", "warming", "ready", "failed"]
_log = structlog.get_logger("riddlewire.warmup")


class WarmUp:
    """The state of the default pipeline's models, as /readyz shows it."""

    def __init__(self) -> None:
        self.status: Status = "not started"
        self.detail = ""
        self._task: asyncio.Task[None] | None = None

    def start(self, resources: Resources) -> None:
        """Begin; requests need not wait for it."""
        self.status = "warming"
        self._task = asyncio.create_task(self._run(resources), name="warm-up")

    async def stop(self) -> None:
        """Stop when it still runs."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, resources: Resources) -> None:
        try:
            names = tuple(dict.fromkeys(step.spec.model for step in resources.pipeline().recipe().steps))
            self.detail = ", ".join(names)
            for name in names:
                await resources.models.warm_up(name)
        except RiddlewireError as error:
            self.status, self.detail = "failed", str(error)
            _log.warning("the default pipeline is not ready", reason=str(error))
        else:
            self.status = "ready"
            spare_what_is_there()
            _log.info("the default pipeline is ready", models=names)
