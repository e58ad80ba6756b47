from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from domain import Article, Riddle
from domain.errors import NotFound
from service.errors import BatchIsFinished, BatchTooLarge, NothingToRetry, QueueFull
from service.storage.batches import BatchRepository, NewBatch
from service.storage.intake import IntakeRules
from service.storage.job_queue import JobQueue, Portion
from service.storage.job_tables import batches, job_calls, jobs, workers
from service.storage.jobs import JobRepository, Superseded
from service.storage.riddles import RiddleRepository
from service.storage.scope import EVERYTHING, OfKey, OfTenant
from service.storage.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from service.storage.batch_rows import StoredBatch
    from service.storage.jobs import StartedJob
    from service.storage.scope import Scope

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
        self._numbers = count(1)

    def send(self, *texts: str, **options: Any) -> StoredBatch:
        return self.send_articles(*(Article(text=text) for text in texts), **options)

    def send_articles(
        self,
        *articles: Article,
        pipeline: str = "p",
        tenant: str | None = None,
        key_id: str | None = None,
        since: datetime | None = LONG_AGO,
        most_waiting: int | None = None,
    ) -> StoredBatch:
        new = NewBatch(
            id=f"bat_{next(self._numbers):032x}",
            articles=articles,
            pipeline=pipeline,
            key_id=key_id,
            tenant=tenant,
            priority=10,
        )
        return self.batches.create(new, rules=IntakeRules(dedup_since=since, most_waiting=most_waiting))

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


def test_an_item_keeps_the_article_it_was_sent_as_before_and_after_there_is_a_riddle(desk: Desk) -> None:
    first = Article(text="one", title="A", url="https://a.example/", source="a")
    other = Article(text="one", title="B", url="https://b.example/", source="b")
    batch = desk.send_articles(first, other)
    assert [item.riddle for item in desk.batches.items(batch.id)] == [None, None]
    desk.keep(desk.started(*desk.job_ids()))
    again = desk.send_articles(other, first)
    for sent, expected in ((batch, [first, other]), (again, [other, first])):
        assert [item.riddle.riddle.article for item in desk.batches.items(sent.id) if item.riddle] == expected


def test_work_is_shared_with_other_batches_of_the_same_pipeline_and_tenant_only(desk: Desk) -> None:
    desk.send("one")
    desk.send("one")
    assert len(desk.job_ids()) == 1
    desk.send("one", pipeline="other")
    desk.send("one", tenant="t")
    assert len(desk.job_ids()) == 3
    desk.send("one", since=None)
    assert len(desk.job_ids()) == 4


def test_finished_work_is_shared_for_a_while_and_open_work_however_old_it_is(desk: Desk) -> None:
    desk.send("one", "two")
    first, _ = desk.job_ids()
    desk.keep(desk.started(first))
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert desk.counts(desk.send("one", "two", since=later)) == {"queued": 2}
    assert len(desk.job_ids()) == 3, "`one` is worked on anew, `two` still waits"


def test_open_work_is_shared_by_the_key_that_pays_for_it_and_finished_work_by_all(desk: Desk) -> None:
    desk.send("one", key_id="poor")
    (poors,) = desk.job_ids()
    mine = desk.send("one", "one", key_id="rich")
    _, richs = desk.job_ids()
    desk.keep(desk.started(richs))
    assert desk.batches.get(mine.id).status == "done"
    desk.fail(desk.started(poors))
    assert desk.send("one", key_id="poor").status == "done"
    assert desk.send("one", key_id="third").status == "done"
    assert len(desk.job_ids()) == 2


def test_of_two_jobs_with_the_same_text_the_finished_one_is_taken(desk: Desk) -> None:
    for key_id in ("one", "other"):
        desk.send("text", key_id=key_id)
    first, second = desk.job_ids()
    desk.keep(desk.started(first))
    assert desk.send("text", key_id="other").status == "done"
    desk.keep(desk.started(second))


def test_no_more_articles_wait_than_may_however_many_batches_come_at_once(desk: Desk) -> None:
    def send(number: int) -> bool:
        try:
            desk.send(*(f"{number} {part}" for part in range(3)), most_waiting=7)
        except QueueFull:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(send, range(8)))
    assert sum(taken) == 2
    assert desk.queue.waiting() == 6


