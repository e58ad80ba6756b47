"""The processes that do jobs on one PostgreSQL database: each shows that it lives, and takes over from the dead."""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import and_, delete, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from service.storage.job_tables import workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Update
    from sqlalchemy.engine import Connection, Engine

    from service.jobs.progress import WorkHealth
    from service.telemetry.job_metrics import JobMetrics

BEATS: Final = 4
"""Signs of life in the time after which a worker counts as dead; also how often each looks after the others."""
DOES_ALL: Final = "w-"
"""How the ids of workers begin that do jobs of every batch."""
DOES_ONE_BATCH: Final = "b-"
"""How those begin that were started for one."""
FORGOTTEN_AFTER: Final = timedelta(days=1)

_REAPER_LOCK: Final = 0x5249_4452_4550  # 'RIDREP': one worker at a time looks after the dead

_log = structlog.get_logger("riddlewire.fleet")


class Fleet:
    """This process among the workers. Its own thread beats, so that a busy event loop does not look like death.

    All times are the database's: clocks of machines differ.

    Args:
        engine: PostgreSQL.
        worker: Names this process start.
        take_over: Queues again what a dead worker had begun, and says how much.
        running: How many jobs this process is doing.
        health: Whether they get on; asked from the thread that beats, so that a stuck event loop is told too.
        dead_after_s: Seconds of silence after which others take over.
        metrics: Counts the jobs that are taken over.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        worker: str,
        take_over: Callable[[str], int],
        running: Callable[[], int],
        health: Callable[[], WorkHealth],
        dead_after_s: float,
        metrics: JobMetrics,
    ) -> None:
        self._engine = engine
        self._worker = worker
        self._take_over = take_over
        self._running = running
        self._health = health
        self._metrics = metrics
        self._beat_s = dead_after_s / BEATS
        self._dead_after = timedelta(seconds=dead_after_s)
        self._dead_after_s = dead_after_s
        self._lease_until = -math.inf
        self._buried_at = -math.inf
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._live, name="riddlewire-fleet", daemon=True)

    def join(self) -> None:
        """Become one of the workers. Blocks."""
        row = {"id": self._worker, "host": socket.gethostname(), "pid": os.getpid(), **self._told()}
        lease_from = time.monotonic()
        with self._engine.begin() as connection:
            connection.execute(insert(workers).values(started_at=func.now(), beat_at=func.now(), **row))
        self._lease_until = lease_from + self._dead_after_s
        self._thread.start()

    def doubts(self, since: float) -> bool:
        """Whether others may have taken over what this process had at a moment: it was silent, or is, for too long.

        Args:
            since: By `time.monotonic`, which goes on while a process is paused.
        """
        return time.monotonic() >= self._lease_until or self._buried_at >= since

    def others_do_all(self) -> bool:
        """Whether another worker lives that does jobs of every batch. Blocks."""
        lives = and_(workers.c.gone_at.is_(None), workers.c.beat_at > func.now() - self._dead_after)
        query = select(workers.c.id).where(lives, workers.c.id != self._worker, workers.c.id.startswith(DOES_ALL))
        with self._engine.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def leave(self) -> None:
        """Stop, and let others take over at once what was begun and not ended. Blocks."""
        self._ending.set()
        self._thread.join()
        with self._engine.begin() as connection:
            gone = {"beat_at": func.now() - self._dead_after, "gone_at": func.now()}
            left = {**gone, "running": 0, "state": "draining"}
            connection.execute(self._mine().values(left))

    def bury(self) -> int:
        """Take over from every worker that has been silent for too long.

        Returns:
            How many jobs were taken over.
        """
        with self._engine.begin() as connection:
            if not connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _REAPER_LOCK}).scalar():
                return 0
            dead = self._dead(connection)
        return sum(self._bury(worker, stopped=stopped) for worker, stopped in dead.items())

    def _live(self) -> None:
        while not self._ending.wait(self._beat_s):
            try:
                self._beat()
                self.bury()
            except SQLAlchemyError as error:  # the next beat may find the database again
                _log.warning("no sign of life could be given", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 -- the thread's outermost boundary: it must go on beating
                _log.error("taking over failed", error=type(error).__name__, reason=str(error)[:200])

    def _beat(self) -> None:
        lease_from = time.monotonic()
        with self._engine.begin() as connection:
            was = select(workers.c.gone_at).where(workers.c.id == self._worker).with_for_update()
            if connection.execute(was).scalar() is not None:
                self._buried_at = time.monotonic()
                _log.warning("others took over from this worker, which lives: it was paused, or cut off")
            connection.execute(self._mine().values(beat_at=func.now(), gone_at=None, emptied_at=None, **self._told()))
        self._lease_until = lease_from + self._dead_after_s

    def _dead(self, connection: Connection) -> dict[str, bool]:
        """Who is gone, and whether it said so itself: it was told to stop, and left others what it had not begun."""
        silent = workers.c.beat_at <= func.now() - self._dead_after
        stopped = and_(workers.c.gone_at.is_not(None), workers.c.state == "draining").label("stopped")
        query = select(workers.c.id, stopped).where(
            workers.c.emptied_at.is_(None), silent, workers.c.id != self._worker
        )
        return {row.id: bool(row.stopped) for row in connection.execute(query).all()}

    def _bury(self, dead: str, *, stopped: bool) -> int:
        """Say first that it is gone, so that whoever gets one of its jobs may begin it."""
        with self._engine.begin() as connection:
            connection.execute(update(workers).where(workers.c.id == dead).values(gone_at=func.now()))
        taken = self._take_over(dead)
        with self._engine.begin() as connection:
            connection.execute(update(workers).where(workers.c.id == dead).values(emptied_at=func.now()))
            old: ColumnElement[bool] = workers.c.emptied_at < func.now() - FORGOTTEN_AFTER
            connection.execute(delete(workers).where(old))
        if stopped:
            _log.info("took what a worker left that was told to stop", worker=dead, jobs=taken)
        else:
            self._metrics.observe_takeovers(taken)
            _log.warning("took over from a worker that is gone", worker=dead, jobs=taken)
        return taken

    def _told(self) -> dict[str, Any]:
        health = self._health()
        return {"running": self._running(), "state": health.state, "detail": health.detail}

    def _mine(self) -> Update:
        return update(workers).where(workers.c.id == self._worker)
