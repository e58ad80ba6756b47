from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from service.storage.job_tables import workers
from service.storage.jobs import Superseded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from service.storage.job_queue import Portion
    from tests.service.storage.desk import Desk


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
    fresh = desk.started(desk.newest_job())
    assert (slow.starts, fresh.starts) == (1, 1)
    assert fresh.fence > slow.fence, "it is told to look for what is noted"
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


def test_what_a_job_has_paid_for_is_forgotten_when_its_riddle_is_kept_and_not_when_it_fails(desk: Desk) -> None:
    desk.send("one", "two")
    kept, failed = (desk.started(job_id) for job_id in desk.job_ids())
    desk.note(kept, "k")
    desk.note(failed, "k")
    desk.keep(kept)
    desk.fail(failed)
    assert desk.noted() == {failed.id: {"k"}}


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


def test_a_hand_over_that_fails_leaves_the_jobs_where_they_were(desk: Desk) -> None:
    desk.send("one")

    def broken(_: Connection, __: Sequence[Portion]) -> None:
        raise RuntimeError("the engine is away")

    with pytest.raises(RuntimeError):
        desk.queue.hand_over(10, broken, portion_size=8, at_most_waiting=10)
    assert desk.queue.hand_over(10, lambda *_: None, portion_size=8, at_most_waiting=10) == 1


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