def test_only_what_is_new_counts_against_the_bound(desk: Desk) -> None:
    desk.send("done", "waits")
    desk.keep(desk.started(desk.job_ids()[0]))
    desk.send("done", "waits", "new", "new", most_waiting=2)
    with pytest.raises(QueueFull):
        desk.send("newer", most_waiting=2)
    assert desk.send("done", most_waiting=1).status == "done", "a batch of nothing new is taken however many wait"


def test_a_batch_with_more_new_articles_than_may_wait_is_never_told_to_come_back(desk: Desk) -> None:
    with pytest.raises(BatchTooLarge, match=r"4 articles .* 3 may wait"):
        desk.send("1", "2", "3", "4", "4", most_waiting=3)
    assert desk.job_ids() == []


def test_articles_that_are_run_again_count_against_the_bound_unless_nothing_else_waits(desk: Desk) -> None:
    batch = desk.send("one", "two")
    for job_id in desk.job_ids():
        desk.fail(desk.started(job_id))
    desk.send("other")
    with pytest.raises(QueueFull):
        desk.batches.retry(batch.id, most_waiting=2)
    assert desk.counts(batch) == {"failed": 2}
    desk.keep(desk.started(desk.job_ids()[-1]))
    assert desk.batches.retry(batch.id, most_waiting=1).counts.by_status == {"queued": 2}


def test_a_batch_is_its_tenants_or_its_keys_where_it_has_no_tenant(desk: Desk) -> None:
    keys, tenants = desk.send("one", key_id="k1"), desk.send("two", key_id="k2", tenant="t")
    scopes: dict[str, tuple[Scope, ...]] = {
        keys.id: (EVERYTHING, OfKey("k1")),
        tenants.id: (EVERYTHING, OfTenant("t")),
    }
    for batch_id, insiders in scopes.items():
        for scope in (EVERYTHING, OfKey("k1"), OfKey("k2"), OfTenant("t"), OfTenant("u")):
            for ask in (desk.batches.get, desk.batches.retry, desk.batches.cancel):
                if scope in insiders:
                    with suppress(NothingToRetry):
                        assert ask(batch_id, scope=scope).id == batch_id
                else:
                    with pytest.raises(NotFound, match="batch"):
                        ask(batch_id, scope=scope)


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


def test_cancelling_a_retry_leaves_the_failure_with_its_reason_and_it_can_be_retried_again(desk: Desk) -> None:
    batch = desk.send("bad", "new", "bad")
    bad, _ = desk.job_ids()
    desk.fail(desk.started(bad))
    desk.batches.retry(batch.id)
    cancelled = desk.batches.cancel(batch.id)
    assert cancelled.counts.by_status == {"failed": 2, "cancelled": 1}
    assert cancelled.is_over
    assert [item.error for item in desk.batches.items(batch.id)] == [{"detail": "no"}, None, {"detail": "no"}]
    again = desk.batches.retry(batch.id)
    assert (again.status, again.counts.by_status) == ("running", {"queued": 2, "cancelled": 1})
    desk.batches.cancel(batch.id)
    assert desk.counts(batch) == {"failed": 2, "cancelled": 1}, "a batch that runs again can be cancelled again"
    desk.batches.retry(batch.id)
    desk.keep(desk.started(bad))
    done = desk.batches.get(batch.id)
    assert (done.status, done.counts.by_status) == ("done", {"published": 2, "cancelled": 1})
    assert all(item.error is None for item in desk.batches.items(batch.id))
    assert desk.finished == [batch.id] * 3


def test_what_another_batch_waits_for_is_not_taken_from_it_by_cancelling_a_retry(desk: Desk) -> None:
    batch, other = desk.send("bad"), desk.send("bad")
    desk.fail(desk.started(*desk.job_ids()))
    desk.batches.retry(batch.id)
    assert desk.batches.cancel(batch.id).counts.by_status == {"cancelled": 1}
    assert desk.counts(other) == {"queued": 1}


