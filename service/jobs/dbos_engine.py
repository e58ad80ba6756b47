"""DBOS behind the port of jobs: its queue, its recovery, and the traps it sets.

- The application version is pinned: by default it is a hash of the source, and a deploy would strand running jobs.
- Jobs are JSON, not pickles: whoever can write to the database must not run code here.
- On SQLite it works through our own engine, whose writers take turns; two pools on one file would fight for the lock.
- Its bookkeeping costs more than a job's own, so it is given jobs in portions.
- Model calls are not DBOS steps: those are told apart by their order, which is not fixed (see `chains.models.journal`).
- DBOS is one to a process, and its open-source part does not take over from the dead: `fleet` does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from domain.errors import RiddlewireError
from service.jobs.engine import Postponed
from service.storage.sqlite import SqliteEngine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy.engine import Connection, Engine

    from service.jobs.engine import Do
    from service.storage.job_queue import Portion

APPLICATION: Final = "riddlewire"
VERSION: Final = "1"
"""Change it only together with what a queued job means, and drain the queue before."""
QUEUE: Final = "jobs"
WORKFLOW: Final = "riddlewire.portion"
POLL_S: Final = 0.2
"""How often it looks whether it may begin another portion, of which it has more in hand than are worked on."""
THREADS: Final = 16
LISTEN_EVERY_S: Final = 0.2
"""How often DBOS looks for messages between workflows on SQLite. We send none, but a stop waits for the next look."""

_ALIVE: Final = ["ENQUEUED", "DELAYED", "PENDING"]
_FINISHED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class EngineInUse(RiddlewireError):
    """A second engine in one process."""

    def __init__(self) -> None:
        super().__init__("jobs are being done in this process already; DBOS can be there only once")


class DbosEngine:
    """A `JobEngine` on DBOS.

    Args:
        engine: The database of the service; DBOS keeps its tables in it, on PostgreSQL in the schema `dbos`.
        executor_id: Names this process start; on PostgreSQL never the same twice.
        at_once: Portions to have in hand at once.
    """

    def __init__(self, engine: Engine, *, executor_id: str, at_once: int) -> None:
        self._engine = engine
        self._executor_id = executor_id
        self._at_once = at_once
        self._is_sqlite = isinstance(engine, SqliteEngine)
        self._own = engine.for_writers() if isinstance(engine, SqliteEngine) else engine
        self._client: Any = None
        self._out_of_hand: set[str] = set()

    async def start(self, do: Do) -> None:
        """Begin to run what is queued, on this event loop. When it fails, it may be tried again.

        Raises:
            EngineInUse: This process has one already.
        """
        if _Doing.do is not None:
            raise EngineInUse
        _Doing.do = do
        try:
            await asyncio.to_thread(self._prepare)
            await self._launch()
        except BaseException:
            await self.stop()
            raise

    async def _launch(self) -> None:
        from dbos import DBOS, DBOSClient

        DBOS(config=self._config())
        DBOS.launch()  # here and not in a thread: jobs run on the loop it is called from
        await DBOS.register_queue_async(
            QUEUE, worker_concurrency=self._at_once, polling_interval_sec=POLL_S, on_conflict="always_update"
        )
        self._client = DBOSClient(
            system_database_engine=self._own, serializer=_serializer(), application_name=APPLICATION, lazy=True
        )

    async def stop(self) -> None:
        """Run nothing more; what has not ended comes back elsewhere or later."""
        from dbos import DBOS

        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor())  # DBOS gave the loop its own, which ends with it
        await asyncio.to_thread(DBOS.destroy)
        _Doing.do = None

    def enqueue(self, connection: Connection, portions: Sequence[Portion]) -> None:
        """Queue portions of jobs in a transaction that the caller commits; the same portion again is one."""
        for portion in portions:
            options = {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE,
                "workflow_id": portion.id,
                "app_version": VERSION,
                "priority": portion.priority,
            }
            self._client.enqueue_in_transaction(connection, options, list(portion.job_ids))

    def take_over(self, executor_id: str) -> list[str]:
        """Queue again what a dead executor had begun, and tell which portions."""
        begun = self._client.list_workflows(
            executor_id=executor_id, status="PENDING", queue_name=QUEUE, load_input=False, load_output=False
        )
        ids = [workflow.workflow_id for workflow in begun]
        if ids:
            self._client.resume_workflows(ids, queue_name=QUEUE)
        return ids

    def alive(self, portions: Collection[str]) -> set[str]:
        """Those of these portions, by id, that are queued or begun, here or elsewhere."""
        found = self._client.list_workflows(
            workflow_ids=list(portions), status=_ALIVE, load_input=False, load_output=False
        )
        return {workflow.workflow_id for workflow in found}

    def purge(self) -> int:
        """Forget what has ended, how it ended stands in our own tables, and what is begun by its row alone."""
        ended = self._client.list_workflows(status=_FINISHED, limit=2_000, load_input=False, load_output=False)
        ids = [*(workflow.workflow_id for workflow in ended), *self._let_slip()]
        if ids:
            self._client.delete_workflows(ids)
        return len(ids)

    def _let_slip(self) -> set[str]:
        """Portions that DBOS says run here and do not: it could not write down that they had ended, and never will.

        One that was claimed a moment ago is not in hand yet, so it has to be found so twice in a row.
        """
        begun = self._client.list_workflows(
            executor_id=self._executor_id, status="PENDING", queue_name=QUEUE, load_input=False, load_output=False
        )
        before, self._out_of_hand = self._out_of_hand, {one.workflow_id for one in begun} - set(_Doing.in_hand)
        return self._out_of_hand & before

    def _prepare(self) -> None:
        """Import DBOS, make its tables, and know its one workflow."""
        logger = logging.getLogger("dbos")
        if not logger.handlers:  # or it writes to the console by itself
            logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.WARNING)  # it counts its 125 migrations aloud
        logger.addFilter(_is_news)
        from dbos import DBOS

        _register(DBOS)
        DBOS.migrate(self._dbos_url)  # it lets one process at a time do so

    @property
    def _dbos_url(self) -> str:
        url = self._engine.url.set(drivername="sqlite" if self._is_sqlite else "postgresql")
        return url.render_as_string(hide_password=False)

    def _config(self) -> Any:
        config: dict[str, Any] = {
            "name": APPLICATION,
            "application_version": VERSION,
            "executor_id": self._executor_id,
            "system_database_url": self._dbos_url,
            "run_migrations": False,
            "serializer": _serializer(),
            "max_executor_threads": THREADS,
            "notification_listener_polling_interval_sec": LISTEN_EVERY_S,
            "log_level": "WARNING",
            "use_listen_notify": not self._is_sqlite,
        }
        if self._is_sqlite:
            config["system_database_engine"] = self._own
        return config


def _is_news(record: logging.LogRecord) -> bool:
    """Not that a portion in hand was cancelled: each is when the process stops, see `_portion`."""
    return not record.getMessage().startswith("Asyncio task cancelled for workflow")


class _Doing:
    """What the one workflow of this process calls, and which portions it is really doing, by how many runs of each."""

    do: Do | None = None
    in_hand: ClassVar[Counter[str]] = Counter()


async def _portion(job_ids: list[str]) -> None:
    assert _Doing.do is not None, "DBOS runs jobs between start and stop only"
    with _in_hand(_portion_id()):
        try:
            await _Doing.do(job_ids, _is_mine)
        except Postponed:
            await asyncio.Event().wait()  # if it returned or raised, DBOS would take the portion for ended


@contextmanager
def _in_hand(portion_id: str) -> Iterator[None]:
    """A portion may come again, from whoever took it over, before its first run here has ended."""
    _Doing.in_hand[portion_id] += 1
    try:
        yield
    finally:
        _Doing.in_hand[portion_id] -= 1
        if not _Doing.in_hand[portion_id]:
            del _Doing.in_hand[portion_id]


def _portion_id() -> str:
    from dbos import DBOS

    assert DBOS.workflow_id is not None, "asked inside a portion"
    return DBOS.workflow_id


async def _is_mine() -> bool:
    from dbos import DBOS

    found = await DBOS.list_workflows_async(workflow_ids=[_portion_id()], load_input=False, load_output=False)
    return any(one.status == "PENDING" and one.executor_id == DBOS.executor_id for one in found)


def _register(dbos: Any) -> None:
    if not getattr(_register, "done", False):
        dbos.workflow(name=WORKFLOW, max_recovery_attempts=None)(_portion)
        _register.done = True  # type: ignore[attr-defined]


def _serializer() -> Any:
    from dbos import DBOSPortableJSONSerializer

    return DBOSPortableJSONSerializer()
