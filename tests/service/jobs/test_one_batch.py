"""What a worker that was started for one batch does with the portions the job engine brings it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, insert

from domain import Article
from service.jobs.fleet import Fleet
from service.jobs.one_batch import OneBatch
from service.jobs.progress import Progress
from service.storage.batches import BatchRepository, NewBatch
from service.storage.intake import IntakeRules
from service.storage.job_queue import JobQueue
from service.storage.job_tables import workers
from service.telemetry.job_metrics import JobMetrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy.engine import Engine

MINE, ANOTHER = (f"bat_{number:032x}" for number in (1, 2))


class Lab:
    """Two batches of which the job engine has one portion each; what is done is noted."""

    def __init__(self, engine: Engine, *, others_do_all: bool) -> None:
        self.queue = JobQueue(engine)
        self.done: list[str] = []
        portions: list[tuple[str, ...]] = []
        for batch_id in (ANOTHER, MINE):
            texts = [Article(text=f"{batch_id} {number}") for number in range(2)]
            new = NewBatch(id=batch_id, articles=texts, pipeline="p", key_id=None, tenant=None, priority=10)
            BatchRepository(engine).create(new, rules=IntakeRules(dedup_since=None))
            self.queue.hand_over(
                9, lambda _, given: portions.extend(one.job_ids for one in given), portion_size=9, at_most_waiting=9
            )
        self.of_another, self.mine = portions
        self.worker = OneBatch(
            self.queue, MINE, do=self._do, others_do_all=lambda: others_do_all, outlasting=self._outlasting
        )

    def waiting(self) -> int:
        """Jobs that no portion holds."""
        return self.queue.hand_over(9, lambda *_: None, portion_size=9, at_most_waiting=9)

    async def _do(self, job_ids: Sequence[str], _: Any) -> None:
        self.done += job_ids

    async def _outlasting(self, call: Callable[[], Awaitable[Any]], /) -> Any:
        return await call()


async def always() -> bool:
    return True


def test_its_batch_is_done_and_others_are_put_back(engine: Engine) -> None:
    lab = Lab(engine, others_do_all=False)
    asyncio.run(lab.worker.do(lab.of_another, always))
    asyncio.run(lab.worker.do(lab.mine, always))
    assert lab.done == list(lab.mine)
    assert lab.waiting() == len(lab.of_another)


def test_beside_a_worker_that_does_all_others_are_done_too(engine: Engine) -> None:
    lab = Lab(engine, others_do_all=True)
    asyncio.run(lab.worker.do(lab.of_another, always))
    assert lab.done == list(lab.of_another)
    assert lab.waiting() == 0


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("name", "silent_s", "counts"), [("w-lives", 0, True), ("w-silent", 16, False), ("b-lives", 0, False)]
)
def test_only_a_living_worker_of_all_batches_counts(
    engine: Engine, name: str, silent_s: float, *, counts: bool
) -> None:
    fleet = Fleet(
        engine,
        worker="b-me",
        take_over=lambda _: 0,
        running=lambda: 0,
        health=Progress(stuck_after_s=60).health,
        dead_after_s=15,
        metrics=JobMetrics(CollectorRegistry()),
    )
    with engine.begin() as connection:
        row = {"id": name, "host": "here", "pid": 7, "running": 0, "state": "idle", "detail": "no job in hand"}
        beat = func.now() - timedelta(seconds=silent_s)
        connection.execute(insert(workers).values(**row, started_at=func.now(), beat_at=beat))
    assert fleet.others_do_all() is counts
