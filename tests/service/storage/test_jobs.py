from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from domain import Article, Riddle
from service.errors import BatchIsFinished
from service.storage.batches import BatchRepository, NewBatch
from service.storage.job_queue import JobQueue, Portion
from service.storage.job_tables import job_calls, jobs, workers
from service.storage.jobs import JobRepository, Superseded
from service.storage.riddles import RiddleRepository
from service.storage.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from service.storage.batch_rows import StoredBatch
    from service.storage.jobs import StartedJob

LONG_AGO = datetime.now(UTC) - timedelta(days=1)


class Desk:
    """Jobs and batches on one database, without an engine that runs them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writer = Writer(engine)
        self.finished: list[str] = []
        self.jobs = JobRepository(engine, self.writer, lambda _, batch_id: self.finished.append(batch_id))
        self.queue = JobQueue(engine)
        self.batches = BatchRepository(engine, self.jobs.on_batch_finished)
        self.riddles = RiddleRepository(engine, self.writer)
        self._count = 0

    def send(
        self,
        *texts: str,
        pipeline: str = "p",
        tenant: str | None = None,
        key_id: str | None = None,
        since: datetime = LONG_AGO,
    ) -> StoredBatch:
        self._count += 1
        new = NewBatch(
            id=f"bat_{self._count:032x}",
            articles=[Article(text=text) for text in texts],
            pipeline=pipeline,
            key_id=key_id,
            tenant=tenant,
            priority=10,
        )
        return self.batches.create(new, dedup_since=since)

    def job_ids(self) -> list[str]:
        with self.engine.connect() as connection:
            return [row.id for row in connection.execute(select(jobs.c.id).order_by(jobs.c.id)).all()]

    def begin(self, job_id: str, worker: str = "w1", fewer_than: int | None = None) -> StartedJob | None:
        return asyncio.run(self.jobs.abegin(job_id, worker, fewer_than=fewer_than))

    def started(self, job_id: str, worker: str = "w1") -> StartedJob:
        job = self.begin(job_id, worker)
        assert job is not None
        return job

    def keep(self, job: StartedJob) -> None:
        riddle = Riddle(article=job.article, status="published", pipeline=job.pipeline)
        self.riddles.save(
            riddle, also=lambda connection, stored: self.jobs.settle(connection, job, "published", riddle_id=stored.id)
        )

    def fail(self, job: StartedJob) -> None:
        asyncio.run(self.jobs.afail(job, {"detail": "no"}))

    def counts(self, batch: StoredBatch) -> dict[str, int]:
        return self.batches.get(batch.id).counts.by_status


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    made = Desk(engine)
    yield made
    made.writer.close()


def test_the_same_text_is_one_job_and_both_items_get_its_riddle(desk: Desk) -> None:
    batch = desk.send("one", "two", "one")
    first, second = desk.job_ids()
    desk.keep(desk.started(first))
    assert desk.counts(batch) == {"published": 2, "queued": 1}
    desk.keep(desk.started(second))
    assert desk.batches.get(batch.id).status == "done"
    assert desk.finished == [batch.id]
    riddles = [item.riddle.id for item in desk.batches.items(batch.id) if item.riddle]
    assert riddles[0] == riddles[2] != riddles[1]


def test_work_is_shared_with_other_batches_of_the_same_pipeline_and_tenant_only(desk: Desk) -> None:
    desk.send("one")
    desk.send("one")
    assert len(desk.job_ids()) == 1
    desk.send("one", pipeline="other")
    desk.send("one", tenant="t")
    assert len(desk.job_ids()) == 3
    desk.send("one", since=datetime.now(UTC) + timedelta(seconds=1))
    assert len(desk.job_ids()) == 4


def test_a_batch_of_nothing_new_is_done_at_once(desk: Desk) -> None:
    desk.send("one")
    desk.keep(desk.started(*desk.job_ids()))
    again = desk.send("one", "one")
    assert again.status == "done"
    assert desk.finished[-1] == again.id


def test_only_the_newest_start_of_a_job_has_a_say(desk: Desk) -> None:
    desk.send("one")
    (job_id,) = desk.job_ids()
    old, new = desk.started(job_id), desk.started(job_id)
    with pytest.raises(Superseded):
        desk.keep(old)
    with pytest.raises(Superseded):
        desk.fail(old)
    with pytest.raises(Superseded):
        desk.jobs.check(old)
    desk.jobs.check(new)
    desk.keep(new)
    with desk.engine.connect() as connection:
        assert len(connection.exec_driver_sql("SELECT id FROM riddles").all()) == 1
    assert desk.begin(job_id) is None


def test_a_start_of_before_a_retry_is_not_taken_for_one_after_it(desk: Desk) -> None:
    batch = desk.send("one")
    (job_id,) = desk.job_ids()
    slow = desk.started(job_id)
    desk.fail(desk.started(job_id))
    desk.batches.retry(batch.id)
    fresh = desk.started(job_id)
    assert (slow.starts, fresh.starts) == (1, 1)
    with pytest.raises(Superseded):
        desk.keep(slow)
    desk.keep(fresh)


def test_a_job_of_a_worker_that_lives_is_nobody_elses(desk: Desk) -> None:
    desk.send("one")
    (job_id,) = desk.job_ids()
    now = datetime.now(UTC)
    with desk.engine.begin() as connection:
        row = {"host": "h", "pid": 1, "started_at": now, "beat_at": now, "running": 0, "state": "idle", "detail": ""}
        connection.execute(insert(workers), [{"id": "w1", **row}, {"id": "w2", **row}])
    desk.started(job_id, "w1")
    assert desk.begin(job_id, "w2") is None
    with desk.engine.begin() as connection:
        connection.execute(update(workers).where(workers.c.id == "w1").values(gone_at=now))
    assert desk.started(job_id, "w2").starts == 2


def test_a_job_that_was_begun_too_often_is_left_for_later(desk: Desk) -> None:
    desk.send("one")
    (job_id,) = desk.job_ids()
    desk.started(job_id)
    assert desk.begin(job_id, fewer_than=1) is None
    assert desk.jobs.starts(job_id) == 1


def test_a_start_that_was_released_does_not_count_and_one_that_is_old_releases_nothing(desk: Desk) -> None:
    desk.send("one")
    (job_id,) = desk.job_ids()
    old = desk.started(job_id)
    asyncio.run(desk.jobs.arelease([old]))
    assert desk.jobs.starts(job_id) == 0
    new = desk.started(job_id)
    assert (new.starts, new.fence) == (1, 2)
    asyncio.run(desk.jobs.arelease([old]))
    assert desk.jobs.starts(job_id) == 1


def test_what_a_job_has_paid_for_is_forgotten_when_it_ends(desk: Desk) -> None:
    desk.send("one")
    job = desk.started(*desk.job_ids())
    row = {"job_id": job.id, "call_key": "k", "created_at": datetime.now(UTC), "answers": [{"text": "x"}]}
    with desk.engine.begin() as connection:
        connection.execute(insert(job_calls), row)
    desk.keep(job)
    with desk.engine.connect() as connection:
        assert connection.execute(select(job_calls)).all() == []


def test_cancelling_leaves_what_runs_and_what_another_batch_waits_for(desk: Desk) -> None:
    batch, other = desk.send("running", "shared", "mine"), desk.send("shared")
    running, shared, mine = desk.job_ids()
    job = desk.started(running)
    assert desk.batches.cancel(batch.id).counts.by_status == {"running": 1, "cancelled": 2}
    assert desk.begin(mine) is None
    desk.keep(job)
    assert desk.batches.get(batch.id).status == "cancelled"
    assert desk.batches.get(batch.id).is_over
    desk.keep(desk.started(shared))
    assert desk.counts(batch) == {"published": 1, "cancelled": 2}
    assert [item.riddle is None for item in desk.batches.items(batch.id)] == [False, True, True]
    assert desk.batches.get(other.id).status == "done"
    assert desk.finished == [batch.id, other.id]
    desk.batches.cancel(batch.id)
    with pytest.raises(BatchIsFinished):
        desk.batches.cancel(other.id)


def test_retrying_runs_the_failed_ones_again_and_opens_every_batch_that_waits_for_them(desk: Desk) -> None:
    batch = desk.send("bad", "good", "bad")
    other = desk.send("bad")
    bad, good = desk.job_ids()
    desk.fail(desk.started(bad))
    desk.keep(desk.started(good))
    assert desk.counts(batch) == {"failed": 2, "published": 1}
    assert [item.error for item in desk.batches.items(batch.id)] == [{"detail": "no"}, None, {"detail": "no"}]
    assert desk.batches.retry(batch.id).counts.by_status == {"queued": 2, "published": 1}
    assert not desk.batches.get(other.id).is_over
    desk.keep(desk.started(bad))
    assert desk.batches.get(batch.id).is_over
    assert desk.batches.get(other.id).is_over
    assert desk.send("bad").is_over


def test_waiting_jobs_are_handed_over_in_portions_the_urgent_ones_first_and_no_more_than_fit(desk: Desk) -> None:
    desk.send(*(f"text {number}" for number in range(10)))
    given: list[Portion] = []

    def into(_: Connection, portions: Sequence[Portion]) -> None:
        given.extend(portions)

    options: dict[str, Any] = {"portion_size": 3, "at_most_waiting": 7}
    assert desk.queue.hand_over(100, into, **options) == 7
    assert [len(portion.job_ids) for portion in given] == [3, 3, 1]
    assert desk.queue.hand_over(100, into, **options) == 0
    job = desk.started(given[0].job_ids[0])
    assert desk.queue.hand_over(100, into, **options) == 1
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert desk.queue.portions(before=later) == {portion.id for portion in given}
    assert desk.queue.hand_back([given[0].id]) == 3
    assert desk.queue.hand_over(100, into, **options) == 2
    assert desk.started(job.id).fence == job.fence + 1


def test_jobs_of_one_batch_are_handed_over_whatever_else_stands_in_the_queue(desk: Desk) -> None:
    given: list[Portion] = []
    options: dict[str, Any] = {"portion_size": 8, "at_most_waiting": 3}
    older = desk.send("a", "b", "shared")
    desk.queue.hand_over(100, lambda *_: None, **options)
    newer = desk.send("shared", "c", "d")
    moved = desk.queue.hand_over(100, lambda _, portions: given.extend(portions), only=newer.id, **options)
    assert moved == 2
    assert [given[0].job_ids] == [tuple(desk.job_ids()[3:])]
    assert desk.queue.hand_over(100, lambda *_: None, only=older.id, **options) == 0


def test_a_portion_with_open_jobs_of_other_batches_is_put_back_as_a_whole(desk: Desk) -> None:
    desk.send("a", "b")
    newer = desk.send("c")
    ids = desk.job_ids()
    options: dict[str, Any] = {"portion_size": 8, "at_most_waiting": 8}
    desk.queue.hand_over(100, lambda *_: None, **options)
    started = desk.started(ids[0])
    assert desk.queue.put_back_unless_in(newer.id, ids)
    assert desk.queue.hand_over(100, lambda *_: None, **options) == 3
    with pytest.raises(Superseded):
        desk.keep(started)


def test_a_portion_whose_open_jobs_are_of_the_batch_stays(desk: Desk) -> None:
    desk.send("a")
    newer = desk.send("c", "d")
    ids = desk.job_ids()
    options: dict[str, Any] = {"portion_size": 8, "at_most_waiting": 8}
    desk.queue.hand_over(100, lambda *_: None, **options)
    desk.keep(desk.started(ids[0]))
    assert not desk.queue.put_back_unless_in(newer.id, ids)
    assert desk.queue.hand_over(100, lambda *_: None, **options) == 0
    desk.batches.cancel(newer.id)
    assert not desk.queue.put_back_unless_in(newer.id, ids)


def test_the_newest_batches_are_listed_and_open_ones_apart(desk: Desk) -> None:
    sent = [desk.send(text) for text in ("a", "b", "c")]
    desk.keep(desk.started(desk.job_ids()[1]))
    assert [batch.id for batch in desk.batches.newest(limit=2)] == [sent[2].id, sent[1].id]
    assert [batch.id for batch in desk.batches.newest(only_open=True)] == [sent[2].id, sent[0].id]


def test_a_hand_over_that_fails_leaves_the_jobs_where_they_were(desk: Desk) -> None:
    desk.send("one")

    def broken(_: Connection, __: Sequence[Portion]) -> None:
        raise RuntimeError("the engine is away")

    with pytest.raises(RuntimeError):
        desk.queue.hand_over(10, broken, portion_size=8, at_most_waiting=10)
    assert desk.queue.hand_over(10, lambda *_: None, portion_size=8, at_most_waiting=10) == 1


def test_the_time_left_follows_from_what_has_ended(desk: Desk) -> None:
    batch = desk.send("one", "two", "three")
    assert desk.batches.get(batch.id).eta_seconds() is None
    desk.keep(desk.started(desk.job_ids()[0]))
    stored = desk.batches.get(batch.id)
    assert stored.counts.began_at is not None
    moment = max(stored.counts.began_at, stored.created_at) + timedelta(seconds=10)
    assert stored.eta_seconds(moment) == 20.0