def test_where_nothing_has_failed_there_is_nothing_to_retry(desk: Desk) -> None:
    batch = desk.send("one", "two")
    one, _ = desk.job_ids()
    with pytest.raises(NothingToRetry):
        desk.batches.retry(batch.id)
    desk.fail(desk.started(one))
    desk.batches.retry(batch.id)
    with pytest.raises(NothingToRetry, match="does not run again already"):
        desk.batches.retry(batch.id)
    desk.keep(desk.started(one))
    desk.batches.cancel(batch.id)
    with pytest.raises(NothingToRetry, match="1 cancelled"):
        desk.batches.retry(batch.id)
    assert desk.counts(batch) == {"published": 1, "cancelled": 1}


@pytest.mark.parametrize("seed", range(4))
def test_the_counts_of_batches_are_those_of_their_items_whatever_happens(desk: Desk, seed: int) -> None:
    chance = Random(seed)
    sent: list[StoredBatch] = []
    running: list[StartedJob] = []
    for _ in range(60):
        _step(desk, chance, sent, running)
        for batch in sent:
            found = desk.batches.get(batch.id)
            items = Counter(item.status for item in desk.batches.items(batch.id))
            assert found.counts.by_status == dict(items)
            assert found.is_over == (items["queued"] + items["running"] == 0)


def _step(desk: Desk, chance: Random, sent: list[StoredBatch], running: list[StartedJob]) -> None:
    """Something that happens to batches, by chance."""
    match chance.choice(("send", "begin", "begin", "keep", "fail", "cancel", "retry")):
        case "send":
            texts = chance.choices("abcdef", k=chance.randint(1, 4))
            sent.append(desk.send(*texts, key_id=chance.choice(("one", "other"))))
        case "begin":
            job_ids = [job_id for job_id in desk.job_ids() if job_id not in {job.id for job in running}]
            job = desk.begin(chance.choice(job_ids)) if job_ids else None
            running.extend([job] if job is not None else [])
        case "keep" if running:
            desk.keep(running.pop())
        case "fail" if running:
            desk.fail(running.pop(0))
        case "cancel" if sent:
            with suppress(BatchIsFinished):
                desk.batches.cancel(chance.choice(sent).id)
        case "retry" if sent:
            with suppress(NothingToRetry):
                desk.batches.retry(chance.choice(sent).id)


def test_what_was_finished_before_says_nothing_of_the_time_left(desk: Desk) -> None:
    desk.send("old", "older")
    for job_id in desk.job_ids():
        desk.keep(desk.started(job_id))
    batch = desk.send("old", "older", "one", "two", "three")
    assert batch.eta_seconds() is None
    desk.keep(desk.started(desk.job_ids()[2]))
    stored = desk.batches.get(batch.id)
    assert stored.counts.began_at is not None
    assert stored.eta_seconds(stored.counts.began_at + timedelta(seconds=10)) == 20.0


def test_after_a_retry_the_time_left_follows_from_what_was_run_again(desk: Desk) -> None:
    batch = desk.send("one", "two", "three")
    ids = desk.job_ids()
    for job_id in ids:
        desk.fail(desk.started(job_id))
    long_ago = {"started_at": LONG_AGO, "created_at": LONG_AGO}
    with desk.engine.begin() as connection:
        connection.execute(update(jobs).values(long_ago))
        connection.execute(update(batches).values(created_at=LONG_AGO, began_at=LONG_AGO))
    assert desk.batches.retry(batch.id).eta_seconds() is None
    desk.keep(desk.started(ids[0]))
    stored = desk.batches.get(batch.id)
    assert stored.counts.began_at is not None
    assert datetime.now(UTC) - stored.counts.began_at < timedelta(minutes=1)
    assert stored.eta_seconds(stored.counts.began_at + timedelta(seconds=10)) == 20.0


def test_the_time_left_follows_from_what_has_ended(desk: Desk) -> None:
    batch = desk.send("one", "two", "three")
    assert desk.batches.get(batch.id).eta_seconds() is None
    desk.keep(desk.started(desk.job_ids()[0]))
    stored = desk.batches.get(batch.id)
    assert stored.counts.began_at is not None
    moment = max(stored.counts.began_at, stored.created_at) + timedelta(seconds=10)
    assert stored.eta_seconds(moment) == 20.0
