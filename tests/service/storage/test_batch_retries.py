"""How failed articles are run again, what that shares with other batches, and how it is taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from domain import Article
from service.errors import QueueFull
from service.storage.intake import IntakeRules
from service.storage.job_tables import batches, jobs
from tests.service.storage.desk import LONG_AGO

if TYPE_CHECKING:
    from service.storage.batch_rows import StoredBatch
    from tests.service.storage.desk import Desk

SHARING = IntakeRules(dedup_since=LONG_AGO)


def _retry(desk: Desk, batch: StoredBatch) -> dict[str, int]:
    return desk.batches.retry(batch.id, rules=SHARING).counts.by_status


def _two_that_failed(desk: Desk) -> tuple[StoredBatch, StoredBatch]:
    """Batches that share a job which has paid for `summary` and failed."""
    first, second = desk.send("bad"), desk.send("bad")
    job = desk.started(desk.newest_job())
    desk.note(job, "summary")
    desk.fail(job)
    desk.finished.clear()
    return first, second


def test_retrying_runs_the_failed_ones_again(desk: Desk) -> None:
    batch = desk.send("bad", "good", "bad")
    bad, good = desk.job_ids()
    desk.fail(desk.started(bad))
    desk.keep(desk.started(good))
    assert desk.counts(batch) == {"failed": 2, "published": 1}
    assert [item.error for item in desk.batches.items(batch.id)] == [{"detail": "no"}, None, {"detail": "no"}]
    assert _retry(desk, batch) == {"queued": 2, "published": 1}
    desk.keep(desk.started(desk.newest_job()))
    assert desk.batches.get(batch.id).is_over
    assert all(item.riddle for item in desk.batches.items(batch.id))
    assert desk.send("bad").is_over


def test_a_retry_leaves_other_batches_that_hold_the_failed_job_alone(desk: Desk) -> None:
    first, second = _two_that_failed(desk)
    assert _retry(desk, first) == {"queued": 1}
    assert (desk.batches.get(second.id).status, desk.counts(second)) == ("done", {"failed": 1})
    assert [item.error for item in desk.batches.items(second.id)] == [{"detail": "no"}]
    desk.keep(desk.started(desk.newest_job()))
    assert (desk.counts(first), desk.counts(second)) == ({"published": 1}, {"failed": 1})
    assert desk.finished == [first.id]


def test_a_retry_waits_for_no_other_batch(desk: Desk) -> None:
    if desk.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer")
    first, second = _two_that_failed(desk)
    with ThreadPoolExecutor(1) as pool, desk.engine.begin() as ending:  # as the end of a job of the first one does
        ending.execute(select(batches.c.id).where(batches.c.id == first.id).with_for_update())
        assert pool.submit(_retry, desk, second).result(timeout=30) == {"queued": 1}


def test_cancelling_a_retry_leaves_the_failure_with_its_reason_and_it_can_be_retried_again(desk: Desk) -> None:
    batch = desk.send("bad", "new", "bad")
    desk.fail(desk.started(desk.job_ids()[0]))
    _retry(desk, batch)
    cancelled = desk.batches.cancel(batch.id)
    assert cancelled.counts.by_status == {"failed": 2, "cancelled": 1}
    assert cancelled.is_over
    assert [item.error for item in desk.batches.items(batch.id)] == [{"detail": "no"}, None, {"detail": "no"}]
    again = desk.batches.retry(batch.id)
    assert (again.status, again.counts.by_status) == ("running", {"queued": 2, "cancelled": 1})
    desk.batches.cancel(batch.id)
    assert desk.counts(batch) == {"failed": 2, "cancelled": 1}, "a batch that runs again can be cancelled again"
    assert desk.queue.waiting() == 0
    _retry(desk, batch)
    desk.keep(desk.started(desk.newest_job()))
    done = desk.batches.get(batch.id)
    assert (done.status, done.counts.by_status) == ("done", {"published": 2, "cancelled": 1})
    assert all(item.error is None for item in desk.batches.items(batch.id))
    assert desk.finished == [batch.id] * 3


def test_cancelling_the_retry_of_a_shared_article_takes_neither_batchs_failure_nor_work(desk: Desk) -> None:
    first, second = _two_that_failed(desk)
    _retry(desk, first)
    later = desk.send("bad")
    assert _retry(desk, second) == {"queued": 1}
    assert len(desk.job_ids()) == 2, "all three wait for one job"
    desk.batches.cancel(first.id)
    assert desk.counts(first) == {"failed": 1}
    assert [item.error for item in desk.batches.items(first.id)] == [{"detail": "no"}]
    assert (desk.counts(second), desk.counts(later)) == ({"queued": 1}, {"queued": 1})
    desk.batches.cancel(second.id)
    assert desk.batches.cancel(later.id).counts.by_status == {"cancelled": 1}, "it never failed"
    assert desk.queue.waiting() == 0
    assert _retry(desk, first) == {"queued": 1}
    assert _retry(desk, second) == {"queued": 1}


def test_a_retry_takes_the_riddle_that_another_batch_has_made_of_the_text(desk: Desk) -> None:
    sent = Article(text="bad", title="Mine")
    batch = desk.send_articles(sent)
    desk.fail(desk.started(desk.newest_job()))
    desk.send_articles(Article(text="bad", title="Theirs"), key_id="other")
    desk.keep(desk.started(desk.newest_job()))
    desk.finished.clear()
    done = desk.batches.retry(batch.id, rules=SHARING)
    assert (done.status, done.counts.by_status) == ("done", {"published": 1})
    (item,) = desk.batches.items(batch.id)
    assert item.riddle is not None
    assert item.riddle.riddle.article == sent
    assert desk.queue.waiting() == 0
    assert desk.finished == [batch.id]


def test_a_retry_takes_no_riddle_of_before_the_time_for_which_work_is_shared(desk: Desk) -> None:
    batch = desk.send("bad")
    desk.fail(desk.started(desk.newest_job()))
    desk.send("bad")
    desk.keep(desk.started(desk.newest_job()))
    later = datetime.now(UTC) + timedelta(seconds=1)
    for rules in (IntakeRules(dedup_since=later), IntakeRules(dedup_since=None)):
        assert desk.batches.retry(batch.id, rules=rules).counts.by_status == {"queued": 1}
        desk.batches.cancel(batch.id)


def test_what_a_failed_article_has_paid_for_is_noted_for_every_retry_of_it(desk: Desk) -> None:
    first, second = _two_that_failed(desk)
    (failed,) = desk.job_ids()
    _retry(desk, first)
    fresh = desk.started(desk.newest_job())
    assert fresh.fence > 1, "else nothing that is noted is looked for"
    assert desk.noted() == {failed: {"summary"}, fresh.id: {"summary"}}
    desk.keep(fresh)
    assert desk.noted() == {failed: {"summary"}}
    desk.batches.retry(second.id)
    assert desk.noted()[desk.newest_job()] == {"summary"}


def test_cancelling_keeps_what_a_retry_has_paid_for_and_forgets_what_nobody_can_ask_for(desk: Desk) -> None:
    batch = desk.send("bad", "other")
    failed, other = (desk.started(job_id) for job_id in desk.job_ids())
    desk.note(failed, "summary")
    desk.fail(failed)
    _retry(desk, batch)
    again = desk.started(desk.newest_job())
    desk.note(other, "summary")
    desk.note(again, "riddle")
    _put_back(desk)
    assert desk.batches.cancel(batch.id).counts.by_status == {"failed": 1, "cancelled": 1}
    assert desk.noted() == {failed.id: {"summary", "riddle"}}


def _put_back(desk: Desk) -> None:
    """As jobs are that wait for a budget."""
    with desk.engine.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.status == "running").values(status="queued"))


def test_only_jobs_that_a_retry_makes_count_against_the_bound(desk: Desk) -> None:
    first, second = _two_that_failed(desk)
    desk.send("waits", "too")
    with pytest.raises(QueueFull):
        desk.batches.retry(first.id, rules=IntakeRules(dedup_since=LONG_AGO, most_waiting=2))
    assert desk.counts(first) == {"failed": 1}
    _retry(desk, first)
    shared = desk.batches.retry(second.id, rules=IntakeRules(dedup_since=LONG_AGO, most_waiting=1))
    assert shared.counts.by_status == {"queued": 1}


def test_a_job_that_failed_is_purged_with_the_last_batch_that_can_come_back_to_it(desk: Desk) -> None:
    first, _ = _two_that_failed(desk)
    with desk.engine.begin() as connection:
        connection.execute(update(jobs).values(finished_at=LONG_AGO))
        connection.execute(update(batches).values(finished_at=LONG_AGO))
    _retry(desk, first)
    assert desk.batches.purge(timedelta(hours=1)) == 1
    assert desk.batches.cancel(first.id).counts.by_status == {"failed": 1}
    assert [item.error for item in desk.batches.items(first.id)] == [{"detail": "no"}]
    assert desk.batches.purge(timedelta(0)) == 1
    assert desk.job_ids() == []
    assert desk.noted() == {}
